import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectAllArchived } from "../support/archived.ts";
import { TestDatabase } from "../support/database.ts";
import { TestServer } from "../support/server.ts";
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

async function raised(more: object, headers?: Readonly<Record<string, string>>): Promise<string> {
  const report = { type: "smoke", severity: "low", title: "Smoke in the lift", source: "panel", ...more };
  const { status, body } = await server.post("/api/v1/alerts", report, headers);
  expect(status).toBe(202);
  return body.id;
}

const expectAll = () => expectAllArchived(server, database);

describe("the archive has of alerts", () => {
  it("what the journal says of each, what was said of it by whom, and every report as it came", async () => {
    const id = await raised({ dedupKey: "lift-3", labels: { site: "north" }, location: { lat: 1, lon: 2 } });
    await server.reacted();
    await raised({ dedupKey: "lift-3", severity: "critical", labels: { site: "north" } });
    await server.reacted();
    await server.post("/api/v1/alerts", { action: "resolve", source: "panel", dedupKey: "lift-3" });
    // Of a key that there is not: nothing follows, and it is kept all the same.
    await server.post("/api/v1/alerts", { action: "resolve", source: "panel", dedupKey: "never heard of" });
    const other = await raised({ dedupKey: "4", nature: "test" });
    await server.reacted();
    await server.post(`/api/v1/alerts/${other}/dismiss`, { reason: "a test" });
    await expectAll();
    const [row] = await database.rows("select * from alerts where id = $1", [id]);
    expect(row).toMatchObject({
      ...{ agency_id: "default", status: "resolved", severity: "critical", priority: 1, category: "smoke" },
      ...{ source: "panel", dedup_key: "lift-3", count: 2, labels: { site: "north" }, latitude: 1, longitude: 2 },
      ...{ classification: { severity: "critical" }, incident_id: expect.any(String) },
    });
    const log = await database.rows("select event, said_by, report from alert_log where alert_id = $1 order by 3, 1", [
      id,
    ]);
    const said = log.filter(({ report }) => report !== null).map(({ event, said_by }) => [event, said_by]);
    expect(said).toEqual([
      ["alert.received", "admin"],
      ["alert.repeated", "admin"],
      ["alert.resolved", "panel"],
    ]);
    const { body } = await server.get(`/api/v1/alerts/${id}/reports`);
    expect(body.items.map(({ action, urgent, by }: Record<string, unknown>) => [action, urgent, by])).toEqual([
      ["trigger", false, "admin"],
      ["trigger", true, "admin"],
      ["resolve", false, "admin"],
    ]);
    const pages = [];
    for (let cursor = ""; cursor !== "end"; ) {
      const page = (await server.get(`/api/v1/alerts/${id}/reports?limit=1${cursor}`)).body;
      pages.push(...page.items);
      cursor = page.next === null ? "end" : `&cursor=${page.next}`;
    }
    expect(pages).toEqual(body.items);
    expect((await server.get(`/api/v1/alerts/${id}/reports`, await as("stranger"))).status).toBe(404);
  });

  it("what a source sent, byte for byte", async () => {
    const mapping = { name: "raw", format: "json" };
    const source = (await server.post("/api/v1/sources", mapping)).body;
    const sent = `{"type": "smoke",  "severity": "low", "title": "As it \\u0041 came", "dedupKey": "raw"}`;
    const headers = { authorization: `Bearer ${source.secret}`, "content-type": "application/json" };
    expect((await fetch(server.url + source.path, { method: "POST", body: sent, headers })).status).toBe(202);
    await expectAll();
    const [{ id }] = (await server.get("/api/v1/alerts?source=raw")).body.items;
    const { items } = (await server.get(`/api/v1/alerts/${id}/reports`)).body;
    expect(items).toMatchObject([{ raw: sent, source: "raw", by: `source:${source.id}` }]);
  });

  it("words that are searched for, the same before and after it is archived, each agency its own", async () => {
    const agency = await as("searching");
    const id = await raised(
      {
        title: "Fumée à l'ÉGLISE",
        description: "100% of the nave_aisle",
        deviceId: "det-9",
        labels: { floor: "crypt" },
      },
      agency,
    );
    await raised({ title: "Something else", deviceId: "det-1" }, agency);
    await server.reacted();
    const found = async (q: string, more = "") => {
      const { body } = await server.get(`/api/v1/alerts?q=${encodeURIComponent(q)}${more}`, agency);
      expect(body.complete).toBe(true);
      return body.items.map((item: { id: string }) => item.id);
    };
    for (const archived of [false, true]) {
      if (archived) await server.archived();
      for (const q of ["fumee", "EGLISE nave", "det-9", "crypt panel", "100% nave_"])
        expect([archived, q, await found(q)]).toEqual([archived, q, [id]]);
      for (const q of ["100_ nave", "nave%aisle", "fumee else"]) expect([q, await found(q)]).toEqual([q, []]);
      expect(await found("fumee", "&status=open&severity=low&nature=actual&type=smoke&deviceId=det-9")).toEqual([id]);
      for (const more of [
        "&status=resolved",
        "&severity=high",
        "&source=api",
        "&deviceId=x",
        "&createdBefore=2000-01-01T00:00:00Z",
      ])
        expect(await found("fumee", more)).toEqual([]);
    }
    expect((await server.get("/api/v1/alerts?q=fumee", await as("stranger"))).body.items).toEqual([]);
    await server.post(`/api/v1/alerts/${id}/dismiss`, { reason: "incense" }, agency);
    expect((await server.get("/api/v1/alerts?q=fumee&status=open", agency)).body.items).toEqual([]);
  });

  it("all that came before there was a table of it, once there is", async () => {
    await raised({ dedupKey: "before" });
    await server.archived();
    await database.rows("truncate alerts, alert_log; delete from projection where name = 'alerts'");
    const { projector } = server.node.archive!.pids;
    process.kill(projector!, "SIGKILL");
    await raised({ dedupKey: "before" });
    await until("the table is filled", async () => (await database.rows("select from alerts")).length > 0);
    await expectAll();
    expect(await database.rows("select count from alerts where dedup_key = 'before'")).toEqual([{ count: 2 }]);
    expect(await database.rows("select from quarantine")).toEqual([]);
  });
});
