import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { type Frame, LiveSocket } from "../support/live-socket.ts";
import { smoke, TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let server: TestServer;
const sockets: LiveSocket[] = [];
beforeAll(async () => {
  server = await TestServer.start();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});
afterAll(() => server.stop());

async function connected(token = server.token): Promise<LiveSocket> {
  const socket = await LiveSocket.open(server.url, token);
  sockets.push(socket);
  return socket;
}

const bare = (...args: ConstructorParameters<typeof LiveSocket>): LiveSocket => {
  const socket = new LiveSocket(...args);
  sockets.push(socket);
  return socket;
};

const tokenOf = (agency: string | string[], roles: string[] = ["dispatcher"], more: object = {}) =>
  server.tokenFor({ sub: `${agency}-${roles[0]}`, agency, roles, ...more });

const typesOf = (frames: readonly Frame[]) => frames.map(({ type }) => type);

describe("who is there", () => {
  it("is told by a token beside the subprotocol, or by the first message", async () => {
    const first = await connected();
    expect(first.socket.protocol).toBe("tocsin.v1");
    expect((await first.heard("session.opened")).data).toMatchObject({ subject: "admin", agencies: ["default"] });
    const second = bare(server.url);
    await until("it is open", () => second.socket.readyState === 1);
    expect((await second.ask("authenticate", { token: server.token })).type).toBe("session.opened");
  });

  it("is not taken from a URL, where logs would keep it", async () => {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/ws?token=${server.token}`);
    const status = await new Promise((resolve) => {
      socket.on("unexpected-response", (request, response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      socket.on("open", () => resolve(101));
      socket.on("error", () => undefined);
    });
    expect(status).toBe(400);
  });

  it("is needed for anything else, and a wrong one closes", async () => {
    const nobody = bare(server.url);
    await until("it is open", () => nobody.socket.readyState === 1);
    const refused = await nobody.ask("subscribe", { topic: "incidents/default" });
    expect(refused).toMatchObject({ type: "request.refused", data: { code: "unauthenticated", status: 401 } });
    const wrong = bare(server.url, ["tocsin.v1", "bearer.wrong"]);
    expect((await wrong.heard("request.refused")).data.code).toBe("unauthenticated");
    expect(await wrong.closed()).toBe(4401);
  });

  it("ends with the token, unless a fresh one comes before", async () => {
    const soon = Math.floor(Date.now() / 1_000) + 3;
    const first = await connected(await tokenOf("default", ["dispatcher"], { exp: soon }));
    const second = await connected(await tokenOf("default", ["dispatcher"], { exp: soon }));
    expect((await first.heard("session.expiring")).data.expiresAt).toBe(new Date(soon * 1_000).toISOString());
    const other = await tokenOf("other");
    expect((await second.ask("authenticate", { token: other })).data.code).toBe("forbidden");
    expect((await second.ask("authenticate", { token: await tokenOf("default") })).type).toBe("session.opened");
    expect(await first.closed()).toBe(4401);
    expect((await second.ask("ping")).type).toBe("pong");
  });
});

describe("an agency's incidents", () => {
  it("come as a snapshot first, then as they happen, under the names of their events, with what came of them", async () => {
    const before = await server.newIncident();
    const socket = await connected();
    const opened = await socket.follow("incidents/default");
    expect(opened.data).toMatchObject({ recovered: false, snapshot: true });
    const items = socket.frames
      .filter(({ type }) => type === "subscription.snapshot")
      .flatMap(({ data }) => data.items);
    expect(items.find(({ id }) => id === before)).toMatchObject({ title: smoke.title, version: 1 });

    const id = await server.newIncident();
    const unitId = await server.newVehicle("LIVE-1");
    await server.post(`/api/v1/incidents/${id}/assign`, { unitId });
    const mine = () => socket.eventsOf("incidents/default").filter(({ subject }) => subject === `incident/${id}`);
    await until("three events came", () => mine().length >= 3);
    const [created, assigned, moved] = mine();
    expect(typesOf(mine())).toEqual(["incident.created", "incident.assigned", "incident.status_changed"]);
    const { body } = await server.get(`/api/v1/incidents/${id}`);
    expect(created).toMatchObject({
      specversion: "1.0",
      source: "/agencies/default",
      id: `${created?.offset}-0`,
      epoch: opened.data.epoch,
      data: { event: { fields: { title: smoke.title } }, version: 1, by: "admin", state: { id, status: "new" } },
    });
    expect(assigned).toMatchObject({ more: true, offset: moved?.offset, data: { event: { unitId }, version: 2 } });
    expect(assigned?.data.state).toBeUndefined();
    expect(moved?.data.state).toEqual(body);
  });

  it("are everything since, in order, each once, for whoever comes back with a position", async () => {
    const socket = await connected();
    const { data } = await socket.follow("incidents/default", { snapshot: false });
    const id = await server.newIncident();
    await until("it came", () => socket.eventsOf("incidents/default").length === 1);
    const [seen] = socket.eventsOf("incidents/default");
    socket.close();
    await server.patch(`/api/v1/incidents/${id}`, { title: "Away 1" });
    await server.patch(`/api/v1/incidents/${id}`, { title: "Away 2" });
    const { epoch, offset, mark } = seen as Frame;
    const back = await connected();
    const opened = await back.follow("incidents/default", { since: { epoch, offset, mark } });
    expect(opened.data).toMatchObject({ recovered: true, snapshot: false, offset });
    const missed = back.eventsOf("incidents/default");
    expect(missed.map((frame) => frame.data.event.changes.title)).toEqual(["Away 1", "Away 2"]);
    // Of several events about one incident the last alone shows what came of it.
    expect(missed.map((frame) => frame.data.state?.title)).toEqual([undefined, "Away 2"]);

    const elsewhere = await connected();
    const since = { epoch: "EVENTS-other", offset };
    expect((await elsewhere.follow("incidents/default", { since })).data).toMatchObject({
      recovered: false,
      snapshot: true,
      reason: "the position is of another journal",
    });
    const beyond = await connected();
    const far = { epoch: data.epoch, offset: "999999999" };
    expect((await beyond.follow("incidents/default", { since: far })).data.recovered).toBe(false);
    const restored = await connected();
    const marked = { epoch, offset, mark: "0123456789" };
    expect((await restored.follow("incidents/default", { since: marked })).data).toMatchObject({
      recovered: false,
      reason: "the journal was restored from an older copy",
    });
  });
});

describe("what another agency has", () => {
  it("is refused, as is what does not exist", async () => {
    const id = await server.newIncident();
    const stranger = await connected(await tokenOf("stranger"));
    const code = async (topic: string) => (await stranger.ask("subscribe", { topic })).data.code;
    expect(await code("incidents/default")).toBe("forbidden");
    expect(await code("area/default/-180,-90,180,90")).toBe("forbidden");
    expect(await code(`incident/${id}`)).toBe("not_found");
    expect(await code("incident/01a20c40-0000-7000-8000-000000000000")).toBe("not_found");
    expect(await code("weather/default")).toBe("not_found");
    expect(await code("area/stranger/10,20,30")).toBe("not_found");
    const device = await connected(await tokenOf("default", ["device"]));
    expect((await device.ask("subscribe", { topic: "incidents/default" })).data.code).toBe("forbidden");
  });

  it("is seen while it is shared, and not a moment longer", async () => {
    const id = await server.newIncident();
    const path = `/api/v1/incidents/${id}`;
    const guest = await connected(await tokenOf("guest"));
    await guest.follow("incidents/guest");
    await server.patch(path, { note: "Before" });
    await server.post(`${path}/shares`, { agencyId: "guest" });
    await guest.follow(`incident/${id}`);
    await server.patch(path, { title: "Shared" });
    await until("it came", () => guest.eventsOf(`incident/${id}`).length === 1);
    await server.request("DELETE", `${path}/shares/guest`);
    await guest.heard("subscription.closed", `incident/${id}`);
    await server.patch(path, { note: "After" });
    // What is the guest's own comes after all of that.
    await server.request(
      "POST",
      "/api/v1/incidents",
      { ...smoke, title: "Own" },
      { authorization: `Bearer ${await tokenOf("guest")}` },
    );
    const all = () => guest.eventsOf("incidents/guest");
    await until("its own came", () => all().some(({ data }) => data.event.fields?.title === "Own"));
    const shared = ["incident.shared", "incident.updated", "incident.unshared", "incident.created"];
    expect(typesOf(all())).toEqual(shared);
    expect(all()[2]?.data.state).toBeUndefined();
    expect(typesOf(guest.eventsOf(`incident/${id}`))).toEqual(["incident.updated", "incident.unshared"]);
    expect(JSON.stringify(guest.frames)).not.toMatch(/Before|After/);
  });
});

describe("units", () => {
  let minutesAgo = 60;
  /** Each a minute after the one before: a unit that jumps is not believed. */
  const fix = (lat: number, lon: number) => ({
    lat,
    lon,
    at: new Date(Date.now() - 60_000 * minutesAgo--).toISOString(),
  });

  it("are told by their events and by their positions", async () => {
    const unitId = await server.newVehicle("LIVE-2");
    const socket = await connected();
    await socket.follow(`resource/${unitId}`, { snapshot: false });
    await server.patch(`/api/v1/resources/vehicles/${unitId}/status`, { status: "out_of_service" });
    await server.post(`/api/v1/resources/vehicles/${unitId}/location`, fix(10, 20));
    await until("both came", () => socket.eventsOf(`resource/${unitId}`).length === 2);
    const [status, moved] = socket.eventsOf(`resource/${unitId}`);
    expect(status).toMatchObject({ type: "resource.status_changed", data: { state: { status: "out_of_service" } } });
    expect(moved).toMatchObject({
      type: "resource.location_updated",
      data: { event: { position: { lat: 10, lon: 20 } } },
    });
    expect(moved?.offset).toBeUndefined();

    const { epoch, offset, mark } = status as Frame;
    const back = await connected();
    await back.follow(`resource/${unitId}`, { since: { epoch, offset, mark } });
    // It may have moved unseen, and stand still since.
    const again = await back.heard("resource.location_updated");
    expect(again).toMatchObject({ conflated: true, data: { event: { position: { lat: 10, lon: 20 } } } });
  });

  it("enter an area, move in it, and leave it, as incidents do", async () => {
    const unitId = await server.newVehicle("LIVE-3");
    const socket = await connected();
    const topic = "area/default/0,50,1,51";
    expect((await socket.follow(topic)).data).toMatchObject({ recovered: false });
    const move = (lat: number, lon: number) =>
      server.post(`/api/v1/resources/vehicles/${unitId}/location`, fix(lat, lon));
    await move(49.999, 0.5);
    await move(50.0001, 0.5);
    await move(50.0002, 0.5);
    await move(49.9999, 0.5);
    const id = await server.newIncident({ location: { lat: 50.5, lon: 0.5 } });
    await server.patch(`/api/v1/incidents/${id}`, { title: "Same place" });
    await server.patch(`/api/v1/incidents/${id}`, { location: { lat: 50.6, lon: 0.5 } });
    await server.patch(`/api/v1/incidents/${id}`, { location: { lat: 60, lon: 0.5 } });
    await server.patch(`/api/v1/incidents/${id}`, { title: "Elsewhere" });
    await server.newIncident({ location: { lat: 50.7, lon: 0.7 } });
    await until("all came", () => socket.eventsOf(topic).length >= 8);
    const told = socket.eventsOf(topic).map(({ subject, area }) => [subject?.split("/")[0], area]);
    expect(told).toEqual([
      ["resource", "entered"],
      ["resource", "moved"],
      ["resource", "left"],
      ["incident", "entered"],
      ["incident", undefined],
      ["incident", "moved"],
      ["incident", "left"],
      ["incident", "entered"],
    ]);
    expect(socket.eventsOf(topic)[0]?.data.state).toMatchObject({ callSign: "LIVE-3" });
    const late = await connected();
    await late.follow(topic);
    const items = late.frames.filter(({ type }) => type === "subscription.snapshot").flatMap(({ data }) => data.items);
    expect(items.map(({ title }) => title)).toEqual([smoke.title]);
  });
});

describe("alerts", () => {
  it("come as they are open, and then as they happen", async () => {
    const raise = (dedupKey: string, more: object = {}) =>
      server.post("/api/v1/alerts", {
        type: "smoke",
        severity: "low",
        title: "Smoke",
        source: "panel",
        dedupKey,
        ...more,
      });
    await raise("before");
    await until("it is there", async () => (await server.get("/api/v1/alerts")).body.items.length === 1);
    const socket = await connected();
    await socket.follow("alerts/default");
    expect((await socket.heard("subscription.snapshot")).data.items).toMatchObject([{ dedupKey: "before" }]);
    await raise("after");
    const opened = await socket.heard("alert.opened", "alerts/default");
    expect(opened.data.state).toMatchObject({ dedupKey: "after", status: "open" });
    await raise("after", { action: "resolve" });
    const { subject, data } = await socket.heard("alert.resolved", "alerts/default");
    expect(data.state).toMatchObject({ dedupKey: "after", status: "resolved" });
    await socket.follow(subject!);
    const stranger = await connected(await tokenOf("stranger"));
    expect((await stranger.ask("subscribe", { topic: "alerts/default" })).data.code).toBe("forbidden");
    expect((await stranger.ask("subscribe", { topic: subject })).data.code).toBe("not_found");
  });
});

describe("commands", () => {
  it("go through the same executor as those over HTTP", async () => {
    const socket = await connected();
    const body = { ...smoke, title: "By socket" };
    const made = await socket.ask("command", { operation: "createIncident", body, idempotencyKey: "socket-1" });
    expect(made).toMatchObject({ type: "command.answered", data: { status: 201, body: { title: "By socket" } } });
    expect(made.data.headers.etag).toBe('"1"');
    const again = await socket.ask("command", { operation: "createIncident", body, idempotencyKey: "socket-1" });
    expect(again.data.body.id).toBe(made.data.body.id);
    const path = { id: made.data.body.id };
    const stale = await socket.ask("command", {
      operation: "patchIncident",
      path,
      ifMatch: '"9"',
      body: { title: "X" },
    });
    expect(stale).toMatchObject({ type: "request.refused", data: { code: "version_mismatch", status: 412 } });
    const wrong = await socket.ask("command", { operation: "createIncident", body: { type: "x" } });
    expect(wrong.data).toMatchObject({ code: "invalid_body", status: 422 });
    const device = await connected(await tokenOf("default", ["device"]));
    const refused = await device.ask("command", { operation: "createIncident", body });
    expect(refused.data.code).toBe("forbidden");
  });
});

describe("a frame that is none of the protocol's", () => {
  const frames: readonly (readonly [string, string | Buffer, string])[] = [
    ["no JSON", "{", "malformed_json"],
    ["binary", Buffer.from([1, 2, 3]), "unsupported_media_type"],
    ["another type", '{"type":"conquer","id":"1"}', "invalid_body"],
    ["an unknown field", '{"type":"ping","id":"1","volume":11}', "invalid_body"],
    ["an array", "[]", "invalid_body"],
    ["a number", "7", "invalid_body"],
    ["nested deeply", `{"type":"command","id":"1","data":${"[".repeat(20_000)}${"]".repeat(20_000)}}`, "invalid_body"],
    ["too large", JSON.stringify({ type: "ping", id: "x".repeat(70_000) }), "body_too_large"],
  ];

  it.each(frames)("%s: is answered with what is wrong", async (_name, frame, code) => {
    const socket = await connected();
    socket.socket.send(frame);
    expect((await socket.heard("request.refused")).data.code).toBe(code);
    expect((await socket.ask("ping")).type).toBe("pong");
  });

  it("with a body nested deeply is refused by its operation", async () => {
    const socket = await connected();
    const deep = `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`;
    const data = `{"operation":"createIncident","body":{"type":"a","category":"b","title":"c","metadata":${deep}}}`;
    socket.socket.send(`{"type":"command","id":"deep","data":${data}}`);
    expect((await socket.heard("request.refused")).data.code).toMatch(/malformed_json|invalid_body/);
  });

  it("closes when there are too many", async () => {
    const socket = await connected();
    for (let sent = 0; sent <= 11; sent++) socket.socket.send("nonsense");
    expect(await socket.closed()).toBe(4400);
  });

  it("closes when there are too many a second, though they are right", async () => {
    const socket = await connected();
    for (let sent = 0; sent < 300; sent++) socket.say("ping");
    expect(await socket.closed()).toBe(4429);
    expect(socket.frames.some(({ data }) => data.code === "rate_limited")).toBe(true);
  });
});

describe("limits", () => {
  it("hold for the sockets of a principal", async () => {
    const token = await tokenOf("crowd");
    for (let count = 0; count < 50; count++) await connected(token);
    const more = bare(server.url, ["tocsin.v1", `bearer.${token}`]);
    expect(await more.closed()).toBe(4429);
    sockets[0]?.close();
    sockets.find(({ frames }) => frames[0]?.data.subject === "crowd-dispatcher")?.close();
    await until("there is room again", async () => {
      const next = bare(server.url, ["tocsin.v1", `bearer.${token}`]);
      await until("it is answered", () => next.frames.length > 0);
      return next.frames[0]?.type === "session.opened";
    });
  });

  it("hold for the subscriptions of a socket", async () => {
    const socket = await connected();
    for (let count = 0; count < 100; count++)
      await socket.follow(`area/default/0,0,1,${count / 10 + 1}`, { snapshot: false });
    const more = await socket.ask("subscribe", { topic: "incidents/default" });
    expect(more.data.code).toBe("limit_reached");
    expect((await socket.ask("subscribe", { topic: "area/default/0,0,1,1" })).data.code).toBe("already_exists");
    expect((await socket.ask("unsubscribe", { topic: "area/default/0,0,1,1" })).type).toBe("subscription.closed");
    expect((await socket.follow("incidents/default")).type).toBe("subscription.opened");
    expect((await socket.ask("unsubscribe", { topic: "area/default/0,0,1,1" })).data.code).toBe("not_found");
  });
});
