import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectArchived, expectPositionsArchived } from "../support/archived.ts";
import { TestDatabase } from "../support/database.ts";
import { smoke, TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let database: TestDatabase;
let server: TestServer;

beforeAll(async () => {
  database = await TestDatabase.make();
  server = await TestServer.withArchive({ DATABASE_URL: database.url });
});
afterAll(async () => {
  await server?.stop();
  await database?.drop();
});

const archive = async () => (await server.get("/health/ready")).body.archive;

describe("the archive", () => {
  it("holds what a fold of the journal says, each event once", async () => {
    const vehicle = await server.newVehicle("E01");
    const other = await server.newVehicle("E02");
    const incident = await server.newIncident({
      location: { lat: 37.77, lon: -122.42 },
      description: "tab\there\nand \\ there",
      metadata: { "a\tb": ["\\u0000", { deep: "\\N" }] },
      address: { street: "Rue de l'Église" },
    });
    await server.post(`/api/v1/incidents/${incident}/assign`, { unitIds: [vehicle, other] });
    for (const status of ["en_route", "on_scene"])
      await server.patch(`/api/v1/resources/vehicles/${vehicle}/status`, { status });
    await server.patch(`/api/v1/incidents/${incident}`, { status: "resolved" });
    await server.post(`/api/v1/incidents/${incident}/close`, { disposition: "fire out" });
    await Promise.all(Array.from({ length: 200 }, (_, index) => server.newIncident({ title: `call ${index}` })));
    const at = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1_000).toISOString();
    const report = (body: unknown) => server.post(`/api/v1/resources/vehicles/${vehicle}/location`, body);
    await report({ lat: 37.77, lon: -122.42, at: at(60), speedMps: 3, headingDegrees: 90, accuracyMetres: 5 });
    await report({ fixes: [at(50), at(40), at(30)].map((one) => ({ lat: 37.77, lon: -122.42, at: one })) });
    await server.archived();
    await expectArchived(database, await server.node.ports.journal.read("evt.>", 0));
    await expectPositionsArchived(database, server.node.ports.sources.locations);
  });

  it("has the incident as it is, column by column", async () => {
    const { body } = await server.get("/api/v1/incidents?status=closed");
    const [{ id, incidentNumber, assignments }] = body.items;
    const [row] = await database.rows("select * from incidents where id = $1", [id]);
    expect(row).toMatchObject({
      incident_number: incidentNumber,
      ...{ type: smoke.type, category: smoke.category, title: smoke.title, priority: smoke.priority },
      status: "closed",
      disposition: "fire out",
      description: "tab\there\nand \\ there",
      ...{ latitude: 37.77, longitude: -122.42, agency_id: "default" },
      address: { street: "Rue de l'Église" },
      metadata: { "a\tb": ["\\u0000", { deep: "\\N" }] },
      assigned_to_id: null,
    });
    const units = await database.rows("select * from assignments where incident_id = $1 order by ordinal", [id]);
    expect(
      units.map(({ unit_id, status, cleared_at }) => [unit_id, status, (cleared_at as Date).toISOString()]),
    ).toEqual(assignments.map((one: { unitId: string; clearedAt: string }) => [one.unitId, "cleared", one.clearedAt]));
  });

  it("keeps what JSON may hold and PostgreSQL's text may not, with marks in its place", async () => {
    const { ports, client } = server.node;
    const hostile = "\u0000 and \ud800 and \\u0000";
    const command = {
      type: "create",
      agencyId: "default",
      incidentNumber: "DEFAULT-2026-999999",
      fields: {
        ...{ type: "alarm", category: "fire", priority: 3, title: hostile, description: hostile, location: null },
        ...{ address: { [hostile]: hostile }, parentId: null, metadata: { [hostile]: [hostile] } },
      },
      reportedById: null,
      sourceAlertId: null,
    };
    const address = { kind: "incident", id: ports.ids.uuidV7() };
    const by = { subject: "test", agencies: ["default"], roles: ["admin"] } as const;
    expect(await client.ask(address, command, { by, requestId: "test", fresh: true })).toMatchObject({ ok: true });
    await server.archived();
    await expectArchived(database, await ports.journal.read("evt.>", 0));
    const shown = "\ufffd and \ufffd and \\u0000";
    expect(await database.rows("select title, metadata from incidents where id = $1", [address.id])).toEqual([
      { title: shown, metadata: { [shown]: [shown] } },
    ]);
    const [event] = await database.rows<{ data: { fields: { title: string } } }>(
      "select data from timeline where entity_id = $1",
      [address.id],
    );
    expect(event?.data.fields.title).toBe(shown);
  });

  it("keeps a fix whose time cannot be, without a partition for it, and numbers that are nearly nothing", async () => {
    const vehicle = await server.newVehicle("E03");
    const times = ["1900-01-01T00:00:00Z", "2199-12-31T23:59:59Z", "2026-01-01T00:00:00+23:59"];
    const tiny = { speedMps: 5e-324, headingDegrees: 1e-45, accuracyMetres: 1e-37 };
    const fixes = times.map((at) => ({ lat: 1, lon: 2, at, ...tiny }));
    expect((await server.post(`/api/v1/resources/vehicles/${vehicle}/location`, { fixes })).status).toBe(202);
    await server.archived();
    const rows = await database.rows(
      "select at::text, speed_mps, heading_degrees, accuracy_metres from positions where resource_id = $1 order by ordinal",
      [vehicle],
    );
    expect(rows.length).toBe(3);
    expect(rows.map(({ at }) => String(at).slice(0, 10))).toEqual(["1900-01-01", "2199-12-31", "2025-12-31"]);
    expect(rows[0]).toMatchObject({ speed_mps: 0, heading_degrees: 0, accuracy_metres: 1e-37 });
  });

  it("says in health what it is, and that it is not behind", async () => {
    await until("nothing is behind", async () => (await archive()).feeds.events.behind === 0);
    const { feeds, postgresql, positions } = await archive();
    expect(feeds.events).toMatchObject({ state: "running", behindMs: 0, problem: null });
    expect(feeds.locations).toMatchObject({ state: "running", behind: 0, behindMs: 0, problem: null });
    expect(postgresql.version).toMatch(/^1[5-9]/);
    expect(positions).toBe(postgresql.timescaledb === null ? "partitions" : "hypertable");
  });
});
