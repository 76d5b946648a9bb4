import { afterEach, describe, expect, it } from "vitest";
import { randomOf } from "../../runtime/sim/random.ts";
import { expectAllArchived } from "../support/archived.ts";
import { TestDatabase } from "../support/database.ts";
import { Dispatch } from "../support/dispatch.ts";
import { replayed } from "../support/replayed.ts";
import { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { killArchive } from "./archive.ts";
import { keepResult } from "./results.ts";

const KILLS = 30;
const ROUNDS = 3;

const cleanUps: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function running() {
  const database = await TestDatabase.make();
  cleanUps.push(() => database.drop());
  const server = await TestServer.withArchive({ DATABASE_URL: database.url, RATE_LIMIT_PER_SECOND: "0" });
  cleanUps.push(() => server.stop());
  return { server, database };
}

describe("the archive", () => {
  it("equals a fold of the journal, though its projector and PostgreSQL are killed thirty times", async () => {
    const { server, database } = await running();
    const dispatch = new Dispatch(server);
    await dispatch.start();
    cleanUps.push(() => dispatch.stop());
    const seed = Math.floor(Math.random() * 1e6);
    console.log(`seed ${seed}`);
    const killed = await killArchive({ server, database, dispatch }, KILLS, randomOf(seed));
    // Lag goes by itself while dispatch goes on.
    const startedMs = performance.now();
    await until("the archive is as far as dispatch was", async () => {
      const { events } = (await server.get("/health/ready")).body.archive.feeds;
      return events.state === "running" && events.behindMs < 1_000;
    });
    const recoveredMs = Math.round(performance.now() - startedMs);
    await dispatch.stop();
    await expectAllArchived(server, database);
    const [rows] = await database.rows(
      `select (select count(*)::integer from audit_log) as envelopes, (select count(*)::integer from incidents) as incidents,
        (select count(*)::integer from positions) as positions, (select count(*)::integer from alert_reports) as reports`,
    );
    expect(await database.rows("select from quarantine")).toEqual([]);
    await keepResult("archive-kills", { seed, killed, rows, recoveredMs, gaps: 0, doubles: 0 });
  });

  it("may be away for the whole of a replay, which is as fast, loses nothing, and is archived after", async () => {
    const { server, database } = await running();
    // The same day again and again: the first one makes the units.
    await replayed(server);
    const rates = { with: [] as number[], without: [] as number[] };
    const behind: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      rates.with.push((await replayed(server)).requestsPerSecond);
      await server.archived();
      await database.server!.stop();
      const { requestsPerSecond, created } = await replayed(server);
      rates.without.push(requestsPerSecond);
      const { events } = (await server.get("/health/ready")).body.archive.feeds;
      expect(events.behind).toBeGreaterThan(created);
      behind.push(events.behind);
      await database.server!.start();
      await expectAllArchived(server, database);
    }
    await keepResult("archive-away", { requestsPerSecond: rates, behindAtTheEnd: behind });
  });
});
