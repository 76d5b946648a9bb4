import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

let keys = 0;
const newKey = () => `key-${++keys}`;
const raise = async (report: object, headers = {}): Promise<Answer["body"]> => {
  const { status, body } = await server.post("/api/v1/alerts", report, headers);
  expect({ status, body }).toMatchObject({ status: 202 });
  return body;
};
const smoke = (more: object = {}) => ({ type: "smoke", severity: "medium", title: "Smoke", ...more });
const at = (id: string, more = "") => `/api/v1/alerts/${id}${more}`;
const listed = async (query: string): Promise<Answer["body"][]> =>
  (await server.get(`/api/v1/alerts?${query}`)).body.items;
/** Every report that was accepted is done. */
const allDone = () =>
  until("every report is done", async () => {
    const metrics: string = (await server.get("/metrics")).body;
    const of = (name: string) => Number(new RegExp(`^tocsin_${name} (\\d+)$`, "m").exec(metrics)?.[1]);
    return of("alert_reports_done") === of("alert_reports_accepted");
  });
const one = async (dedupKey: string): Promise<Answer["body"]> => {
  await allDone();
  const found = await listed(`dedupKey=${dedupKey}`);
  expect(found).toHaveLength(1);
  return found[0];
};
const typesOf = async (path: string): Promise<string[]> =>
  (await server.get(`${path}/timeline`)).body.items.map(({ type }: { type: string }) => type);

describe("a key whose alerts come and go", () => {
  it("flaps from the fifth one on, which its alerts say for as long as they last", async () => {
    const dedupKey = newKey();
    for (let time = 0; time < 4; time++) {
      await raise(smoke({ dedupKey }));
      await raise({ action: "resolve", dedupKey });
    }
    for (let time = 0; time < 2; time++) await raise(smoke({ dedupKey, labels: { floor: "3" } }));
    await allDone();
    const alerts = await listed(`dedupKey=${dedupKey}`);
    expect(alerts.map(({ labels, count }) => ({ ...labels, count }))).toEqual([
      { floor: "3", flapping: "true", count: 2 },
      ...Array.from({ length: 4 }, () => ({ count: 1 })),
    ]);
  });

  it("makes no further incident while it flaps: the last one hears of it", async () => {
    const dedupKey = newKey();
    const flap = async () => {
      await raise(smoke({ dedupKey, severity: "critical" }));
      await raise({ action: "resolve", dedupKey });
    };
    for (let time = 0; time < 6; time++) await flap();
    await allDone();
    const incidentIds = (await listed(`dedupKey=${dedupKey}`)).map(({ incidentId }) => incidentId);
    const [last] = incidentIds;
    expect(new Set(incidentIds).size, "four of their own, which the others go on with").toBe(4);
    expect(incidentIds.slice(0, 3)).toEqual([last, last, last]);
    const types = await typesOf(`/api/v1/incidents/${last}`);
    expect(types.filter((type) => type === "incident.alert_attached")).toHaveLength(2);
  });
});

