import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RoutingDocument } from "../../schema/routing/document.ts";
import { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

interface Heard {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

let server: TestServer;
let other: Server;
let url: string;
let heard: Heard[] = [];
/** What the other system answers with, in turn; then 204. */
let answers: number[] = [];
let channel: string;
let secret: string;

beforeAll(async () => {
  other = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      heard.push({ headers: request.headers, text: Buffer.concat(chunks).toString() });
      response.writeHead(answers.shift() ?? 204, { location: `${url}/elsewhere` }).end();
    });
  });
  await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  server = await TestServer.start({
    MQTT: "on",
    MQTT_PORT: "0",
    RATE_LIMIT_PER_SECOND: "0",
    WEBHOOK_NETWORKS: "127.0.0.1",
  });
  channel = (await server.post("/api/v1/channels", { kind: "team", name: "Desk" })).body.id;
  secret = (await server.post("/api/v1/hooks", { name: "desk", url: `${url}/in` })).body.secret;
  await server.post("/api/v1/hooks", { name: "inner", url: "http://[::1]:9/" });
  const receivers: RoutingDocument["receivers"] = [
    {
      name: "all",
      targets: [
        { kind: "webhook", to: "desk" },
        { kind: "mqtt", to: "siren" },
        { kind: "channel", to: channel },
      ],
    },
    { name: "inner", targets: [{ kind: "webhook", to: "inner" }] },
    { name: "nobody", targets: [{ kind: "webhook", to: "nobody" }] },
  ];
  const route = {
    receivers: ["all"],
    groupBy: ["type", "site"],
    lifeSafety: true,
    groupIntervalSeconds: 1,
    routes: [
      { matchers: ['type="inner"'], receivers: ["inner"] },
      { matchers: ['type="nobody"'], receivers: ["nobody"] },
    ],
  };
  const { status } = await server.request("PUT", "/api/v1/routing", { document: { route, receivers } });
  expect(status).toBe(200);
});
afterAll(async () => {
  await server?.stop();
  other?.closeAllConnections();
  other?.close();
});
beforeEach(() => {
  heard = [];
  answers = [];
});

const raise = async (type: string, more: object = {}) =>
  (await server.post("/api/v1/alerts", { type, severity: "low", title: `${type}!`, dedupKey: type, ...more })).body.id;
const deliveries = async (status: string) =>
  (await server.get(`/api/v1/deliveries?status=${status}&limit=500`)).body.items;
const signed = ({ headers, text }: Heard) => {
  const timestamp = String(headers["tocsin-timestamp"]);
  return `sha256=${createHmac("sha256", secret).update(`${timestamp}.`).update(text).digest("hex")}`;
};

