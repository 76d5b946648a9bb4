import { type ChildProcess, spawn } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { projections, registry } from "../../actors/registry.ts";
import { trackColumns, trackProjection } from "../../actors/resource/track-projection.ts";
import { PostgresArchive } from "../../bridges/postgres/archive.ts";
import { Projector } from "../../bridges/postgres/projector.ts";
import { runRebuild } from "../../commands/rebuild/rebuild.ts";
import { readArchiveStatus } from "../../runtime/archive-status.ts";
import { type Log, PortUnavailable } from "../../runtime/ports/index.ts";
import { silent } from "../../runtime/sim/process.ts";
import { randomOf } from "../../runtime/sim/random.ts";
import { killArchive } from "../chaos/archive.ts";
import { expectAllArchived } from "../support/archived.ts";
import { TestDatabase } from "../support/database.ts";
import { Dispatch } from "../support/dispatch.ts";
import { Line } from "../support/line.ts";
import { replayed } from "../support/replayed.ts";
import { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const cleanUps: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function running(): Promise<{ server: TestServer; database: TestDatabase; dispatch: Dispatch }> {
  const database = await TestDatabase.make();
  cleanUps.push(() => database.drop());
  const server = await TestServer.withArchive({ DATABASE_URL: database.url, RATE_LIMIT_PER_SECOND: "0" });
  cleanUps.push(() => server.stop());
  const dispatch = new Dispatch(server);
  await dispatch.start();
  cleanUps.push(() => dispatch.stop());
  return { server, database, dispatch };
}

describe("the archive, while dispatch goes on", () => {
  it("is made by one of several projectors, and by the next when that one dies", { timeout: 120_000 }, async () => {
    const { server, database, dispatch } = await running();
    const url = server.node.ports.connection.nc.getServer();
    const environment = { ...process.env, NATS_URL: url, DATABASE_URL: database.url, LOG_LEVEL: "silent" };
    const other: ChildProcess = spawn(process.execPath, ["dist/commands/archive.main.js"], {
      env: environment,
      stdio: "ignore",
    });
    cleanUps.push(() => other.kill("SIGKILL"));
    const holders = () =>
      database.rows<{ pid: number; granted: boolean }>(
        `select pid, application_name from pg_locks join pg_stat_activity using (pid)
         where locktype = 'advisory' and application_name like 'tocsin projector %' and database = (select oid from pg_database where datname = current_database())`,
      );
    const connections = () =>
      database.rows(
        "select from pg_stat_activity where application_name like 'tocsin projector %' and datname = current_database()",
      );
    // Those that work have a second connection for each feed.
    await until("both are connected", async () => (await connections()).length >= 9);
    expect((await holders()).length).toBe(3);
    const { projector } = server.node.archive!.pids;
    const before = (await holders()).map(({ pid }) => pid);
    process.kill(projector!, "SIGKILL");
    await until("the other one works", async () => {
      const now = (await holders()).map(({ pid }) => pid);
      return now.length === 3 && now.every((pid) => !before.includes(pid));
    });
    await dispatch.goesOn(10);
    await dispatch.stop();
    await expectAllArchived(server, database);
  });

  it("goes on past what cannot be archived, and keeps it with the reason", async () => {
    const { server, database, dispatch } = await running();
    const { journal, ids } = server.node.ports;
    const envelope = (id: string, more: object) =>
      JSON.stringify({
        v: 1,
        kind: "incident",
        id,
        agency: "default",
        version: 1,
        commandId: id,
        by: "test",
        prev: "",
        events: [],
        ...more,
      });
    const [torn, unknown] = [ids.uuidV7(), ids.uuidV7()];
    // What PostgreSQL refuses comes within batches of others, whose actors go on at that moment.
    const wrongTimes = Array.from({ length: 5 }, () => ids.uuidV7());
    const bad: readonly (readonly [string, string])[] = [
      [torn, "{ this is no JSON"],
      ...wrongTimes.map((id) => [id, envelope(id, { at: "not a time" })] as const),
      [unknown, envelope(unknown, { at: new Date().toISOString(), events: [{ type: "incident.from_the_future" }] })],
    ];
    for (const [id, payload] of bad) {
      await dispatch.goesOn(5);
      await journal.append([{ subject: `evt.default.incident.${id}`, payload, expectedSequence: 0 }]);
    }
    await dispatch.goesOn(5);
    await dispatch.stop();
    await server.archived();
    const kept = await database.rows<{ subject: string; problem: string }>(
      "select subject, problem from quarantine order by sequence",
    );
    expect(kept.map(({ subject }) => subject)).toEqual(bad.map(([id]) => `evt.default.incident.${id}`));
    expect(kept.map(({ problem }) => problem)).toEqual([
      expect.stringMatching(/JSON/),
      ...wrongTimes.map(() => expect.stringMatching(/timestamp/)),
      expect.stringMatching(/from_the_future/),
    ]);
    const good = (await journal.read("evt.>", 0)).filter(
      ({ subject }) => ![torn, ...wrongTimes].some((id) => subject.includes(id)),
    );
    const log = await database.rows<{ sequence: string }>("select sequence from audit_log order by sequence");
    expect(log.map(({ sequence }) => Number(sequence))).toEqual(good.map(({ sequence }) => sequence));
  });
});

describe.skipIf(process.env["TEST_DATABASE_URL"] !== undefined)("PostgreSQL", () => {
  it("and its projector may be killed at any moment, and each entry is there once", { timeout: 180_000 }, async () => {
    const { server, database, dispatch } = await running();
    const killed = await killArchive({ server, database, dispatch }, 6, randomOf(11));
    expect(Object.values(killed)).not.toContain(0);
    await dispatch.stop();
    await expectAllArchived(server, database);
  });

  it("may be away for the whole of a replay: nothing is lost, health tells how far behind the archive is all along", {
    timeout: 180_000,
  }, async () => {
    const database = await TestDatabase.make();
    cleanUps.push(() => database.drop());
    const server = await TestServer.withArchive({ DATABASE_URL: database.url, RATE_LIMIT_PER_SECOND: "0" });
    cleanUps.push(() => server.stop());
    await database.server!.stop();
    let replaying = true;
    const told: { behind: number; sequence: number; of: number }[] = [];
    const watching = (async () => {
      while (replaying) {
        const of = server.node.board.sequence;
        const { ready, archive } = (await server.get("/health/ready")).body;
        expect(ready).toBe(true);
        told.push({ ...archive.feeds.events, of });
        // How often health is asked, all along: nothing is waited for.
        await new Promise((again) => setTimeout(again, 50));
      }
    })();
    const { created } = await replayed(server, "--limit", "150");
    replaying = false;
    await watching;
    expect(created).toBe(150);
    // The lag is that of the moment at which it was asked for, and never shrinks.
    for (const { behind, sequence, of } of told) expect(behind + sequence).toBeGreaterThanOrEqual(of);
    expect(told.map(({ behind }) => behind)).toEqual(told.map(({ behind }) => behind).sort((a, b) => a - b));
    expect(told.at(-1)!.behind).toBeGreaterThan(created);
    await database.server!.start();
    await expectAllArchived(server, database);
    expect((await database.rows("select from incidents")).length).toBe(created);
  });

  it("may be away: dispatch does not notice, health tells how far behind the archive is", {
    timeout: 120_000,
  }, async () => {
    const { server, database, dispatch } = await running();
    const incident = await server.newIncident({ title: "before it went" });
    // Dispatch goes on: there is no moment at which all is archived.
    await until(
      "it is archived",
      async () => (await database.rows("select from incidents where id = $1", [incident])).length === 1,
    );
    await database.server!.stop();
    const health = async () => (await server.get("/health/ready")).body;
    await until("it is behind, and says why", async () => {
      const { state, behind, problem } = (await health()).archive.feeds.events;
      return state === "down" && behind > 100 && problem !== null;
    });
    const first = await health();
    expect(first.ready).toBe(true);
    await dispatch.goesOn(50);
    await until("it is further behind", async () => {
      const { behind, behindMs } = (await health()).archive.feeds.events;
      return behind > first.archive.feeds.events.behind && behindMs > 1_000;
    });
    // Lists of what is in memory are whole; search says that it is not; history says that it waits.
    expect((await server.get("/api/v1/incidents?limit=5")).body.complete).toBe(true);
    const found = (await server.get("/api/v1/incidents?q=before%20it%20went")).body;
    expect(found).toMatchObject({ complete: false, items: [{ id: incident }] });
    const report = await server.get("/api/v1/reports/call-volume");
    expect([report.status, report.body.code, report.headers.get("retry-after")]).toEqual([
      503,
      "archive_unavailable",
      "1",
    ]);
    await database.server!.start();
    await dispatch.goesOn(10);
    await dispatch.stop();
    await expectAllArchived(server, database);
    expect((await server.get("/api/v1/reports/call-volume")).status).toBe(200);
    expect((await readArchiveStatus(server.node.ports.config))?.feeds["events"]).toMatchObject({
      state: "running",
      behind: 0,
    });
  });
});

/** A node, and its projector in this process. */
async function projecting(database: TestDatabase, url: string, log: Log) {
  const server = await TestServer.start();
  cleanUps.push(() => server.stop());
  const { sources, config, clock } = server.node.ports;
  const track = { projection: trackProjection, columns: trackColumns };
  const of = { database: { connectionString: url }, sources, config, registry, projections, track };
  const projector = new Projector({ ...of, retentionDays: 0, silentMs: 1_000 }, clock, log);
  projector.start();
  cleanUps.push(() => projector.stop());
  const isArchived = async (id: string) =>
    (await database.rows("select from incidents where id = $1", [id]).catch(() => [])).length === 1;
  return { server, isArchived };
}

describe("a projector whose tables are made anew by a rebuild", () => {
  it("says in a line that it begins anew, which is no trouble, and goes on", async () => {
    const database = await TestDatabase.make();
    cleanUps.push(() => database.drop());
    const said: string[] = [];
    const note = (level: string) => (details: object, message: string) =>
      void said.push(`${level} ${message} ${JSON.stringify(details)}`);
    const log = { info: note("info"), warn: note("warn"), error: note("error") };
    const { server, isArchived } = await projecting(database, database.url, log);
    const before = await server.newIncident();
    await until("what came before is archived", () => isArchived(before));
    const out = { result: () => undefined, note: () => undefined, terminal: undefined };
    const env = { DATABASE_URL: database.url };
    expect(await runRebuild(["incidents"], { out, env, log: silent })).toBe(0);
    const after = await server.newIncident();
    await until("what came after is archived", () => isArchived(after));
    const ofThat = said.filter((line) => line.includes("begins anew"));
    expect(ofThat).toEqual([
      expect.stringMatching(
        /^info archiving begins anew from its checkpoint \{"feed":"events","problem":"events does not stand at \d+ any more"\}$/,
      ),
    ]);
    expect(said.filter((line) => !line.startsWith("info "))).toEqual([]);
  });
});

describe("a database that is gone without a word", () => {
  async function frozenLater(): Promise<{ database: TestDatabase; url: string; line: Line }> {
    const database = await TestDatabase.make();
    cleanUps.push(() => database.drop());
    const line = await Line.to(database.url);
    cleanUps.push(() => line.close());
    const url = new URL(database.url);
    url.port = new URL(line.url).port;
    return { database, url: url.href, line };
  }

  it("is given up in time by whoever asks for the past, and asked again by another connection", async () => {
    const { url, line } = await frozenLater();
    const archive = new PostgresArchive(() => url, 200);
    cleanUps.push(() => archive.close());
    await archive.onDisk();
    line.freeze();
    await expect(archive.onDisk()).rejects.toThrow(PortUnavailable);
    await archive.onDisk();
  });

  it("is given up by the projector, which goes on by another connection", { timeout: 60_000 }, async () => {
    const { database, url, line } = await frozenLater();
    const { server, isArchived } = await projecting(database, url, silent);
    const before = await server.newIncident();
    await until("what came before is archived", () => isArchived(before));
    line.swallow();
    const after = await server.newIncident();
    await until("what came after is archived", () => isArchived(after));
  });
});