describe("a flood of reports", () => {
  it("of one key is counted report by report, by few commits", async () => {
    const dedupKey = newKey();
    await raise({ alerts: Array.from({ length: 200 }, (_, index) => smoke({ dedupKey, description: `${index} %` })) });
    const alert = await one(dedupKey);
    expect(alert).toMatchObject({ count: 200, description: "199 %" });
    expect(alert.version).toBeLessThan(20);
    const { items, next } = (await server.get(at(alert.id, "/timeline?limit=10"))).body;
    expect(items.length).toBeLessThan(10 + 64);
    const rest = (await server.get(at(alert.id, `/timeline?limit=500&cursor=${next}`))).body.items;
    expect([...items, ...rest].filter(({ type }) => type === "alert.repeated")).toHaveLength(199);
  });

  it("does not delay an urgent one: it has its incident while they wait", async () => {
    const keys = [newKey(), newKey()];
    const flood = Array.from({ length: 500 }, (_, index) => smoke({ dedupKey: keys[index % 2]!, severity: "low" }));
    await Promise.all(Array.from({ length: 4 }, () => raise({ alerts: flood })));
    const dedupKey = newKey();
    await raise(smoke({ dedupKey, severity: "critical" }));
    await until("the urgent one has its incident", async () => {
      return (await listed(`dedupKey=${dedupKey}`))[0]?.incidentId != null;
    });
    const metrics: string = (await server.get("/metrics")).body;
    expect(Number(/^tocsin_alert_reports_waiting (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);
    await allDone();
    const counts = await Promise.all(keys.map(async (key) => (await one(key)).count));
    expect(counts).toEqual([1_000, 1_000]);
  });
});

describe("an alert by the API", () => {
  it("is accepted with its id and key, opens, and has a log with its source", async () => {
    const { id, dedupKey } = await raise(smoke({ deviceId: newKey(), source: "panel", labels: { floor: "3" } }));
    const opened = await one(dedupKey);
    expect(opened).toMatchObject({
      id,
      status: "open",
      severity: "medium",
      priority: 3,
      source: "panel",
      labels: { floor: "3" },
      count: 1,
      incidentId: null,
    });
    const { body, headers } = await server.get(at(id));
    expect(body).toEqual(opened);
    expect(headers.get("etag")).toBe(`"${opened.version}"`);
    const [received, ...rest] = (await server.get(at(id, "/timeline"))).body.items;
    expect(received).toMatchObject({ type: "alert.received", by: "system:alerts" });
    expect(received.data.record).toMatchObject({ by: "admin", source: { name: "panel" } });
    expect(rest.map(({ type }: { type: string }) => type)).toEqual(["alert.classified", "alert.opened"]);
  });

  it("that comes again while it is open adds to it; after its resolve it opens a new one", async () => {
    const dedupKey = newKey();
    const first = await raise(smoke({ dedupKey }));
    for (let time = 0; time < 20; time++) await raise(smoke({ dedupKey }));
    expect(await one(dedupKey)).toMatchObject({ id: first.id, count: 21, status: "open" });
    await raise({ action: "acknowledge", dedupKey });
    await raise(smoke({ dedupKey }));
    expect(await one(dedupKey)).toMatchObject({ status: "acknowledged", count: 22 });
    expect((await raise({ action: "acknowledge", dedupKey })).id).toBe(first.id);
    await raise({ action: "resolve", dedupKey });
    expect(await one(dedupKey)).toMatchObject({ status: "resolved" });
    const second = await raise(smoke({ dedupKey }));
    await allDone();
    expect((await listed(`dedupKey=${dedupKey}`)).map(({ id, status }) => [id, status])).toEqual([
      [second.id, "open"],
      [first.id, "resolved"],
    ]);
  });

  it("without a key is known by its device, and its sender may resolve it by the key that it was told", async () => {
    const deviceId = newKey();
    const { dedupKey } = await raise(smoke({ deviceId, title: "one" }));
    expect((await raise(smoke({ deviceId, title: "two" }))).dedupKey).toBe(dedupKey);
    expect(await one(dedupKey)).toMatchObject({ count: 2, title: "two" });
    await raise({ action: "resolve", dedupKey });
    expect(await one(dedupKey)).toMatchObject({ status: "resolved" });
  });

  it("of one source has nothing to do with the same key of another, nor an exercise with what is real", async () => {
    const dedupKey = newKey();
    await raise(smoke({ dedupKey }));
    await raise(smoke({ dedupKey, source: "other" }));
    await raise(smoke({ dedupKey, nature: "exercise", severity: "critical" }));
    await allDone();
    const found = await listed(`dedupKey=${dedupKey}`);
    expect(found.map(({ source, nature, incidentId }) => [source, nature, incidentId])).toEqual([
      ["api", "exercise", null],
      ["other", "actual", null],
      ["api", "actual", null],
    ]);
  });

  it("comes in batches, all or none", async () => {
    const [a, b] = [newKey(), newKey()];
    const { alerts } = await raise({
      alerts: [smoke({ dedupKey: a }), smoke({ dedupKey: b }), smoke({ dedupKey: a })],
    });
    expect(alerts.map(({ dedupKey }: { dedupKey: string }) => dedupKey)).toEqual([a, b, a]);
    expect(await one(a)).toMatchObject({ count: 2 });
    const bad = await server.post("/api/v1/alerts", { alerts: [smoke({ dedupKey: newKey() }), { type: "smoke" }] });
    expect(bad.status).toBe(422);
    expect(bad.body.issues.map(({ path }: { path: string }) => path)).toEqual([
      "alerts[1].severity",
      "alerts[1].title",
    ]);
  });

  it("sent again under its Idempotency-Key is one report", async () => {
    const dedupKey = newKey();
    const key = { "idempotency-key": newKey() };
    const first = await raise(smoke({ dedupKey }), key);
    expect(await raise(smoke({ dedupKey }), key)).toEqual(first);
    expect(await one(dedupKey)).toMatchObject({ id: first.id, count: 1 });
  });

  it("is acknowledged, dismissed and resolved by people, each once", async () => {
    const dedupKey = newKey();
    const { id } = await raise(smoke({ dedupKey }));
    await one(dedupKey);
    const acknowledged = await server.post(at(id, "/acknowledge"), { note: "on it" });
    expect(acknowledged.body).toMatchObject({ status: "acknowledged", acknowledgedBy: "admin" });
    const dismissed = await server.post(at(id, "/dismiss"), { reason: "steam" });
    expect(dismissed.body).toMatchObject({ status: "dismissed", reason: "steam" });
    const late = await server.post(at(id, "/resolve"), {});
    expect(late).toMatchObject({ status: 400, body: { code: "transition_not_allowed", allowed: [] } });
    await raise(smoke({ dedupKey }));
    await allDone();
    expect(await listed(`dedupKey=${dedupKey}&status=open`)).toHaveLength(1);
  });

  it("is listed by severity, status, type, device and time", async () => {
    const deviceId = newKey();
    await raise(smoke({ deviceId, type: "heat", severity: "low" }));
    await raise(smoke({ deviceId, type: "gas", severity: "info" }));
    await allDone();
    const types = async (query: string) => (await listed(`deviceId=${deviceId}&${query}`)).map(({ type }) => type);
    expect(await types("")).toEqual(["gas", "heat"]);
    expect(await types("severity=low,critical")).toEqual(["heat"]);
    expect(await types("type=gas")).toEqual(["gas"]);
    expect(await types("status=resolved")).toEqual([]);
    expect(await types("createdBefore=2020-01-01T00:00:00Z")).toEqual([]);
  });
});

describe("an alert of high severity", () => {
  const place = { lat: 48.1, lon: 11.5 };

  it("makes an incident once, with its place and priority and whom to send; its end is told there", async () => {
    const engine = (await server.post("/api/v1/resources/vehicles", { callSign: "E1", location: place })).body.id;
    const dedupKey = newKey();
    const fire = { type: "fire_alarm", severity: "critical", title: "Fire alarm", location: place, dedupKey };
    const { id } = await raise(fire);
    for (let time = 0; time < 5; time++) await raise(fire);
    const { incidentId, count } = await one(dedupKey);
    expect(count).toBe(6);
    const { body: incident } = await server.get(`/api/v1/incidents/${incidentId}`);
    expect(incident).toMatchObject({
      type: "fire_alarm",
      priority: 1,
      title: "Fire alarm",
      location: place,
      sourceAlertId: id,
      status: "new",
      incidentNumber: expect.stringMatching(/^DEFAULT-\d{4}-\d{6}$/),
    });
    expect((await server.get(`/api/v1/incidents?type=fire_alarm`)).body.items).toHaveLength(1);
    const { items } = (await server.get(`/api/v1/incidents/${incidentId}/timeline`)).body;
    const recommended = items.find(({ type }: { type: string }) => type === "incident.recommended");
    expect(recommended.data.recommendation.units).toMatchObject([{ unitId: engine }]);
    await raise({ action: "resolve", dedupKey });
    await allDone();
    expect(await typesOf(`/api/v1/incidents/${incidentId}`)).toEqual([
      "incident.created",
      "incident.recommended",
      "incident.alert_noted",
    ]);
    expect(await listed(`incidentId=${incidentId}`)).toHaveLength(1);
  });

  it("makes it also when a later report is that bad", async () => {
    const dedupKey = newKey();
    await raise(smoke({ dedupKey, type: "worse", location: place }));
    expect(await one(dedupKey)).toMatchObject({ incidentId: null });
    await raise(smoke({ dedupKey, type: "worse", severity: "high" }));
    const { incidentId } = await one(dedupKey);
    expect((await server.get(`/api/v1/incidents/${incidentId}`)).body).toMatchObject({ location: place, priority: 2 });
  });

  it("is attached to and detached from an incident by people, of its own agency alone", async () => {
    const dedupKey = newKey();
    const { id } = await raise(smoke({ dedupKey }));
    await one(dedupKey);
    const incidentId = await server.newIncident();
    expect((await server.post(at(id, "/attach"), { incidentId })).body).toMatchObject({ incidentId });
    const other = await server.newIncident();
    expect((await server.post(at(id, "/attach"), { incidentId: other })).body.code).toBe("already_attached");
    expect((await server.post(at(id, "/detach"), undefined)).body).toMatchObject({ incidentId: null });
    expect(await typesOf(`/api/v1/incidents/${incidentId}`)).toEqual([
      "incident.created",
      "incident.alert_attached",
      "incident.alert_detached",
    ]);
    const claims = { sub: "both", agency: ["default", "second"], roles: ["supervisor"] };
    const authorization = `Bearer ${await server.tokenFor(claims)}`;
    const made = await server.post(
      "/api/v1/incidents",
      { type: "x", category: "x", title: "x", agencyId: "second" },
      { authorization },
    );
    const across = await server.post(at(id, "/attach"), { incidentId: made.body.id }, { authorization });
    expect(across.body.code).toBe("not_linkable");
  });
});
