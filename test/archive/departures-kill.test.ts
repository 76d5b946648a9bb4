import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { JournalEntry } from "../../runtime/ports/index.ts";
import { randomOf } from "../../runtime/sim/random.ts";
import { Load } from "../chaos/load.ts";
import { operate } from "../operations/commands.ts";
import { checkJournal } from "../simulation/invariants.ts";
import { Cluster } from "../support/cluster.ts";
import { TestDatabase } from "../support/database.ts";
import { HostProcess } from "../support/host-process.ts";
import { freePort } from "../support/server.ts";
import { until } from "../support/until.ts";

const KILLS = 4;
/** Over for half a second, and an incident leaves. */
const JOURNAL_DAYS = String(0.5 / 86_400);

const cleanUps: (() => Promise<unknown> | unknown)[] = [];
afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

it("a host that is killed while incidents leave the journal loses nothing of them", { timeout: 180_000 }, async () => {
  const database = await TestDatabase.make();
  cleanUps.push(() => database.drop());
  const cluster = await Cluster.start();
  cleanUps.push(() => cluster.stop());
  const dataDir = mkdtempSync(join(tmpdir(), "tocsin-departures-"));
  cleanUps.push(() => rmSync(dataDir, { recursive: true, force: true }));
  const archive = { ARCHIVE: "on", DATABASE_URL: database.url };
  const environment = { NATS_URL: cluster.nats.url, JOURNAL_DAYS, ...archive };
  const host = new HostProcess({ dataDir, port: await freePort(), environment });
  cleanUps.push(() => host.kill("SIGKILL"));
  host.start();
  await host.ready();

  const load = new Load(host.url, host.token);
  load.start(4);
  const over = new Set<string>();
  let stopping = false;
  /** Reports incidents and cancels them, whatever happens to the host. */
  const cancelling = (async () => {
    while (!stopping) {
      const id = await host.newIncident().catch(() => undefined);
      const cancelled =
        id && (await host.patch(`/api/v1/incidents/${id}`, { status: "cancelled" }).catch(() => undefined));
      if (id && cancelled && cancelled.status === 200) over.add(id);
      else await new Promise((again) => setTimeout(again, 20));
    }
  })();
  const inJournal = async (id: string) => cluster.ports.journal.read(`evt.*.incident.${id}`, 0);
  const random = randomOf(3);
  for (let time = 0; time < KILLS; time++) {
    const before = over.size;
    await until("some more are over", () => over.size > before + 1);
    await new Promise((resolve) => setTimeout(resolve, random() * 1_500));
    await host.kill("SIGKILL");
    host.start();
    await host.ready();
  }
  stopping = true;
  await Promise.all([cancelling, load.stop()]);
  const waiting = new Set(over);
  await until("all that are over have left", async () => {
    for (const id of waiting) if ((await inJournal(id)).length === 1) waiting.delete(id);
    return waiting.size === 0;
  });

  for (const id of over) {
    const { status, body } = await host.get(`/api/v1/incidents/${id}`);
    expect({ status, is: body.status }).toEqual({ status: 200, is: "cancelled" });
  }
  const journal = await cluster.ports.journal.read("evt.>", 0);
  const archived = await database.rows<{ sequence: string; subject: string; payload: string }>(
    "select sequence, 'evt.' || agency_id || '.' || kind || '.' || entity_id as subject, envelope as payload from audit_log",
  );
  const all = new Map<number, JournalEntry>(
    archived.map(({ sequence, ...entry }) => [Number(sequence), { sequence: Number(sequence), ...entry }]),
  );
  for (const entry of journal) all.set(entry.sequence, entry);
  const story = [...all.values()].sort((a, b) => a.sequence - b.sequence);
  expect(story.map(({ sequence }) => sequence)).toEqual(story.map((_, index) => index + 1));
  checkJournal(story, load.acknowledged, "at the end");
  // Those whose sender never heard that they are over leave as well, some only now: where none did, all that it saw is known.
  for (let left = -1; ; ) {
    const before = left;
    const verified = await operate("verify", "--json", { ...archive, NATS_URL: cluster.nats.url });
    left = all.size - (await cluster.ports.journal.read("evt.>", 0)).length;
    expect(JSON.parse(verified.result)).toMatchObject({ ok: true });
    if (left !== before) continue;
    expect(JSON.parse(verified.result)).toMatchObject({ archived: left });
    break;
  }
});
