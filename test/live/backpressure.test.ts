import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { liveLimits } from "../../schema/live/limits.ts";
import { type Frame, LiveSocket } from "../support/live-socket.ts";
import { smoke, TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let server: TestServer;
const sockets: LiveSocket[] = [];
/** Answers the handshake, and then nothing, not even a ping. */
let dead: { readonly openedMs: number; closedMs: number | undefined };

beforeAll(async () => {
  server = await TestServer.start();
  dead = await deadSocket(server);
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});
afterAll(() => server.stop());

async function connected(): Promise<LiveSocket> {
  const socket = await LiveSocket.open(server.url, server.token);
  sockets.push(socket);
  return socket;
}

function deadSocket({ url, token }: TestServer): Promise<typeof dead> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const state: typeof dead = { openedMs: performance.now(), closedMs: undefined };
    const closed = () => {
      state.closedMs ??= performance.now();
    };
    socket.on("end", closed).on("close", closed).on("error", closed);
    socket.once("data", () => resolve(state));
    socket.write(
      `GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
  });
}

const large = { ...smoke, description: "x".repeat(16_000) };

it("a reader too slow for its events is closed with a code, and finds everything when it comes back; others never notice", async () => {
  const [slow, quick] = [await connected(), await connected()];
  await slow.follow("incidents/default", { snapshot: false });
  await quick.follow("incidents/default", { snapshot: false });
  slow.socket.pause();
  const ids: string[] = [];
  const closedByServer = () => server.node.live.figures["liveSockets"] === 2;
  // The network takes some megabytes by itself.
  while (!closedByServer() && ids.length < 2_000)
    ids.push(...(await Promise.all([1, 2, 3, 4].map(() => server.newIncident(large)))));
  expect(closedByServer()).toBe(true);
  await until("the quick one has all", () => quick.eventsOf("incidents/default").length === ids.length);
  slow.socket.resume();
  expect(await slow.closed()).toBe(4413);
  const had = slow.eventsOf("incidents/default");
  expect(had.length).toBeLessThan(ids.length);
  const { epoch, offset, mark } = had.at(-1) as Frame;
  const back = await connected();
  expect((await back.follow("incidents/default", { since: { epoch, offset, mark } })).data.recovered).toBe(true);
  const all = [...had, ...back.eventsOf("incidents/default")].map(({ id }) => id);
  expect(all).toEqual(quick.eventsOf("incidents/default").map(({ id }) => id));
});

it("who comes back slowly is told at its own pace, from what is long past, too", async () => {
  const reader = await connected();
  const { epoch } = (await reader.heard("session.opened")).data;
  reader.say("subscribe", { topic: "incidents/default", since: { epoch, offset: "0" } });
  await reader.heard("subscription.opened");
  for (let pauses = 0; pauses < 10; pauses++) {
    reader.socket.pause();
    await server.newIncident();
    reader.socket.resume();
  }
  await reader.heard("subscription.live");
  const offsets = reader.eventsOf("incidents/default").map(({ offset }) => Number(offset));
  expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
  const entries = [...server.node.board.rowsOf("incident", ["default"])].reduce((sum, { version }) => sum + version, 0);
  expect(new Set(offsets).size).toBe(entries);
});

it("positions are left out for a slow reader, all but the latest of each unit", async () => {
  const unitId = await server.newVehicle("SLOW-1");
  const slow = await connected();
  await slow.follow(`resource/${unitId}`, { snapshot: false });
  await slow.follow("incidents/default", { snapshot: false });
  slow.socket.pause();
  while (server.node.live.figures["liveSlowSockets"] === 0) await server.newIncident(large);
  let minutesAgo = 50;
  const move = (lat: number) => {
    const at = new Date(Date.now() - 60_000 * minutesAgo--).toISOString();
    return server.post(`/api/v1/resources/vehicles/${unitId}/location`, { lat, lon: 0, at });
  };
  for (let step = 1; step <= 40; step++) await move(step / 1_000);
  slow.socket.resume();
  const moves = () => slow.eventsOf(`resource/${unitId}`);
  await until("the last one came", () => moves().at(-1)?.data.event.position.lat === 0.04);
  expect(moves()).toHaveLength(1);
  expect(moves()[0]).toMatchObject({ conflated: true });
  // It keeps up again: nothing is left out any more.
  await move(0.041);
  await move(0.042);
  await until("both came", () => moves().length === 3);
  expect(
    moves()
      .slice(1)
      .map(({ conflated }) => conflated),
  ).toEqual([undefined, undefined]);
});

it("a socket at whose other end nobody is any more is given up within 30 s", async () => {
  await until("it is closed", () => dead.closedMs !== undefined);
  const lastedMs = dead.closedMs! - dead.openedMs;
  expect(lastedMs).toBeGreaterThan(1_000 * (liveLimits.idleSeconds - 5));
  expect(lastedMs).toBeLessThan(30_000);
});

it("a gateway that stops tells everybody to come back", async () => {
  const socket = await connected();
  await socket.follow("incidents/default", { snapshot: false });
  await server.stop();
  expect(await socket.closed()).toBe(1001);
});
