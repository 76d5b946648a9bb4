import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { registry } from "../../actors/registry.ts";
import { runBackup, runRestore } from "../../commands/backup/commands.ts";
import { Departures } from "../../runtime/departures.ts";
import type { Archive, Ports } from "../../runtime/ports/index.ts";
import { silent } from "../../runtime/sim/process.ts";
import { rowsAt, TestDatabase } from "../support/database.ts";
import { smoke, TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const cleanUps: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function run(command: typeof runBackup, args: readonly string[], env: NodeJS.ProcessEnv) {
  const told: string[] = [];
  const tell = (text: string) => void told.push(text);
  const out = { result: tell, note: tell, terminal: undefined };
  return { code: await command(args, { out, env: { ...process.env, ...env }, log: silent }), told: told.join("\n") };
}

/** A node with an archive, in the given database or in one of its own. */
async function started(dataDir: string, database?: TestDatabase): Promise<TestServer> {
  const given = database === undefined ? {} : { DATABASE_URL: database.url };
  const server = await TestServer.start({ ARCHIVE: "on", ...given }, dataDir);
  cleanUps.push(() => server.stop(true));
  return server;
}

async function archived(server: TestServer): Promise<void> {
  const { events, locations, alerts } = server.node.ports.sources;
  await until("all is archived", async () => {
    const { feeds } = (await server.get("/health/ready")).body.archive;
    return (
      // What is told first was told before the backup.
      server.node.archive?.url !== undefined &&
      feeds.events.state === "running" &&
      feeds.events.sequence === (await events.state()).last &&
      feeds.locations?.sequence === (await locations.state()).last &&
      feeds.alerts?.sequence === (await alerts.state()).last
    );
  });
}

async function departed({ node }: TestServer, id: string): Promise<void> {
  const ports = node.ports as Ports & { readonly archive: Archive };
  const options = { restMs: -60_000, everyMs: 10, batch: 100 };
  const departures = new Departures(registry, ports, node.board, node.client, () => true, options);
  await until("it has departed", async () => {
    await node.host.checkpoint();
    await departures.pass().catch(() => undefined);
    return (await ports.journal.read(`evt.*.incident.${id}`, 0)).length === 1;
  });
}

const TABLES =
  "incidents audit_log assignments resources resource_statuses alerts alert_log alert_reports channels message_words positions quarantine".split(
    " ",
  );

/** Every row of every table. */
async function rowsOf(url: string): Promise<unknown> {
  const all = TABLES.map((table) => rowsAt(url, `select t::text as row from ${table} t order by 1`));
  return Object.fromEntries((await Promise.all(all)).map((found, index) => [TABLES[index], found]));
}

describe.each([
  ["in a database that is given", true],
  ["in one of its own", false],
])("a backup of a node with its archive %s", (_where, isGiven) => {
  // A run on a named server is about that one.
  it.skipIf(!isGiven && process.env["TEST_DATABASE_URL"] !== undefined)(
    "has what has left the journal, and the archive goes on where it was",
    { timeout: 120_000 },
    async () => {
      const databases: TestDatabase[] = [];
      for (let count = 0; isGiven && count < 2; count++) {
        const database = await TestDatabase.make();
        cleanUps.push(() => database.drop());
        databases.push(database);
      }
      const home = mkdtempSync(join(tmpdir(), "tocsin-archive-backup-"));
      cleanUps.push(() => rmSync(home, { recursive: true, force: true }));
      // So that a server which runs as somebody else can have its files here.
      chmodSync(home, 0o711);
      const original = await started(join(home, "original"), databases[0]);
      const over = await original.newIncident();
      await until("its channel is there", async () => {
        const said = { body: "The hydrant is behind the school" };
        return (await original.post(`/api/v1/channels/${over}/messages`, said)).status === 201;
      });
      await original.patch(`/api/v1/incidents/${over}`, { status: "cancelled" });
      const open = await original.newIncident({ title: "tab\there, \\N and Église", metadata: { a: ["\\", "\t"] } });
      const unit = await original.newVehicle("E1");
      await original.post(`/api/v1/incidents/${open}/assign`, { unitId: unit });
      const at = (daysAgo: number) => new Date(Date.now() - daysAgo * 86_400_000).toISOString();
      const fixes = [2, 1, 0].map((daysAgo) => ({ lat: 37.7, lon: -122.4, at: at(daysAgo) }));
      await original.post(`/api/v1/resources/vehicles/${unit}/location`, { fixes });
      const report = { type: "smoke", severity: "critical", title: "Smoke\tin \\N", source: "panel", dedupKey: "1" };
      for (const severity of ["low", "critical"]) await original.post("/api/v1/alerts", { ...report, severity });
      await original.reacted();
      await departed(original, over);
      await archived(original);
      const look = async (server: TestServer) => ({
        over: (await server.get(`/api/v1/incidents/${over}`)).body,
        open: (await server.get(`/api/v1/incidents/${open}`)).body,
        timeline: (await server.get(`/api/v1/incidents/${over}/timeline`)).body,
        audit: (await server.get(`/api/v1/audit/verify?kind=incident&id=${over}`)).body,
        said: (await server.get(`/api/v1/channels/${over}/messages`)).body,
        found: (await server.get(`/api/v1/channels/${over}/messages?q=hydrant`)).body,
      });
      const [seen, rows] = [await look(original), await rowsOf(original.node.archive!.url!)];
      expect(seen.audit).toMatchObject({ intact: true, verified: 3 });
      // What was said about it outlives it, sealed wherever it is kept.
      const message = { items: [{ body: "The hydrant is behind the school" }] };
      expect(seen).toMatchObject({ said: message, found: message });
      expect(JSON.stringify(rows)).not.toContain("hydrant");

      const target = join(home, "backup");
      const environment = isGiven ? { DATABASE_URL: databases[0]!.url } : {};
      const backup = await run(runBackup, [target], { DATA_DIR: original.dataDir, ...environment });
      expect(backup).toMatchObject({ code: 0, told: expect.stringContaining("archive: ") });
      await original.newIncident({ title: "after the backup" });
      await original.stop(true);

      const dataDir = join(home, "restored");
      const there = isGiven ? { DATABASE_URL: databases[1]!.url } : {};
      const restored = await run(runRestore, [target], { DATA_DIR: dataDir, ...there });
      // Two of the incident, and those of its channel, if that has left as well.
      expect(Number(/(\d+) of them in the archive alone/.exec(restored.told)?.[1])).toBeGreaterThanOrEqual(2);
      expect(restored).toMatchObject({ code: 0, told: expect.stringContaining("nothing is wrong") });
      const server = await started(dataDir, databases[1]);
      await archived(server);
      expect(await rowsOf(server.node.archive!.url!)).toEqual(rows);
      expect(await look(server)).toEqual(seen);
      const made = await server.post("/api/v1/incidents", smoke);
      await archived(server);
      const known = rowsAt(server.node.archive!.url!, "select incident_number from incidents where id = $1", [
        made.body.id,
      ]);
      expect(await known).toEqual([{ incident_number: made.body.incidentNumber }]);
      if (isGiven) {
        const again = await run(runRestore, [target], { DATA_DIR: join(home, "again"), ...there });
        expect(again).toMatchObject({ code: 2, told: expect.stringContaining("nothing is restored over them") });
      }
    },
  );
});
