import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

const at = (id: string, more = "") => `/api/v1/incidents/${id}${more}`;
const put = async (section: string, items: object[]) => {
  const { status, body } = await server.request("PUT", `/api/v1/configuration/${section}`, { items });
  expect({ status, body }).toMatchObject({ status: 200 });
};
const typesOf = async (id: string): Promise<string[]> =>
  (await server.get(at(id, "/timeline"))).body.items.map(({ type }: { type: string }) => type);

describe("a run card", () => {
  it("says who is sent, and an alarm asks only for what its level adds", async () => {
    const place = { lat: 52, lon: 13 };
    const make = async (callSign: string, ...capabilities: string[]) =>
      (await server.post("/api/v1/resources/vehicles", { callSign, capabilities, location: place })).body.id;
    for (const callSign of ["E1", "E2", "E3"]) await make(callSign, "engine");
    const ladder = await make("L1", "ladder");
    await put("runCards", [
      {
        incidentType: "structure_fire",
        alarms: [
          {
            level: 1,
            requires: [
              { capabilities: ["engine"], count: 2 },
              { capabilities: ["boat"], count: 1 },
            ],
          },
          { level: 2, requires: [{ capabilities: ["ladder"], count: 1 }] },
        ],
      },
    ]);
    const id = await server.newIncident({ location: place });
    const first = await server.post(at(id, "/assign"), { auto: true });
    expect(first.body.assignments).toHaveLength(2);
    const short = (await server.get(`/api/v1/resources/available?incidentId=${id}`)).body;
    expect(short.shortfalls).toEqual([{ capabilities: ["boat"], types: [], count: 1, missing: 1 }]);
    expect(short.items.filter(({ recommended }: { recommended: boolean }) => recommended)).toEqual([]);
    await server.post(at(id, "/alarm"), { reason: "roof" });
    const second = await server.post(at(id, "/assign"), { auto: true });
    expect(second.body.assignments.slice(2)).toMatchObject([{ unitId: ladder }]);
  });

  it("is asked again for those who have left, as of an incident that is opened again", async () => {
    const location = { lat: -52, lon: 13 };
    await server.post("/api/v1/resources/vehicles", { callSign: "CAR", location });
    const id = await server.newIncident({ type: "car_fire", location });
    const sent = async () => (await server.post(at(id, "/assign"), { auto: true })).body;
    expect((await sent()).assignments).toHaveLength(1);
    expect(await sent()).toMatchObject({ code: "nothing_recommended" });
    await server.patch(at(id), { status: "cancelled" });
    await server.patch(at(id), { status: "new" });
    expect((await sent()).assignments).toMatchObject([{ status: "cleared" }, { status: "assigned" }]);
  });
});

describe("rules of escalation and time targets", () => {
  it("tell the supervisor, raise the priority, and warn before a target is missed: each once", async () => {
    await put("escalation", [{ incidentType: "alarm", unassignedSeconds: 1, action: "both" }]);
    await put("timeTargets", [{ incidentType: "*", phases: { dispatchSeconds: 1 }, atRiskPercent: 50 }]);
    const id = await server.newIncident({ type: "alarm", priority: 2 });
    await expect
      .poll(() => typesOf(id), { timeout: 20_000, interval: 100 })
      .toEqual([
        "incident.created",
        "sla.at_risk",
        "incident.supervisor_notified",
        "incident.escalated",
        "incident.supervisor_notified",
      ]);
    expect((await server.get(at(id))).body).toMatchObject({ priority: 1, atRisk: ["dispatch"], status: "new" });
  });
});

describe("a rule by the alarm", () => {
  it("raises it when nobody is sent in time, and tells the supervisor from its level on", async () => {
    await put("escalation", [
      { incidentType: "mine", unassignedSeconds: 1, action: "raise_alarm", notifyAtAlarmLevel: 3 },
    ]);
    await put("timeTargets", []);
    const id = await server.newIncident({ type: "mine", priority: 4 });
    await until("the alarm is raised", async () => (await server.get(at(id))).body.alarmLevel === 2);
    await server.post(at(id, "/alarm"), { reason: "gas" });
    const { items } = (await server.get(at(id, "/timeline"))).body;
    expect(items.slice(1).map(({ type, data }: { type: string; data: object }) => ({ type, ...data }))).toMatchObject([
      { type: "incident.alarm_raised", from: 1, to: 2, reason: "no unit assigned in time" },
      { type: "incident.supervisor_notified", reason: "no unit assigned in time" },
      { type: "incident.alarm_raised", from: 2, to: 3, reason: "gas" },
      { type: "incident.supervisor_notified", alarmLevel: 3 },
    ]);
    expect((await server.get(at(id))).body).toMatchObject({ priority: 4, alarmLevel: 3 });
  });
});

describe("a threshold of a status", () => {
  it("holds for units whose status an incident moves, too", async () => {
    await put("statuses", [{ code: "assigned", base: "assigned", label: "Assigned", warnAfterSeconds: 1 }]);
    const id = await server.newIncident({ type: "other" });
    const unitId = await server.newVehicle("SLOW");
    await server.post(at(id, "/assign"), { unitId });
    const unit = async () => (await server.get(`/api/v1/resources/vehicles/${unitId}`)).body;
    await expect.poll(unit, { timeout: 20_000, interval: 100 }).toMatchObject({ statusOverdue: true });
    await server.patch(at(id), { status: "en_route" });
    expect(await unit()).toMatchObject({ status: "en_route", statusOverdue: false });
  });
});
