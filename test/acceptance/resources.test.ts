import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

const at = (type: string, id = "") => `/api/v1/resources/${type}${id === "" ? "" : `/${id}`}`;

async function make(type: string, more: object = {}): Promise<string> {
  const made = await server.post(at(type), { callSign: `${type}-${Math.random().toString(36).slice(2, 8)}`, ...more });
  expect(made.status).toBe(201);
  expect(made.headers.get("location")).toBe(at(type, made.body.id));
  return made.body.id;
}

describe.each(["personnel", "vehicles", "equipment"])("%s", (type) => {
  it("are registered, read, changed, listed and retired", async () => {
    const fields = {
      name: "N",
      category: "special",
      capabilities: ["rescue"],
      station: "S1",
      home: { lat: 1, lon: 2 },
    };
    const id = await make(type, { ...fields, callSign: "X1", location: { lat: 1, lon: 2 } });
    expect((await server.get(at(type, id))).body).toMatchObject({ ...fields, type, status: "available", aboard: [] });
    const changed = await server.patch(at(type, id), { station: "S2", home: null, capabilities: ["rescue", "boat"] });
    expect(changed.body).toMatchObject({ station: "S2", home: null, name: "N", version: 2 });
    const listed = (query: string) => server.get(`${at(type)}?${query}`);
    expect((await listed("station=S2&capability=boat&category=special,other")).body.items).toHaveLength(1);
    expect((await listed("station=S1")).body.items).toHaveLength(0);
    const retired = await server.post(`${at(type, id)}/retire`, { reason: "sold" });
    expect(retired.body.retiredAt).not.toBeNull();
    expect(retired.body).toMatchObject({ availability: "unavailable", availabilityReason: "retired" });
    expect((await listed("station=S2")).body.items).toHaveLength(0);
    expect((await listed("station=S2&retired=true")).body.items).toHaveLength(1);
    expect((await server.patch(at(type, id), { name: "Y" })).body).toMatchObject({ status: 409, code: "retired" });
    expect((await server.get(at(type, id))).status).toBe(200);
  });

  it("may be assigned to an incident", async () => {
    const unitId = await make(type);
    const incident = await server.newIncident();
    const assigned = await server.post(`/api/v1/incidents/${incident}/assign`, { unitId, unitType: type });
    expect(assigned.body.assignments).toMatchObject([{ unitId, unitType: type, status: "assigned" }]);
    expect((await server.get(at(type, unitId))).body).toMatchObject({ incidentId: incident, status: "assigned" });
  });
});

describe("a resource", () => {
  it("is found under its own type alone", async () => {
    const id = await make("vehicles");
    for (const type of ["personnel", "equipment", "boats"]) expect((await server.get(at(type, id))).status).toBe(404);
    expect((await server.patch(`${at("personnel", id)}/status`, { status: "off_duty" })).status).toBe(404);
    expect((await server.get(at("vehicles", id.toUpperCase()))).status).toBe(200);
  });

  it("goes on and off duty", async () => {
    const id = await make("personnel", { status: "off_duty" });
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const on = await server.post(`${at("personnel", id)}/shift`, { onDuty: true, until });
    expect(on.body).toMatchObject({ status: "available", shift: { until, overdue: false } });
    const off = await server.post(`${at("personnel", id)}/shift`, { onDuty: false });
    expect(off.body).toMatchObject({ status: "off_duty", shift: null });
    const late = await server.post(`${at("personnel", id)}/shift`, { onDuty: true, until: "2020-01-01T00:00:00Z" });
    expect(late.body).toMatchObject({ status: 409, code: "shift_over" });
  });

  it("goes off duty by itself when its shift ends", async () => {
    const id = await make("personnel", { status: "off_duty" });
    const until = new Date(Date.now() + 1_500).toISOString();
    await server.post(`${at("personnel", id)}/shift`, { onDuty: true, until });
    await expect
      .poll(async () => (await server.get(at("personnel", id))).body, { timeout: 20_000, interval: 100 })
      .toMatchObject({ status: "off_duty", shift: null });
    const { items } = (await server.get(`${at("personnel", id)}/timeline`)).body;
    expect(items.slice(-2)).toMatchObject([
      { type: "resource.shift_ended", by: "system:deadline", cause: expect.stringContaining("deadline:shift") },
      { type: "resource.status_changed", data: { from: "available", to: "off_duty" } },
    ]);
  });
});

describe("crew and equipment", () => {
  it("go with a vehicle, and the timeline tells who had what when", async () => {
    const vehicle = await make("vehicles", { minimumCrew: 1 });
    const person = await make("personnel");
    const tool = await make("equipment");
    expect((await server.get(at("vehicles", vehicle))).body).toMatchObject({
      availability: "unavailable",
      availabilityReason: "0 of 1 crew",
    });
    const attached = await server.post(`${at("personnel", person)}/attach`, { carrierId: vehicle });
    expect(attached.body).toMatchObject({ carrier: { id: vehicle, type: "vehicles" }, availability: "unavailable" });
    await server.post(`${at("equipment", tool)}/attach`, { carrierId: person, carrierType: "personnel" });
    expect((await server.get(at("vehicles", vehicle))).body).toMatchObject({
      availability: "available",
      aboard: [{ id: person, type: "personnel" }],
    });
    expect((await server.get(`${at("equipment")}?carrierId=${person}`)).body.items).toMatchObject([{ id: tool }]);
    const again = await server.post(`${at("equipment", tool)}/attach`, { carrierId: vehicle });
    expect(again.body).toMatchObject({ status: 409, code: "already_attached", carrierId: person });
    await server.post(`${at("equipment", tool)}/detach`, {});
    const { items } = (await server.get(`${at("equipment", tool)}/timeline`)).body;
    expect(items.map(({ type }: { type: string }) => type)).toEqual([
      "resource.created",
      "resource.attached",
      "resource.detached",
    ]);
    expect(items[1].data.carrierId).toBe(person);
    const wrong = await server.post(`${at("vehicles", vehicle)}/attach`, { carrierId: await make("vehicles") });
    expect(wrong.body).toMatchObject({ status: 409, code: "not_carriable" });
  });

  it("keep a vehicle's crew out of other hands, and may change at the scene", async () => {
    const vehicle = await make("vehicles");
    const person = await make("personnel");
    await server.post(`${at("personnel", person)}/attach`, { carrierId: vehicle });
    const incident = `/api/v1/incidents/${await server.newIncident()}`;
    const alone = await server.post(`${incident}/assign`, { unitId: person, unitType: "personnel" });
    expect(alone.body).toMatchObject({ status: 409, code: "unit_unavailable", unitStatus: "available" });
    await server.post(`${incident}/assign`, { unitId: vehicle });
    expect((await server.post(`${at("personnel", person)}/detach`, {})).body.carrier).toBeNull();
    expect((await server.get(at("vehicles", vehicle))).body).toMatchObject({
      incidentId: expect.any(String),
      aboard: [],
    });
  });
});
