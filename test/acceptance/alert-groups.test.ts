import { afterAll, beforeAll, expect, it } from "vitest";
import type { RoutingDocument } from "../../schema/routing/document.ts";
import { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ RATE_LIMIT_PER_SECOND: "0" });
});
afterAll(() => server.stop());

const role = (to: string) => [{ kind: "role" as const, to }];

const document: RoutingDocument = {
  route: {
    receivers: ["desk"],
    groupBy: ["type", "site"],
    groupWaitSeconds: 1,
    groupIntervalSeconds: 1,
    routes: [
      { name: "fire", matchers: ['type="smoke"'], receivers: ["fire"], lifeSafety: true },
      { name: "tests", matchers: ['type="self_test"'], incident: "always" },
      { name: "burglars", matchers: ['type="burglar"'], incident: "never" },
    ],
  },
  receivers: [
    { name: "desk", targets: role("dispatcher") },
    { name: "fire", targets: role("dispatcher"), escalation: "everybody" },
  ],
  inhibitRules: [{ sourceMatchers: ['type="power"'], targetMatchers: ['type="heartbeat"'], equal: ["site"] }],
  escalations: [
    {
      name: "everybody",
      steps: [
        { step: "wait", seconds: 1 },
        { step: "notify", targets: role("supervisor") },
      ],
    },
  ],
};

async function activate(wanted: RoutingDocument): Promise<void> {
  const { status } = await server.request("PUT", "/api/v1/routing", { document: wanted });
  expect(status).toBe(200);
}

async function raise(type: string, site: string, more: object = {}): Promise<string> {
  const body = {
    type,
    severity: "low",
    title: `${type} at ${site}`,
    labels: { site },
    dedupKey: `${type} ${site}`,
    ...more,
  };
  return (await server.post("/api/v1/alerts", body)).body.id;
}

interface Group {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly route: { readonly name: string | null };
  readonly alerts: readonly { readonly id: string }[];
}

const groups = async (): Promise<readonly Group[]> => (await server.get("/api/v1/routing/groups?limit=500")).body.items;

/** What was told of a site's alerts, in order: reason, receiver's targets, and how many fire. */
async function told(type: string, site: string): Promise<readonly string[]> {
  const group = (await groups()).find(({ labels }) => labels["type"] === type && labels["site"] === site);
  if (group === undefined) return [];
  const { body } = await server.get(`/api/v1/routing/groups/${group.id}/timeline?limit=500`);
  return (body.items as { type: string; data: { reason: string; targets: { to: string }[]; firing: string[] } }[])
    .filter((entry) => entry.type === "alertgroup.notified")
    .map(({ data }) => `${data.reason} ${data.targets.map(({ to }) => to).join(" ")} ${data.firing.length}`);
}

const isTold = (type: string, site: string, expected: readonly string[]) =>
  until(`${type} at ${site} was told: ${expected.join(", ")}`, async () => {
    return JSON.stringify(await told(type, site)) === JSON.stringify(expected);
  });

it("an alert is told to the people whom its route names, again when another joins, and when all are over", async () => {
  await activate(document);
  await raise("flood", "a");
  await isTold("flood", "a", ["firing dispatcher 1"]);
  await raise("flood", "a", { dedupKey: "another" });
  await isTold("flood", "a", ["firing dispatcher 1", "firing dispatcher 2"]);
  for (const dedupKey of ["another", "flood a"]) await server.post("/api/v1/alerts", { action: "resolve", dedupKey });
  await isTold("flood", "a", ["firing dispatcher 1", "firing dispatcher 2", "all_resolved dispatcher 0"]);
});

it("one on a life-safety route calls further people until somebody acknowledges it", async () => {
  const id = await raise("smoke", "b");
  await isTold("smoke", "b", ["firing dispatcher 1", "escalation supervisor 1"]);
  expect((await server.post(`/api/v1/alerts/${id}/acknowledge`, {})).status).toBe(200);
  const before = ["firing dispatcher 1", "escalation supervisor 1"];
  await isTold("smoke", "b", [...before, "acknowledged dispatcher 1"]);
});

