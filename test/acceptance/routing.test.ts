import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { builtInRouting, type RoutingDocument } from "../../schema/routing/document.ts";
import { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ RATE_LIMIT_PER_SECOND: "0" });
});
afterAll(() => server.stop());

const path = "/api/v1/routing";

const document: RoutingDocument = {
  route: {
    name: "everything",
    receivers: ["desk"],
    groupBy: ["type"],
    routes: [
      { name: "fire", matchers: ['type=~"smoke|heat"'], receivers: ["fire"], lifeSafety: true },
      { name: "nights", matchers: ['severity="low"'], muteTimeIntervals: ["nights"] },
    ],
  },
  receivers: [
    { name: "desk", targets: [{ kind: "role", to: "dispatcher" }] },
    { name: "fire", targets: [{ kind: "user", to: "chief" }], escalation: "until somebody comes" },
  ],
  timeIntervals: [
    { name: "nights", intervals: [{ times: [{ startTime: "00:00", endTime: "06:00" }], timeZone: "Europe/Paris" }] },
  ],
  escalations: [{ name: "until somebody comes", steps: [{ step: "wait", seconds: 60 }, { step: "notifyAll" }] }],
};

/** Everything here happens to one agency, in this order. */
describe("an agency's routing", () => {
  it("is what is built in, until it is changed", async () => {
    const { status, body, headers } = await server.get(path);
    expect(status).toBe(200);
    expect(headers.get("etag")).toBe('"0"');
    expect(body).toMatchObject({ revision: 0, activatedAt: null, document: builtInRouting });
    expect((await server.get(`${path}/timeline`)).body).toEqual({ items: [], next: null });
  });

  it("is told what is wrong with a document, by place, without activating it", async () => {
    const bad = { ...document, route: { ...document.route, receivers: ["nobody"] } };
    expect((await server.post(`${path}/validate`, { document: bad })).body).toEqual({
      valid: false,
      issues: [{ path: "route.receivers[0]", message: "nobody is not among the receivers" }],
      warnings: [],
    });
    const refused = await server.request("PUT", path, { document: bad });
    expect(refused.status).toBe(422);
    expect(refused.body.issues).toMatchObject([{ path: "document.route.receivers[0]" }]);
    expect((await server.post(`${path}/validate`, { document })).body).toEqual({
      valid: true,
      issues: [],
      warnings: [],
    });
  });

  it("is warned of webhooks and channels that are not there, or not on", async () => {
    const made = await server.post("/api/v1/hooks", { name: "desk", url: "https://desk.example/alerts" });
    expect(made.status).toBe(201);
    const targets = ["desk", "no-desk"].map((to) => ({ kind: "webhook", to }));
    const escalation = { name: "on", steps: [{ step: "notify", targets: [{ kind: "channel", to: "no-channel" }] }] };
    const receivers = [...document.receivers, { name: "desks", targets }];
    const wanting = { ...document, receivers, escalations: [...(document.escalations ?? []), escalation] };
    const look = async () => (await server.post(`${path}/validate`, { document: wanting })).body;
    const place = `receivers[${receivers.length - 1}]`;
    const chain = `escalations[${wanting.escalations.length - 1}].steps[0]`;
    const missing = [
      { path: `${place}.targets[1]`, message: "there is no webhook no-desk; there are: desk" },
      { path: `${chain}.targets[0]`, message: "there is no channel no-channel in this agency" },
    ];
    expect(await look()).toEqual({ valid: true, issues: [], warnings: missing });
    await server.patch(`/api/v1/hooks/${made.body.id}`, { enabled: false });
    const off = { path: `${place}.targets[0]`, message: "the webhook desk is switched off" };
    expect(await look()).toEqual({ valid: true, issues: [], warnings: [off, ...missing] });
  });

  it("is told what a candidate would change", async () => {
    const { body } = await server.post(`${path}/diff`, { document });
    expect(body.revision).toBe(0);
    expect(body.changes).toContainEqual({
      path: "receivers[fire]",
      change: "added",
      from: null,
      to: document.receivers[1],
    });
    expect(body.changes).toContainEqual({
      path: "receivers[dispatchers]",
      change: "removed",
      from: expect.anything(),
      to: null,
    });
  });

  it("holds a document at once when it is activated, under a revision and with who did it", async () => {
    const stale = await server.request("PUT", path, { document }, { "if-match": '"7"' });
    expect(stale.status).toBe(412);
    const { status, body } = await server.request("PUT", path, { document, comment: "our own" }, { "if-match": '"0"' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ revision: 1, comment: "our own", document });
    const tested = await server.post(`${path}/test`, { alert: { type: "smoke", severity: "low" } });
    expect(tested.body).toMatchObject({ revision: 1, groups: [{ name: "fire", lifeSafety: true }] });
  });

  it("explains where an alert would go, when, and why", async () => {
    const at = "2026-03-02T12:00:00.000Z";
    const { body } = await server.post(`${path}/test`, { alert: { type: "flood", severity: "low" }, at });
    expect(body.looked).toEqual([
      {
        path: "route",
        name: "everything",
        matched: true,
        because: "it matches everything; below it matches route.routes[1], after which the search ends",
      },
      { path: "route.routes[0]", name: "fire", matched: false, because: 'type=~"smoke|heat" does not match' },
      { path: "route.routes[1]", name: "nights", matched: true, because: "all its matchers match: taken" },
    ]);
    expect(body.groups).toMatchObject([
      { name: "nights", labels: { type: "flood" }, mutedBy: null, notifiesAt: "2026-03-02T12:00:30.000Z" },
    ]);
    expect(body.opensIncident).toBe(false);
  });

  it("explains why an alert would not be told", async () => {
    const alert = { type: "flood", severity: "low", labels: { site: "a" } };
    const night = await server.post(`${path}/test`, { alert, at: "2026-03-02T04:30:00.000Z" });
    expect(night.body.groups).toMatchObject([
      { mutedBy: { by: "mute_time_interval", detail: "nights" }, notifiesAt: null },
    ]);
    const silence = { matchers: ['site="a"'], endsAt: "2099-01-01T00:00:00Z", comment: "works" };
    const { body: made } = await server.post(`${path}/silences`, silence);
    const silenced = await server.post(`${path}/test`, { alert });
    expect(silenced.body.groups).toMatchObject([{ mutedBy: { by: "silence", detail: `silence ${made.id}` } }]);
    await server.request("DELETE", `${path}/silences/${made.id}`);
    const again = await server.post(`${path}/test`, { alert, at: "2026-03-02T12:00:00Z" });
    expect(again.body.groups).toMatchObject([{ mutedBy: null }]);
  });

  it("tries a candidate on an alert, beside what is active", async () => {
    const alert = { type: "smoke", severity: "info" };
    const { body } = await server.post(`${path}/test`, { alert, document: builtInRouting });
    expect(body).toMatchObject({ revision: null, groups: [{ receivers: [{ name: "dispatchers" }] }] });
  });

  it("goes back to an older revision, which is a new one that names it", async () => {
    await server.request("PUT", path, { document: { ...document, inhibitRules: [] } });
    const back = await server.post(`${path}/rollback`, { revision: 1, comment: "it was better" });
    expect(back.body).toMatchObject({ revision: 3, document });
    const { body } = await server.get(`${path}/revisions`);
    expect(body.items).toMatchObject([
      { revision: 3, restores: 1, comment: "it was better" },
      { revision: 2, restores: null },
      { revision: 1, comment: "our own" },
    ]);
    expect((await server.get(`${path}/revisions/2`)).body).toMatchObject({
      revision: 2,
      document: { inhibitRules: [] },
    });
    expect((await server.get(`${path}/revisions/0`)).body).toMatchObject({ document: builtInRouting });
    expect((await server.get(`${path}/revisions/9`)).status).toBe(404);
    expect((await server.post(`${path}/rollback`, { revision: 9 })).status).toBe(422);
    const { body: story } = await server.get(`${path}/timeline`);
    expect(story.items.map(({ type }: { type: string }) => type)).toEqual(Array(3).fill("routing.activated"));
  });
});