describe("what routing tells", () => {
  it("reaches a webhook signed, a broker, and a channel, each once", async () => {
    const listener = await connectAsync(`mqtt://127.0.0.1:${server.node.mqttPort}`);
    const sirens: string[] = [];
    listener.on("message", (_topic, payload) => sirens.push(payload.toString()));
    await listener.subscribeAsync("tocsin/default/notifications/+", { qos: 1 });
    const id = await raise("smoke", { severity: "medium" });
    await until("all have heard", async () => heard.length === 1 && sirens.length === 1);
    const [{ headers, text } = { headers: {}, text: "" }] = heard;
    expect(headers["tocsin-signature"]).toBe(signed(heard[0]!));
    expect(JSON.parse(text)).toMatchObject({
      type: "alertgroup.notified",
      id: headers["tocsin-delivery"],
      data: { reason: "firing", receiver: "all", firing: [{ id, title: "smoke!" }], resolved: [] },
    });
    expect(JSON.parse(sirens[0]!)).toMatchObject({ data: { firing: [{ id }] } });
    await until("the channel has it", async () => {
      const { items } = (await server.get(`/api/v1/channels/${channel}/messages`)).body;
      return items.some(({ body, priority }: never) => body === "Firing:\nsmoke! (medium)" && priority === "urgent");
    });
    await until("all are delivered", async () => (await deliveries("delivered")).length === 3);
    await listener.endAsync(true);
  });

  it("says at last that it is over", async () => {
    await raise("gas");
    await until("it is heard", () => heard.length === 1);
    await server.post("/api/v1/alerts", { action: "resolve", dedupKey: "gas" });
    await until("its end is heard", () => heard.length === 2);
    const { data } = JSON.parse(heard[1]!.text);
    expect(data).toMatchObject({ reason: "all_resolved", firing: [], resolved: [{ status: "resolved" }] });
  });

  it("is told of incidents as well, where a rule of escalation or of time targets names them", async () => {
    const notify = [
      { kind: "webhook", to: "desk" },
      { kind: "channel", to: channel },
    ];
    const rules = { incidentType: "flood", unassignedSeconds: 1, action: "notify_supervisor", notify };
    const put = (section: string, items: object[]) =>
      server.request("PUT", `/api/v1/configuration/${section}`, { items });
    expect((await put("escalation", [rules])).status).toBe(200);
    const targets = { incidentType: "flood", phases: { dispatchSeconds: 1 }, notify: [notify[0]] };
    expect((await put("timeTargets", [targets])).status).toBe(200);
    const id = await server.newIncident({ type: "flood", title: "Cellars", priority: 3 });
    await until("both are told", () => heard.length === 2);
    const told = heard.map(({ text }) => JSON.parse(text)).sort((a, b) => (a.type < b.type ? -1 : 1));
    expect(told).toMatchObject([
      { type: "incident.supervisor_notified", source: `/api/v1/incidents/${id}`, data: { concern: "unassigned" } },
      { type: "sla.at_risk", data: { concern: "dispatch", incident: { id, title: "Cellars" } } },
    ]);
    expect(heard[0]!.headers["tocsin-signature"]).toBe(signed(heard[0]!));
    await until("the channel has it", async () => {
      const { items } = (await server.get(`/api/v1/channels/${channel}/messages`)).body;
      return items.some(({ body }: { body: string }) =>
        body.endsWith(": no unit assigned in time\nCellars (priority 3)"),
      );
    });
    const { items } = (await server.get("/api/v1/deliveries?limit=500")).body;
    expect(items.filter(({ about }: never) => about["incidentId"] === id)).toHaveLength(3);
    for (const section of ["escalation", "timeTargets"]) await put(section, []);
  });

  it("is tried again under the same id where a server has trouble, and given up where it is refused", async () => {
    answers = [503];
    await raise("late");
    await until("it is postponed", async () => {
      const waiting = await deliveries("waiting");
      return waiting.some(({ detail, nextAt }: never) => detail === "answered with 503" && nextAt !== null);
    });
    const first = heard.at(-1)!.headers["tocsin-delivery"];
    expect((await deliveries("waiting")).map(({ id }: { id: string }) => id)).toContain(first);

    answers = [410];
    await raise("gone");
    const isGivenUp = ({ detail }: { detail: string | null }) => detail === "answered with 410";
    await until("it is given up", async () => (await deliveries("failed")).some(isGivenUp));
    const { id } = (await deliveries("failed")).find(isGivenUp);
    const letters = await server.node.ports.deadLetters.list(100);
    expect(letters.find((letter) => letter.id === id)).toMatchObject({ kind: "delivery", reason: "answered with 410" });
    expect((await server.post(`/api/v1/deliveries/${id}/retry`, undefined)).status).toBe(200);
    await until("it has arrived after all", async () => {
      return (await deliveries("delivered")).some((one: { id: string }) => one.id === id);
    });
  });

  it("is not followed to elsewhere, nor sent to this machine unless the operator lists it", async () => {
    answers = [302];
    await raise("moved");
    await until("it is given up", async () => {
      return (await deliveries("failed")).some(({ detail }: never) => detail === "answered with 302");
    });
    expect(heard).toHaveLength(1);
    await raise("inner");
    await raise("nobody");
    await until("both are given up", async () => {
      const details = (await deliveries("failed")).map(({ detail }: { detail: string }) => detail);
      return (
        details.includes("::1 is private; list it in WEBHOOK_NETWORKS if it is meant") &&
        details.includes("there is no webhook nobody")
      );
    });
  });
});
