import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { incidentProjection } from "../../actors/incident/projection.ts";
import { registry } from "../../actors/registry.ts";
import { rebuild } from "../../bridges/postgres/rebuild.ts";
import { runRebuild } from "../../commands/rebuild/rebuild.ts";
import { Departures } from "../../runtime/departures.ts";
import type { Archive, Ports } from "../../runtime/ports/index.ts";
import { systemClock } from "../../runtime/ports/system.ts";
import { silent } from "../../runtime/sim/process.ts";
import { expectAllArchived } from "../support/archived.ts";
import { TestDatabase } from "../support/database.ts";
import { Dispatch } from "../support/dispatch.ts";
import { freePort, TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let database: TestDatabase;
let server: TestServer;
let processOfRebuild: ChildProcess | undefined;

beforeAll(async () => {
  database = await TestDatabase.make();
  server = await TestServer.withArchive({ DATABASE_URL: database.url, RATE_LIMIT_PER_SECOND: "0" });
});
afterAll(async () => {
  processOfRebuild?.kill("SIGKILL");
  await server?.stop();
  await database?.drop();
});

function run(...args: readonly string[]) {
  return runAt(database.url, ...args);
}

async function runAt(url: string, ...args: readonly string[]) {
  const told: string[] = [];
  const tell = (text: string) => void told.push(text);
  const out = { result: tell, note: tell, terminal: undefined };
  const code = await runRebuild(args, { out, env: { DATABASE_URL: url }, log: silent });
  return { code, told: told.join("\n") };
}

const TABLES = ["incidents", "assignments", "resources", "resource_statuses", "quarantine"];

async function rowsOf(): Promise<Readonly<Record<string, readonly unknown[]>>> {
  const tables = TABLES.map(async (table) => {
    const time = table === "quarantine" ? " - 'kept_at'" : "";
    return [table, await database.rows(`select (to_jsonb(t)${time})::text as row from ${table} t order by 1`)] as const;
  });
  return Object.fromEntries(await Promise.all(tables));
}

/** With all that stands on them. */
async function shapeOf(): Promise<readonly unknown[]> {
  return database.rows(
    `select tablename as of, indexdef as what from pg_indexes where schemaname = 'tocsin'
     union all
     select conrelid::regclass::text, conname || ' ' || pg_get_constraintdef(oid) from pg_constraint
     where connamespace = 'tocsin'::regnamespace
     union all
     select relname, coalesce(relacl::text, '') from pg_class where relnamespace = 'tocsin'::regnamespace and relkind = 'r'
     order by 1, 2`,
  );
}

async function departed(id: string): Promise<void> {
  const { node } = server;
  const ports = node.ports as Ports & { readonly archive: Archive };
  const options = { restMs: -60_000, everyMs: 10, batch: 100 };
  const departures = new Departures(registry, ports, node.board, node.client, () => true, options);
  await until("it has departed", async () => {
    await node.host.checkpoint();
    await departures.pass();
    return (await ports.journal.read(`evt.*.incident.${id}`, 0)).length === 1;
  });
}

/** Somebody who reads a table for as long as this holds: a swap must wait. */
async function reading(table: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`begin; select count(*) from tocsin.${table}`);
  return client;
}

