import { WebSocket as UndiciSocket } from "undici";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket as WsSocket } from "ws";
import {
  type Happened,
  type Item,
  LiveClient,
  type LiveClientOptions,
  type LiveSubscription,
} from "../../client/index.ts";
import { Line } from "../support/line.ts";
import { asBrowsers } from "../support/live-socket.ts";
import { smoke, TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let server: TestServer;
const closing: { close(): void }[] = [];
beforeAll(async () => {
  server = await TestServer.start();
});
afterEach(() => {
  for (const one of closing.splice(0)) one.close();
});
afterAll(() => server.stop());

function clientOf(options: Partial<LiveClientOptions> = {}): LiveClient {
  const client = new LiveClient({
    url: `${server.url.replace("http", "ws")}/ws`,
    token: server.token,
    WebSocket: asBrowsers(WsSocket),
    backoffMaxMs: 200,
    ...options,
  });
  closing.push(client);
  return client;
}

/** All that a subscription yields, as it comes. */
function collect(subscription: LiveSubscription): { readonly items: Item[]; readonly end: Promise<unknown> } {
  const items: Item[] = [];
  const run = async () => {
    for await (const item of subscription) items.push(item);
  };
  return {
    items,
    end: run().then(
      () => undefined,
      (error: unknown) => error,
    ),
  };
}

const happened = (items: readonly Item[]) =>
  items.filter((item): item is Happened => !item.type.startsWith("subscription."));
const isLive = (items: readonly Item[]) => () => items.some(({ type }) => type === "subscription.live");

describe.each([
  ["the ws package", WsSocket],
  ["undici's WebSocket", UndiciSocket],
])("the client on %s", (_name, WebSocket) => {
  const socket = { WebSocket: asBrowsers(WebSocket) };

  it("has the state as it is, then what happens, and does commands", async () => {
    const client = clientOf(socket);
    const { items } = collect(client.subscribe("incidents/default"));
    const made = await client.command("createIncident", { body: smoke });
    expect(made.status).toBe(201);
    await until(
      "it is told",
      () => happened(items).length > 0 || items.some(({ type }) => type === "subscription.live"),
    );
    const note = await client.command("patchIncident", { path: { id: made.body.id }, body: { note: "by the client" } });
    expect(note.body.version).toBe(2);
    await until("the remark came", () => happened(items).some(({ type }) => type === "incident.noted"));
    await expect(client.command("patchIncident", { path: { id: made.body.id }, body: {} })).rejects.toMatchObject({
      code: "invalid_body",
    });
  });

  it("comes back by itself with nothing lost and nothing twice, however often its line is cut", async () => {
    const line = await Line.to(server.url);
    closing.push(line);
    const client = clientOf({ ...socket, url: line.url });
    const subscription = client.subscribe("incidents/default", { snapshot: false });
    const { items } = collect(subscription);
    await until("it follows", isLive(items));
    const id = await server.newIncident();
    for (let change = 0; change < 60; change++) {
      await server.patch(`/api/v1/incidents/${id}`, { title: `Change ${change}` });
      if (change % 7 === 3) line.cut();
    }
    const changes = () => happened(items).filter(({ type }) => type === "incident.updated");
    await until("all came", () => changes().length >= 60);
    const titles = changes().map(({ data }) => (data.event as { changes: { title: string } }).changes.title);
    expect(titles).toEqual(Array.from({ length: 60 }, (_, change) => `Change ${change}`));
    expect(subscription.position?.offset).toBe(happened(items).at(-1)?.offset);
  });
});

it("finds out that its line is dead though nobody closed it", async () => {
  const line = await Line.to(server.url);
  closing.push(line);
  const states: string[] = [];
  const client = clientOf({ url: line.url, heartbeatMs: 200, onState: (state) => states.push(state) });
  const { items } = collect(client.subscribe("incidents/default", { snapshot: false }));
  await until("it follows", isLive(items));
  line.freeze();
  const id = await server.newIncident();
  await until("it came by another line", () => happened(items).some(({ subject }) => subject === `incident/${id}`));
  expect(states.filter((state) => state === "open")).toHaveLength(2);
});

it("does a command once though the line breaks before its answer", async () => {
  const line = await Line.to(server.url);
  closing.push(line);
  const client = clientOf({ url: line.url });
  await until("it is open", () => client.state === "open");
  const title = "Once";
  const asked = Array.from({ length: 10 }, () => client.command("createIncident", { body: { ...smoke, title } }));
  await new Promise((resolve) => setImmediate(resolve));
  line.cut();
  const ids = (await Promise.all(asked)).map(({ body }) => body.id);
  expect(new Set(ids).size).toBe(10);
  const { body } = await server.get("/api/v1/incidents?limit=500");
  expect(body.items.filter((one: { title: string }) => one.title === title)).toHaveLength(10);
});

it("tells of a topic that is refused, and goes on with the others", async () => {
  const client = clientOf();
  const refused = collect(client.subscribe("incidents/elsewhere"));
  const other = collect(client.subscribe("incidents/default"));
  expect(await refused.end).toMatchObject({ code: "forbidden", status: 403 });
  await until("the other follows", isLive(other.items));
});

it("goes on from where somebody left off another time", async () => {
  const first = clientOf();
  const one = first.subscribe("incidents/default", { snapshot: false });
  const before = collect(one);
  await until("it follows", isLive(before.items));
  await server.newIncident();
  await until("it came", () => happened(before.items).length === 1);
  first.close();
  const missed = await server.newIncident();
  const again = collect(clientOf().subscribe("incidents/default", { since: one.position! }));
  await until("it follows", isLive(again.items));
  expect(happened(again.items).map(({ subject }) => subject)).toEqual([`incident/${missed}`]);
});

it("says why it cannot connect, and goes on trying", async () => {
  const problems: Error[] = [];
  const onProblem = (problem: Error) => problems.push(problem);
  clientOf({ token: "no.token.this", onProblem });
  await until("it was refused twice", () => problems.length > 1);
  expect(problems[0]).toMatchObject({ name: "LiveProblem", code: "unauthenticated" });
  problems.length = 0;
  clientOf({ token: () => Promise.reject(new Error("nobody is signed in")), onProblem });
  await until(
    "it has asked twice",
    () => problems.filter(({ message }) => message === "nobody is signed in").length > 1,
  );
});

it("gets a fresh token before the old one expires, and stays", async () => {
  let asked = 0;
  const token = () => {
    asked += 1;
    const exp = Math.floor(Date.now() / 1_000) + (asked === 1 ? 3 : 3_600);
    return server.tokenFor({ sub: "a", agency: "default", roles: ["dispatcher"], exp });
  };
  const states: string[] = [];
  const client = clientOf({ token, onState: (state) => states.push(state) });
  await until("it has asked again", () => asked === 2);
  const startedMs = Date.now();
  await until("the old one would be over", () => Date.now() - startedMs > 3_500);
  expect(client.state).toBe("open");
  expect(states.filter((state) => state === "open")).toHaveLength(1);
});