it("acknowledged in time, nobody else is called, and everybody called hears of it", async () => {
  const id = await raise("smoke", "c");
  await isTold("smoke", "c", ["firing dispatcher 1"]);
  await server.post(`/api/v1/alerts/${id}/acknowledge`, {});
  await isTold("smoke", "c", ["firing dispatcher 1", "acknowledged dispatcher 1"]);
});

it("what is silenced or inhibited is not told, and is when that is over", async () => {
  const silence = { matchers: ['site="d"'], endsAt: "2099-01-01T00:00:00Z", comment: "works" };
  const { body: made } = await server.post("/api/v1/routing/silences", silence);
  await raise("flood", "d");
  await raise("power", "e");
  await isTold("power", "e", ["firing dispatcher 1"]);
  await raise("heartbeat", "e");
  const flushes = async (type: string, site: string) => {
    const group = (await groups()).find(({ labels }) => labels["type"] === type && labels["site"] === site);
    if (group === undefined) return [];
    const { body } = await server.get(`/api/v1/routing/groups/${group.id}/timeline?limit=500`);
    const flushed = (body.items as { type: string; data: { muted: { alerts: object } } }[]).filter(
      (entry) => entry.type === "alertgroup.flushed",
    );
    return flushed.map(({ data }) => Object.values(data.muted.alerts).map(({ by }) => by));
  };
  await until("both were looked at, and muted", async () => {
    const [first] = await flushes("flood", "d");
    const [second] = await flushes("heartbeat", "e");
    return first?.[0] === "silence" && second?.[0] === "inhibition";
  });
  expect([await told("flood", "d"), await told("heartbeat", "e")]).toEqual([[], []]);
  await server.request("DELETE", `/api/v1/routing/silences/${made.id}`);
  await server.post("/api/v1/alerts", { action: "resolve", dedupKey: "power e" });
  await isTold("flood", "d", ["firing dispatcher 1"]);
  await isTold("heartbeat", "e", ["firing dispatcher 1"]);
});

it("routes say which alerts open incidents, whatever their severity", async () => {
  const [always, never] = [await raise("self_test", "f"), await raise("burglar", "f", { severity: "critical" })];
  const incidentOf = async (id: string) => (await server.get(`/api/v1/alerts/${id}`)).body.incidentId;
  await until("the incident is there", async () => typeof (await incidentOf(always)) === "string");
  await isTold("burglar", "f", ["firing dispatcher 1"]);
  expect(await incidentOf(never)).toBeNull();
});

it("a new document holds for alerts that are open: they go where they belong now", async () => {
  const id = await raise("flood", "g");
  await isTold("flood", "g", ["firing dispatcher 1"]);
  const holders = async () => (await groups()).filter(({ alerts }) => alerts.some((alert) => alert.id === id));
  const moved = { name: "water", matchers: ['type="flood"'], receivers: ["fire"] };
  await activate({ ...document, route: { ...document.route, routes: [moved, ...(document.route.routes ?? [])] } });
  await until("it is in the new group alone", async () => {
    return (await holders()).map(({ route }) => route.name).join() === "water";
  });
});

it("a backtest over what was lists the pages and incidents that a candidate would change, and changes nothing", async () => {
  await activate(document);
  const candidate: RoutingDocument = {
    ...document,
    route: { receivers: ["desk"], routes: [{ matchers: ['type="smoke"'], receivers: ["fire"], incident: "never" }] },
  };
  await server.reacted();
  const before = await groups();
  const { status, body } = await server.post("/api/v1/routing/backtest", { document: candidate, hours: 1 });
  expect([status, body.complete]).toEqual([200, true]);
  expect(body.alerts).toBeGreaterThan(8);
  expect(body.incidentsGained.map(({ title }: { title: string }) => title)).toEqual(["burglar at f"]);
  expect(body.incidentsLost.map(({ title }: { title: string }) => title)).toEqual(["self_test at f"]);
  // Half a minute's wait instead of a second's: what is over by then would not have been told.
  expect(body.pagesMoved.length + body.pagesLost.length).toBeGreaterThan(0);
  await server.reacted();
  expect((await groups()).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
});
