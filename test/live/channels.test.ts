import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { LiveClient } from "../../client/index.ts";
import { asBrowsers, type Frame, LiveSocket } from "../support/live-socket.ts";
import { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let server: TestServer;
const sockets: LiveSocket[] = [];
beforeAll(async () => {
  server = await TestServer.start({ RATE_LIMIT_PER_SECOND: "0" });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});
afterAll(() => server.stop());

/** Somebody with a token, who writes by HTTP and listens by a socket. */
class Person {
  readonly name: string;
  readonly token: Promise<string>;

  constructor(name: string, roles = ["responder"], more: object = {}) {
    this.name = name;
    this.token = server.tokenFor({ sub: name, agency: "default", roles, ...more });
  }

  async post(path: string, body: unknown = {}) {
    const answer = await server.post(`/api/v1${path}`, body, { authorization: `Bearer ${await this.token}` });
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    return answer.body;
  }

  says = (channel: string, body: string, more: object = {}) =>
    this.post(`/channels/${channel}/messages`, { body, ...more });

  async listens(): Promise<LiveSocket> {
    const socket = await LiveSocket.open(server.url, await this.token);
    sockets.push(socket);
    return socket;
  }
}

const anna = () => new Person("anna", ["dispatcher", "supervisor"]);
const teamOf = async (by: Person, ...members: Person[]): Promise<string> =>
  (await by.post("/channels", { kind: "team", name: "Night shift", members: members.map(({ name }) => name) })).id;

const typesOf = (frames: readonly Frame[]) => frames.map(({ type }) => type);
const bodiesIn = (frames: readonly Frame[]) =>
  frames.filter(({ type }) => type === "message.new").map(({ data }) => data.event.body);
const positionOf = ({ epoch, offset, mark }: Frame) => ({ epoch, offset, mark });

describe("a channel", () => {
  it("is told to its members as it happens, with what is written opened", async () => {
    const [by, bo] = [anna(), new Person("bo")];
    const id = await teamOf(by, bo);
    const socket = await bo.listens();
    const topic = `channel/${id}`;
    await socket.follow(topic);
    expect((await socket.heard("subscription.snapshot", topic)).data.items).toMatchObject([
      { id, unread: 0, messageCount: 0 },
    ]);
    const sent = await by.says(id, "Hydrant behind the school", { priority: "urgent" });
    const path = `/channels/${id}/messages/${sent.id}`;
    await server.patch(`/api/v1${path}`, { body: "In front of it" }, { authorization: `Bearer ${await by.token}` });
    await bo.post(`${path}/acknowledge`);
    await bo.post(`/channels/${id}/read`);
    await server.request("DELETE", `/api/v1${path}`, undefined, { authorization: `Bearer ${await by.token}` });
    await until("all of it came", () => socket.eventsOf(topic).length >= 5);
    const heard = socket.eventsOf(topic);
    const names = ["message.new", "message.edited", "message.acknowledged", "message.read", "message.deleted"];
    expect(typesOf(heard)).toEqual(names);
    expect(heard[0]).toMatchObject({
      subject: topic,
      data: {
        by: "anna",
        event: { messageId: sent.id, number: 1, body: "Hydrant behind the school", priority: "urgent", replyTo: null },
      },
    });
    expect(heard[1]?.data.event).toEqual({ messageId: sent.id, number: 1, body: "In front of it" });
    expect(JSON.stringify(socket.frames)).not.toContain("sealed");
  });

  it("is refused to whoever is no member, and shows nothing of itself among all of one's own", async () => {
    const [by, bo, eve] = [anna(), new Person("bo-2"), new Person("eve")];
    const id = await teamOf(by, bo);
    const incident = (await by.post("/incidents", { type: "fire", category: "fire", title: "Smoke" })).id;
    await server.reacted();
    const [outside, other] = [await eve.listens(), await new Person("carl", ["dispatcher"]).listens()];
    expect((await outside.ask("subscribe", { topic: `channel/${id}` })).data.code).toBe("not_found");
    expect((await outside.ask("subscribe", { topic: `channel/${incident}` })).data.code).toBe("not_found");
    // A dispatcher might join it.
    expect((await other.ask("subscribe", { topic: `channel/${incident}` })).data.code).toBe("forbidden");
    await outside.follow("channels");
    const member = await bo.listens();
    await member.follow("channels");
    await by.says(id, "Only for us");
    await until("the member has it", () => bodiesIn(member.eventsOf("channels")).length === 1);
    // What is its own comes after all of that.
    const own = await teamOf(eve);
    await until("its own came", () => outside.eventsOf("channels").length > 0);
    expect(outside.eventsOf("channels").map(({ subject }) => subject)).toEqual([`channel/${own}`]);
    const all = JSON.stringify(outside.frames);
    for (const secret of [id, incident, "Only for us"]) expect(all).not.toContain(secret);
  });

  it("stops the moment somebody is removed, also what was on its way", async () => {
    const [by, bo] = [anna(), new Person("bo-3")];
    const id = await teamOf(by, bo);
    const [one, all] = [await bo.listens(), await bo.listens()];
    await one.follow(`channel/${id}`);
    await all.follow("channels");
    await by.says(id, "Before");
    await until("both have it", () => [one, all].every(({ frames }) => bodiesIn(frames).length === 1));
    await Promise.all([
      by.post(`/channels/${id}/members`, { remove: ["bo-3"] }).then(() => by.says(id, "After 1")),
      ...Array.from({ length: 5 }, () => by.post(`/channels/${id}/read`)),
    ]);
    await by.says(id, "After 2");
    await by.post(`/channels/${id}/members`, { add: ["bo-3"] });
    await by.says(id, "Again");
    await until("it is back", () => bodiesIn(all.frames).includes("Again"));
    expect((await one.heard("subscription.closed")).data.reason).toContain("not a member");
    expect(bodiesIn(one.frames)).toEqual(["Before"]);
    expect(bodiesIn(all.frames)).toEqual(["Before", "Again"]);
    const changes = all.eventsOf("channels").filter(({ type }) => type.startsWith("channel.member"));
    expect(typesOf(changes)).toEqual(["channel.member_left", "channel.member_joined"]);
    expect(changes.map(({ data }) => data.state?.id)).toEqual([undefined, id]);
  });

  it("of an incident is told to the crew for as long as its unit is there, and they are aboard", async () => {
    const by = anna();
    const incident = (await by.post("/incidents", { type: "fire", category: "fire", title: "Smoke" })).id;
    const engine = (await by.post("/resources/vehicles", { callSign: "E1" })).id;
    const bo = (await by.post("/resources/personnel", { callSign: "Bo" })).id;
    await by.post(`/resources/personnel/${bo}/attach`, { carrierId: engine });
    const crew = new Person("crew", ["responder"], { resource: bo });
    const socket = await crew.listens();
    await socket.follow("channels");
    await by.post(`/incidents/${incident}/assign`, { unitId: engine });
    await until("it hears of the channel", () => socket.eventsOf("channels").length > 0);
    expect(socket.eventsOf("channels")[0]).toMatchObject({
      type: "channel.unit_joined",
      data: { event: { unitId: engine } },
    });
    await socket.follow(`channel/${incident}`);
    await by.says(incident, "Second floor");
    await until("it came on both", () => bodiesIn(socket.frames).length === 2);
    // Off the engine it is no member any more, though nothing happened in the channel.
    await by.post(`/resources/personnel/${bo}/detach`);
    await socket.heard("subscription.closed", `channel/${incident}`);
    await by.says(incident, "Third floor");
    await by.post(`/resources/personnel/${bo}/attach`, { carrierId: engine });
    await until("it is aboard", () => server.node.board.get({ kind: "resource", id: bo })?.version === 4);
    await by.says(incident, "Fourth floor");
    await until("it came", () => bodiesIn(socket.eventsOf("channels")).includes("Fourth floor"));
    expect(bodiesIn(socket.eventsOf("channels"))).toEqual(["Second floor", "Fourth floor"]);
    // Cleared, the unit leaves, and its crew is told so.
    await server.patch(`/api/v1/resources/vehicles/${engine}/status`, { status: "available" });
    await until("it is told", () => typesOf(socket.eventsOf("channels")).includes("channel.unit_left"));
    await by.says(incident, "Without them");
    await teamOf(by, crew);
    await until("what came later is there", () => typesOf(socket.frames).includes("channel.created"));
    expect(JSON.stringify(socket.frames)).not.toMatch(/Third floor|Without them/);
  });
});

describe("whoever comes back to channels", () => {
  it("gets everything since, in order, each once, from memory and after a restart from the journal", async () => {
    const [by, bo] = [anna(), new Person("bo-4")];
    const [first, second] = [await teamOf(by, bo), await teamOf(by, bo)];
    const foreign = await teamOf(by);
    const before = await bo.listens();
    await before.follow("channels");
    await before.follow(`channel/${first}`);
    await by.says(first, "1");
    await until("both came", () => bodiesIn(before.frames).length === 2);
    const since = positionOf(before.frames.findLast(({ type }) => type === "message.new")!);
    before.close();
    for (const [channel, text] of [
      [first, "2"],
      [foreign, "x"],
      [second, "3"],
      [first, "4"],
    ] as const) {
      await by.says(channel, text);
    }
    const expectAll = async () => {
      const back = await bo.listens();
      expect((await back.follow("channels", { since })).data).toMatchObject({ recovered: true, snapshot: false });
      expect((await back.follow(`channel/${first}`, { since })).data.recovered).toBe(true);
      expect(bodiesIn(back.eventsOf("channels"))).toEqual(["2", "3", "4"]);
      expect(bodiesIn(back.eventsOf(`channel/${first}`))).toEqual(["2", "4"]);
      back.close();
    };
    await expectAll();
    await server.stop(true);
    server = await TestServer.start({ RATE_LIMIT_PER_SECOND: "0" }, server.dataDir);
    await expectAll();
    // What is read before its end goes on where it broke off, and whoever was removed meanwhile gets that alone.
    await server.post(
      `/api/v1/channels/${second}/members`,
      { remove: ["bo-4"] },
      { authorization: `Bearer ${await by.token}` },
    );
    const late = await bo.listens();
    await late.follow("channels", { since });
    expect(bodiesIn(late.eventsOf("channels"))).toEqual(["2", "4"]);
    expect(typesOf(late.eventsOf("channels")).at(-1)).toBe("channel.member_left");
  });

  it("shows with the client that somebody types, however often a key is pressed, and is shown it", async () => {
    const [by, bo] = [anna(), new Person("bo-5")];
    const id = await teamOf(by, bo);
    const clientOf = async (person: Person) =>
      new LiveClient({
        url: `${server.url.replace("http", "ws")}/ws`,
        token: await person.token,
        WebSocket: asBrowsers(WebSocket),
      });
    const [writer, reader] = [await clientOf(by), await clientOf(bo)];
    // Before there is a connection it is not said, and not kept to be said later.
    writer.typing(id);
    await until("they are connected", () => writer.state === "open" && reader.state === "open");
    const heard: string[] = [];
    for await (const item of reader.subscribe(`channel/${id}`)) {
      if (item.type === "subscription.live") for (let key = 0; key < 20; key++) writer.typing(id);
      if (item.type === "channel.typing") {
        heard.push(`${item.data.subject} types for ${item.data.seconds} s`);
        await writer.command("postMessage", { path: { id }, body: { body: "Hello" } });
      }
      if (item.type === "message.new") break;
    }
    for (const client of [writer, reader]) client.close();
    expect(heard).toEqual(["anna types for 6 s"]);
  });

  it("does so with the client, too: texts are there, and typed", async () => {
    const by = anna();
    const id = await teamOf(by);
    const client = new LiveClient({
      url: `${server.url.replace("http", "ws")}/ws`,
      token: await by.token,
      WebSocket: asBrowsers(WebSocket),
    });
    const heard: string[] = [];
    const subscription = client.subscribe(`channel/${id}`);
    for await (const item of subscription) {
      if (item.type === "subscription.live") await by.says(id, "Hello");
      if (item.type === "message.new") heard.push(item.data.event.body ?? "");
      if (heard.length === 1) break;
    }
    client.close();
    expect(heard).toEqual(["Hello"]);
  });
});