describe("silences", () => {
  it("are one for one key, however often it is asked", async () => {
    const silence = { matchers: ['site="once"'], endsAt: "2099-01-01T00:00:00Z", comment: "works" };
    const key = { "idempotency-key": "once" };
    const [first, second] = [
      await server.post(`${path}/silences`, silence, key),
      await server.post(`${path}/silences`, silence, key),
    ];
    expect([first.status, second.status, second.body.id]).toEqual([201, 201, first.body.id]);
  });

  it("are changed in place or replaced, and listed by their state", async () => {
    const silence = { matchers: ['site="b"'], endsAt: "2099-01-01T00:00:00Z", comment: "works" };
    const { body: made } = await server.post(`${path}/silences`, silence);
    const longer = { ...silence, endsAt: "2099-06-01T00:00:00Z" };
    expect((await server.request("PUT", `${path}/silences/${made.id}`, longer)).body).toMatchObject({
      id: made.id,
      endsAt: longer.endsAt,
    });
    const other = await server.request("PUT", `${path}/silences/${made.id}`, { ...longer, matchers: ['site="c"'] });
    expect(other.body.id).not.toBe(made.id);
    const listed = async (state: string) =>
      (await server.get(`${path}/silences?state=${state}`)).body.items as { id: string }[];
    expect((await listed("active")).map(({ id }) => id)).toContain(other.body.id);
    expect((await listed("expired")).map(({ id }) => id)).toContain(made.id);
  });

  it("that would mute everything are refused", async () => {
    const { status, body } = await server.post(`${path}/silences`, {
      matchers: ['site=~".*"'],
      endsAt: "2099-01-01T00:00:00Z",
      comment: "x",
    });
    expect([status, body.issues[0].path]).toEqual([422, "matchers"]);
  });
});

describe("classification", () => {
  it("by an agency's rules and the text model holds for the alerts that come, with its reasons", async () => {
    const rules = [
      { name: "gas is urgent", when: 'alert.title.matches("smell of gas")', set: { severity: "critical" } },
    ];
    const { status } = await server.request("PUT", "/api/v1/classification", { document: { rules } });
    expect(status).toBe(200);
    const said = { type: "call", severity: "low", title: "there is a strong smell of gas in the hallway" };
    const { body: receipt } = await server.post("/api/v1/alerts", said);
    const path = `/api/v1/alerts/${receipt.id}`;
    await until("the alert is there", async () => (await server.get(path)).status === 200);
    const { body: alert } = await server.get(path);
    expect(alert).toMatchObject({ severity: "critical", category: "hazmat" });
    const { body: tried } = await server.post("/api/v1/classification/test", { alert: said });
    expect(alert.classification).toEqual(tried);
    expect(tried.reasons.at(-1)).toBe("rule gas is urgent: severity critical");
  });
});