describe("a rebuild", () => {
  it("goes on while dispatch does, and nobody who lists and searches meanwhile notices", async () => {
    await Promise.all(Array.from({ length: 200 }, (_, index) => server.newIncident({ title: `searched ${index}` })));
    await server.archived();
    const dispatch = new Dispatch(server);
    await dispatch.start();
    let rebuilding = true;
    let looks = 0;
    const looking = (async () => {
      while (rebuilding) {
        const { status, body } = await server.get("/api/v1/incidents?q=searched&limit=500");
        expect([status, body.complete, body.items.length]).toEqual([200, true, 200]);
        looks += 1;
      }
    })();
    for (let time = 0; time < 3; time++) {
      expect(await run("incidents", "resources")).toMatchObject({
        told: expect.stringContaining("resources: made of"),
      });
      await dispatch.goesOn(5);
    }
    rebuilding = false;
    await Promise.all([looking, dispatch.stop()]);
    expect(looks).toBeGreaterThan(3);
    await expectAllArchived(server, database);
  });

  it("makes exactly the same rows, also of what has left the journal and of what cannot be read", async () => {
    const over = await server.newIncident({ title: "tab\t, \\N and Église", metadata: { a: ["\\", "\t"] } });
    const unit = await server.newVehicle("R1");
    await server.post(`/api/v1/incidents/${over}/assign`, { unitId: unit });
    await server.patch(`/api/v1/resources/vehicles/${unit}/status`, { status: "on_scene" });
    await server.patch(`/api/v1/incidents/${over}`, { status: "cancelled" });
    await departed(over);
    await Promise.all(Array.from({ length: 50 }, (_, index) => server.newIncident({ title: `call ${index}` })));
    const { journal, ids } = server.node.ports;
    const id = ids.uuidV7();
    const strange = { v: 1, kind: "incident", id, agency: "default", version: 1, commandId: id, by: "test", prev: "" };
    const payload = JSON.stringify({
      ...strange,
      at: new Date().toISOString(),
      events: [{ type: "incident.unheard_of" }],
    });
    await journal.append([{ subject: `evt.default.incident.${id}`, payload, expectedSequence: 0 }]);
    await server.archived();
    await database.rows("grant select on incidents to public");
    const [rows, shape] = [await rowsOf(), await shapeOf()];
    expect(await run("incidents", "resources")).toEqual({
      code: 1,
      told: expect.stringMatching(
        /incidents: made of \d+ envelopes, 1 of which .*\n.*\nresources: made of \d+ envelopes, 0/s,
      ),
    });
    expect(await rowsOf()).toEqual(rows);
    expect(await shapeOf()).toEqual(shape);
    expect((await server.get(`/api/v1/incidents/${over}`)).body).toMatchObject({ id: over, status: "cancelled" });
    await database.rows("revoke select on incidents from public");
  });

  it("waits for whoever reads, one at a time; when it is killed nothing has changed, and the next one does it", async () => {
    const before = await rowsOf();
    const reader = await reading("assignments");
    const environment = { ...process.env, DATABASE_URL: database.url };
    processOfRebuild = spawn(process.execPath, ["dist/commands/rebuild.main.js", "incidents"], {
      env: environment,
      stdio: "ignore",
    });
    const grown = async () => {
      const [found] = await database.rows("select to_regclass('tocsin_rebuild.incidents') is not null as there");
      if (found?.["there"] !== true) return 0;
      return Number((await database.rows("select count(*) from tocsin_rebuild.incidents"))[0]?.["count"]);
    };
    await until("the new table has its rows", async () => (await grown()) > 200);
    expect(await run("resources")).toEqual({ code: 2, told: "another rebuild is under way" });
    expect((await server.get("/api/v1/incidents?q=searched&limit=500")).body.items).toHaveLength(200);
    processOfRebuild.kill("SIGKILL");
    await once(processOfRebuild, "exit");
    expect(await grown()).toBeGreaterThan(200);
    await reader.end();
    expect(await rowsOf()).toEqual(before);
    await until("its lock is gone", async () => !(await run("incidents")).told.includes("under way"));
    expect(await rowsOf()).toEqual(before);
    expect(await grown()).toBe(0);
  });

  it("says which archive it cannot reach, without the password, and what would be right", async () => {
    const url = new URL(database.url);
    const [host, port] = [url.hostname, await freePort()];
    url.password = "secret";
    url.port = String(port);
    url.pathname = "/records";
    const { code, told } = await runAt(url.href, "incidents");
    expect(code).toBe(2);
    expect(told).toMatch(`no PostgreSQL lets us in at ${host}:${port}, database records: connect ECONNREFUSED`);
    expect(told).toMatch("name its archive with DATABASE_URL");
    expect(told).not.toMatch("secret");
    const is = "DATABASE_URL: a URL such as postgres://user:password@host:5432/database";
    for (const wrong of ["postgres://u:secret@h:99999/db", "secret"])
      expect(await runAt(wrong, "incidents")).toEqual({ code: 2, told: is });
  });

  it("leaves everything as it is where a view stands on the old table, and says so", async () => {
    await database.rows("create view public.of_mine as select title from tocsin.incidents");
    const before = await rowsOf();
    expect(await run("incidents")).toEqual({ code: 2, told: expect.stringContaining("view of_mine depends on") });
    expect(await rowsOf()).toEqual(before);
    await database.rows("drop view public.of_mine");
  });

  it("shows what a changed function makes of the same past, and the projector goes on from there", async () => {
    const changed = {
      ...incidentProjection,
      row: (...args: Parameters<typeof incidentProjection.row>) => ({
        ...incidentProjection.row(...args),
        category: "new",
      }),
    };
    const id = await server.newIncident({ title: "before" });
    await server.archived();
    const options = { database: { connectionString: database.url }, registry, kind: "incident", projection: changed };
    await rebuild(options, systemClock, silent);
    expect(await database.rows("select distinct category from incidents")).toEqual([{ category: "new" }]);
    await server.patch(`/api/v1/incidents/${id}`, { title: "after" });
    await server.archived();
    expect(await database.rows("select title, category, version from incidents where id = $1", [id])).toEqual([
      { title: "after", category: "fire", version: 2 },
    ]);
    expect(await run("incidents")).toMatchObject({ code: 1 });
    expect(await database.rows("select count(*) from incidents where category = 'new'")).toEqual([{ count: "0" }]);
  });

  it("says what is wrong with what was asked", async () => {
    expect(await run()).toMatchObject({ code: 2, told: expect.stringContaining("which table?") });
    expect(await run("audit_log")).toMatchObject({ code: 2, told: expect.stringContaining("there are incidents") });
    expect(await run("--help")).toMatchObject({ code: 0, told: expect.stringContaining("Usage: npm run rebuild") });
  });
});
