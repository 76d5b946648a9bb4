import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { z } from "zod";
import { noteDepartedUntil } from "../../runtime/departed-until.ts";
import type { Route } from "../../schema/routes/route.ts";
import { routes } from "../../schema/routes.ts";
import { TestDatabase } from "../support/database.ts";
import { smoke, TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let database: TestDatabase;
let server: TestServer;

beforeAll(async () => {
  database = await TestDatabase.make();
  server = await TestServer.withArchive({ DATABASE_URL: database.url, RATE_LIMIT_PER_SECOND: "0" });
});
afterAll(async () => {
  await server?.stop();
  await database?.drop();
});

const as = async (agency: string) => ({
  authorization: `Bearer ${await server.tokenFor({ sub: agency, agency, roles: ["dispatcher", "supervisor", "admin"] })}`,
});

describe("search", () => {
  it("finds words of number, title, description and address, without case and accents", async () => {
    const id = await server.newIncident({
      title: "Fumée à l'ÉGLISE",
      description: "100% of the nave_aisle",
      address: { street: "Rue des Fleurs", number: 12 },
    });
    const { incidentNumber } = (await server.get(`/api/v1/incidents/${id}`)).body;
    await server.newIncident({ title: "Something else" });
    const found = async (q: string) => {
      const { body } = await server.get(`/api/v1/incidents?q=${encodeURIComponent(q)}`);
      expect(body.complete).toBe(true);
      return body.items.map((item: { id: string }) => item.id);
    };
    // The same before and after the archive has it.
    for (const archived of [false, true]) {
      if (archived) await server.archived();
      for (const q of ["fumee", "EGLISE rue", "fleurs 12", "100% nave_", incidentNumber.toLowerCase()]) {
        expect([archived, q, await found(q)]).toEqual([archived, q, [id]]);
      }
      for (const q of ["100_ nave", "nave%aisle", "fumee else", "\\"]) expect([q, await found(q)]).toEqual([q, []]);
    }
  });

  it("pages through all that fits, each once, while it is being written", async () => {
    const made = new Set<string>();
    const writing = (async () => {
      for (let index = 0; index < 150; index++) made.add(await server.newIncident({ title: `Paged ${index}` }));
    })();
    await until("some are there", () => made.size > 50);
    const seen: string[] = [];
    for (let cursor = ""; cursor !== "end"; ) {
      const { body } = await server.get(`/api/v1/incidents?q=paged&limit=7${cursor}`);
      seen.push(...body.items.map((item: { id: string }) => item.id));
      cursor = body.next === null ? "end" : `&cursor=${body.next}`;
    }
    await writing;
    expect(new Set(seen).size).toBe(seen.length);
    expect([...seen].sort().reverse()).toEqual(seen);
    const all: string[] = (await server.get("/api/v1/incidents?q=paged&limit=500")).body.items.map(
      (one: { id: string }) => one.id,
    );
    expect(new Set(all)).toEqual(made);
    // Whatever had been there when the paging began was seen.
    const newest = seen[0]!;
    expect(seen).toEqual(all.filter((id) => id <= newest));
  });

  it("shows what it is now, though the archive was asked for what it was", async () => {
    const id = await server.newIncident({ title: "Changing soon" });
    await server.archived();
    await server.patch(`/api/v1/incidents/${id}`, { title: "Quite different" });
    expect((await server.get("/api/v1/incidents?q=changing")).body.items).toEqual([]);
    expect((await server.get("/api/v1/incidents?q=different")).body.items).toMatchObject([
      { id, title: "Quite different" },
    ]);
  });
});

describe("what has left the journal", () => {
  it("is listed with what is on the board, by the same filters, and near a place in a span of time", async () => {
    const agency = await as("elder");
    const place = { lat: -10, lon: 179.9999 };
    const make = async (more: object) =>
      (await server.post("/api/v1/incidents", { ...smoke, ...more }, agency)).body as { id: string; createdAt: string };
    const here = await make({ title: "Here", location: place });
    const gone = await make({ title: "Gone", priority: 5, location: { lat: -10, lon: -179.9999 } });
    const last = await make({ title: "Last" });
    await server.archived();
    // As journal archiving does: the tables alone know it then, also after the board has forgotten it.
    const other = "01a20c40-0000-7000-8000-00000000000a";
    await copyOf(gone.id, other);
    await noteDepartedUntil(server.node.ports.config, 1);
    const ids = async (query: string) => {
      const { body } = await server.get(`/api/v1/incidents?${query}`, agency);
      expect(body.complete).toBe(true);
      return body.items.map((item: { id: string }) => item.id);
    };
    const newestFirst = [last.id, gone.id, here.id, other].sort().reverse();
    expect(await ids("limit=10")).toEqual(newestFirst);
    const pages: string[] = [];
    for (let cursor = ""; cursor !== "end"; ) {
      const { body } = await server.get(`/api/v1/incidents?limit=1${cursor}`, agency);
      pages.push(...body.items.map((item: { id: string }) => item.id));
      cursor = body.next === null ? "end" : `&cursor=${body.next}`;
    }
    expect(pages).toEqual(newestFirst);
    expect(new Set(await ids("priority=5"))).toEqual(new Set([gone.id, other]));
    expect(await ids("incidentNumber=ELDER-1999-000001")).toEqual([other]);
    expect(await ids("createdBefore=2000-01-01T00:00:00%2B23:00")).toEqual([other]);
    const around = "lat=-10&lon=180&radius=50";
    expect(new Set(await ids(around))).toEqual(new Set([here.id, gone.id, other]));
    expect(await ids(`${around}&createdBefore=2000-01-01T00:00:00Z`)).toEqual([other]);
    expect(await ids("lat=-10&lon=0&radius=50")).toEqual([]);
    // In an area, across the antimeridian; `other` and `gone` are east of it, and the archive alone knows `other`.
    const inThere = [gone.id, here.id, other].sort().reverse();
    for (const area of ["bbox=179.9,-11,-179.9,-9", "polygon=179.9,-11 180.1,-11 180.1,-9 179.9,-9"]) {
      const query = area.replaceAll(" ", "%20");
      expect([area, await ids(query)]).toEqual([area, inThere]);
      expect(await ids(`${query}&createdBefore=2000-01-01T00:00:00Z`)).toEqual([other]);
      const paged: string[] = [];
      for (let cursor = ""; cursor !== "end"; ) {
        const { body } = await server.get(`/api/v1/incidents?${query}&limit=1${cursor}`, agency);
        paged.push(...body.items.map((item: { id: string }) => item.id));
        cursor = body.next === null ? "end" : `&cursor=${body.next}`;
      }
      expect(paged).toEqual(inThere);
    }
    // In the bounds of a polygon, and not in it.
    expect(await ids("polygon=-180.1,-10.1%20-179.9,-10.1%20-179.9,-9.9")).toEqual([gone.id, other].sort().reverse());
    expect(await ids("polygon=-180.1,-10.1%20-179.9,-9.9%20-180.1,-9.9")).toEqual([here.id]);
    // Another agency's: neither listed nor found.
    const stranger = await as("stranger");
    for (const query of [
      "limit=10",
      "q=gone",
      around,
      "bbox=179.9,-11,-179.9,-9",
      "incidentNumber=ELDER-1999-000001",
    ]) {
      expect((await server.get(`/api/v1/incidents?${query}`, stranger)).body.items).toEqual([]);
    }
  });
});

async function copyOf(id: string, other: string): Promise<void> {
  const names = await database.rows<{ name: string }>(
    `select column_name as name from information_schema.columns
     where table_schema = 'tocsin' and table_name = 'incidents' and is_generated = 'NEVER'`,
  );
  const given: Record<string, string> = {
    id: `'${other}'`,
    incident_number: "'ELDER-1999-000001'",
    departed_at: "now()",
    created_at: "'1999-01-01T00:00:00Z'",
  };
  const columns = names.map(({ name }) => name);
  await database.rows(
    `insert into incidents (${columns.join(", ")}) select ${columns.map((name) => given[name] ?? name).join(", ")}
     from incidents where id = $1`,
    [id],
  );
}

describe("the track of a unit", () => {
  it("has every fix, or one in each interval, page by page", async () => {
    const vehicle = await server.newVehicle("T01");
    const startMs = Math.floor(Date.now() / 60_000) * 60_000 - 1_200_000;
    const fixes = Array.from({ length: 100 }, (_, index) => ({
      lat: 37.7 + index / 100_000,
      lon: -122.4,
      at: new Date(startMs + index * 6_000).toISOString(),
    }));
    const refused = { lat: 0, lon: 0, at: new Date(startMs + 100 * 6_000).toISOString() };
    await server.post(`/api/v1/resources/vehicles/${vehicle}/location`, { fixes: [...fixes, refused] });
    await server.archived();
    const path = `/api/v1/resources/vehicles/${vehicle}/track`;
    const all = (await server.get(`${path}?limit=5000`)).body;
    expect(all.items).toEqual([...fixes, { ...refused, refused: "too_fast" }].map((fix) => fix));
    expect(all.next).toBe(null);
    for (const resolution of ["", "&resolution=60"]) {
      const whole = (await server.get(`${path}?refused=false${resolution}`)).body.items;
      const paged = [];
      for (let cursor = ""; cursor !== "end"; ) {
        const { body } = await server.get(`${path}?refused=false&limit=3${resolution}${cursor}`);
        paged.push(...body.items);
        cursor = body.next === null ? "end" : `&cursor=${body.next}`;
      }
      expect(paged).toEqual(whole);
      // The last of each minute; the start is a whole one.
      expect(whole).toEqual(resolution === "" ? fixes : fixes.filter((_, index) => index % 10 === 9));
    }
    const middle = `from=${fixes[10]!.at}&to=${fixes[20]!.at}`;
    expect((await server.get(`${path}?${middle}`)).body.items).toEqual(fixes.slice(10, 20));
    expect((await server.get(`${path}?cursor=1_2`)).status).toBe(422);
    expect((await server.get(path, await as("stranger"))).status).toBe(404);
  });
});

describe("reports", () => {
  it("tell response times against the targets, unit hours and call volume, as JSON and as CSV", async () => {
    const agency = await as("reporting");
    const send = async (path: string, body: object, method = "POST") => {
      const answer = await server.request(method, path, body, agency);
      expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
      return answer.body;
    };
    const targets = {
      items: [{ incidentType: "*", phases: { dispatchSeconds: 60, turnoutSeconds: 60, travelSeconds: 1 } }],
    };
    await send("/api/v1/configuration/timeTargets", targets, "PUT");
    const unit = await send("/api/v1/resources/vehicles", { callSign: "=1+1" });
    for (let call = 0; call < 3; call++) {
      const { id } = await send("/api/v1/incidents", smoke);
      await send(`/api/v1/incidents/${id}/assign`, { unitId: unit.id });
      await send(`/api/v1/incidents/${id}`, { status: "en_route" }, "PATCH");
      await send(`/api/v1/incidents/${id}`, { status: "on_scene" }, "PATCH");
      await send(`/api/v1/incidents/${id}`, { status: "resolved" }, "PATCH");
    }
    await server.archived();
    const report = async (name: string, headers = {}) => {
      const answer = await server.get(`/api/v1/reports/${name}`, { ...agency, ...headers });
      expect(answer.status).toBe(200);
      return answer;
    };
    const times = (await report("response-times")).body;
    expect(times.items.map(({ phase, count, targetMs }: Record<string, unknown>) => [phase, count, targetMs])).toEqual([
      ["dispatch", 3, 60_000],
      ["turnout", 3, 60_000],
      ["travel", 3, 1_000],
    ]);
    for (const { p50Ms, p90Ms, p95Ms, withinTarget } of times.items) {
      expect(p50Ms).toBeGreaterThanOrEqual(0);
      expect(p90Ms).toBeGreaterThanOrEqual(p50Ms);
      expect(p95Ms).toBeGreaterThanOrEqual(p90Ms);
      expect(withinTarget).toBe(1);
    }
    const hours = (await report("unit-hours")).body.items as { status: string; hours: number; callSign: string }[];
    expect(new Set(hours.map(({ status }) => status))).toEqual(
      new Set(["available", "assigned", "en_route", "on_scene"]),
    );
    expect(hours.every(({ hours: each }) => each >= 0 && each < 1)).toBe(true);
    const volume = (await report("call-volume?by=day")).body.items;
    expect(volume).toEqual([
      { start: `${new Date().toISOString().slice(0, 10)}T00:00:00.000Z`, type: smoke.type, count: 3 },
    ]);
    for (const [query, headers] of [
      ["?format=csv", {}],
      ["", { accept: "text/csv" }],
    ] as const) {
      const { body, headers: given } = await report(`unit-hours${query}`, headers);
      expect(given.get("content-type")).toContain("text/csv");
      const rows = parse(body, { columns: true }) as Record<string, string>[];
      expect(rows.map(({ status, hours: each }) => [status, Number(each) < 1])).toEqual(
        hours.map(({ status }) => [status, true]),
      );
      expect(rows.every(({ callSign }) => callSign === "'=1+1")).toBe(true);
    }
    // Of its own agency alone.
    const stranger = await as("stranger");
    for (const name of ["response-times", "unit-hours", "call-volume"]) {
      expect((await server.get(`/api/v1/reports/${name}`, stranger)).body.items).toEqual([]);
      expect((await server.get(`/api/v1/reports/${name}?agencyId=reporting`, stranger)).status).toBe(403);
    }
  });
});

async function contents() {
  const tables = ["incidents", "resources", "alerts", "alert_reports", "positions", "audit_log"];
  return database.rows(`select ${tables.map((table) => `(select count(*) from ${table}) as ${table}`).join(", ")}`);
}

describe("a hostile string", () => {
  const hostile = [
    "'; drop table tocsin.incidents; --",
    "\\'; select pg_sleep(10); --",
    "%' or '1'='1",
    "$1) or (true",
    "\u2019; delete from incidents",
    "\\\\%_",
    "a".repeat(200),
    "\ud83d\ude92\u202e",
    '{"a":1}',
    "}}'::text[])",
  ];

  it("in any field of any query of any route neither breaks nor leaks", { timeout: 120_000 }, async () => {
    const agency = await as("hostile");
    const { id: vehicle } = (await server.post("/api/v1/resources/vehicles", { callSign: "H01" }, agency)).body;
    const { id: incident } = (await server.post("/api/v1/incidents", smoke, agency)).body;
    await server.post("/api/v1/alerts", { type: "smoke", severity: "low", title: "Smoke" }, agency);
    // Lists ask the archive, too.
    await noteDepartedUntil(server.node.ports.config, 1);
    await server.archived();
    const [{ id: alert }] = (await server.get("/api/v1/alerts", agency)).body.items;
    const before = await contents();
    const asked = Object.values(routes).filter(
      (route): route is Route & { query: z.ZodObject } => "query" in route && route.method === "get",
    );
    expect(asked.length).toBeGreaterThan(15);
    for (const route of asked) {
      const entity = route.path.includes("/incidents/") ? incident : route.path.includes("/alerts/") ? alert : vehicle;
      const path = route.path.replace("{type}", "vehicles").replace(/\{\w+\}/g, entity);
      for (const name of Object.keys(route.query.shape)) {
        for (const value of hostile) {
          const rest = name === "lat" ? "&lon=0" : name === "lon" ? "&lat=0" : "";
          const { status, body } = await server.get(`${path}?${name}=${encodeURIComponent(value)}${rest}`, agency);
          expect([200, 403, 404, 422], `${path} ${name} ${value}: ${status} ${JSON.stringify(body)}`).toContain(status);
          for (const { agencyId = "hostile" } of body.items ?? []) expect(agencyId).toBe("hostile");
          if (status !== 200) expect(JSON.stringify(body)).not.toMatch(/syntax|relation|postgres|select /i);
        }
      }
    }
    expect(await contents()).toEqual(before);
  });

  it("in any field of an incident or a unit is kept and found as it is", async () => {
    const agency = await as("kept");
    for (const value of hostile.filter((one) => one.length < 100)) {
      const { status, body } = await server.post(
        "/api/v1/incidents",
        { ...smoke, title: value, description: value, address: { [value]: value }, metadata: { [value]: [value] } },
        agency,
      );
      expect(status).toBe(201);
      await server.archived();
      const [row] = await database.rows("select title, description, address, metadata from incidents where id = $1", [
        body.id,
      ]);
      expect(row).toEqual({
        title: value,
        description: value,
        address: { [value]: value },
        metadata: { [value]: [value] },
      });
      const found = (await server.get(`/api/v1/incidents?q=${encodeURIComponent(value)}`, agency)).body.items;
      expect(found.map(({ id }: { id: string }) => id)).toContain(body.id);
    }
  });
});
