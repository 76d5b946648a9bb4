import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ RATE_LIMIT_PER_SECOND: "0" });
});
afterAll(() => server.stop());

/** Somebody with a token of his own. */
class Person {
  readonly #headers: Promise<Readonly<Record<string, string>>>;

  constructor(sub: string, roles: readonly string[], more: object = {}) {
    const token = server.tokenFor({ sub, agency: "default", roles, ...more });
    this.#headers = token.then((bearer) => ({ authorization: `Bearer ${bearer}` }));
  }

  get = async (path: string) => server.get(`/api/v1${path}`, await this.#headers);
  post = async (path: string, body: unknown = {}, more = {}) =>
    server.post(`/api/v1${path}`, body, { ...(await this.#headers), ...more });
  patch = async (path: string, body: unknown) => server.patch(`/api/v1${path}`, body, await this.#headers);
  delete = async (path: string) => server.request("DELETE", `/api/v1${path}`, undefined, await this.#headers);

  /** What it posts, as it is shown. */
  async says(channel: string, body: string, more: object = {}) {
    const answer = await this.post(`/channels/${channel}/messages`, { body, ...more });
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    return answer.body;
  }

  async reads(channel: string, query = ""): Promise<string[]> {
    const answer = await this.get(`/channels/${channel}/messages${query}`);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    return answer.body.items.map(({ body }: { body: string }) => body);
  }
}

let people = 0;
const dispatcher = () => new Person(`dispatcher-${++people}`, ["dispatcher"]);

async function team(by: Person, ...members: string[]): Promise<string> {
  const { body } = await by.post("/channels", { kind: "team", name: "Night shift", members });
  return body.id;
}

/** Until what followed from it has happened, too. */
async function channelOf(incident: string, by: Person): Promise<Answer["body"]> {
  await server.reacted();
  return (await by.get(`/channels/${incident}`)).body;
}

describe("the channel of an incident", () => {
  it("is made with it, has who works on it, and closes with it", async () => {
    const anna = new Person("anna", ["dispatcher", "supervisor"]);
    const incident = (await anna.post("/incidents", { type: "fire", category: "fire", title: "Smoke" })).body;
    const engine = (await anna.post("/resources/vehicles", { callSign: "E1" })).body.id;
    const person = (await anna.post("/resources/personnel", { callSign: "Bo" })).body.id;
    await anna.post(`/resources/personnel/${person}/attach`, { carrierId: engine });
    const bo = new Person("bo", ["responder"], { resource: person });
    expect(await channelOf(incident.id, anna)).toMatchObject({
      kind: "incident",
      incidentId: incident.id,
      name: incident.incidentNumber,
      members: [{ subject: "anna" }],
      units: [],
    });
    expect((await bo.get(`/channels/${incident.id}`)).status).toBe(404);

    await anna.post(`/incidents/${incident.id}/assign`, { unitId: engine });
    expect((await channelOf(incident.id, bo)).units).toMatchObject([{ unitId: engine, unitType: "vehicles" }]);
    await bo.says(incident.id, "On our way");
    expect(await anna.reads(incident.id)).toEqual(["On our way"]);
    expect((await bo.get("/channels?open=true")).body.items.map(({ id }: { id: string }) => id)).toEqual([incident.id]);

    await anna.patch(`/incidents/${incident.id}`, { status: "resolved" });
    expect((await channelOf(incident.id, anna)).units).toEqual([]);
    expect((await bo.get(`/channels/${incident.id}/messages`)).status).toBe(404);
    expect((await bo.get("/channels")).body.items).toEqual([]);

    await anna.post(`/incidents/${incident.id}/close`, { disposition: "fire out" });
    expect((await channelOf(incident.id, anna)).closedAt).toEqual(expect.any(String));
    const late = await anna.post(`/channels/${incident.id}/messages`, { body: "Late" });
    expect(late).toMatchObject({ status: 409, body: { code: "channel_closed" } });
    await anna.patch(`/incidents/${incident.id}`, { status: "new" });
    expect((await channelOf(incident.id, anna)).closedAt).toBeNull();
  });

  it("can be joined by a dispatcher of the agency, who is told to, and by nobody else", async () => {
    const [first, second] = [dispatcher(), dispatcher()];
    const { id } = (await first.post("/incidents", { type: "fire", category: "fire", title: "Smoke" })).body;
    await first.says((await channelOf(id, first)).id, "Hello");
    expect(await second.get(`/channels/${id}/messages`)).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect((await second.post("/channels", { kind: "incident", incidentId: id })).status).toBe(201);
    expect(await second.reads(id)).toEqual(["Hello"]);
    const crew = new Person("crew", ["responder"]);
    expect((await crew.post("/channels", { kind: "incident", incidentId: id })).status).toBe(404);
    expect((await crew.get(`/channels/${id}/messages`)).status).toBe(404);
    const elsewhere = new Person("elsewhere", ["dispatcher"], { agency: "other" });
    expect((await elsewhere.post("/channels", { kind: "incident", incidentId: id })).status).toBe(404);
  });

  it("opens to an agency that the incident is shared with, through the units it sends", async () => {
    const anna = new Person("anna", ["dispatcher", "supervisor"]);
    const { id } = (await anna.post("/incidents", { type: "fire", category: "fire", title: "Smoke" })).body;
    await anna.post(`/incidents/${id}/shares`, { agencyId: "partner" });
    const partner = new Person("petra", ["dispatcher"], { agency: "partner" });
    await channelOf(id, anna);
    expect((await partner.get(`/channels/${id}`)).status).toBe(404);
    const unitId = (await partner.post("/resources/vehicles", { callSign: "P1" })).body.id;
    expect((await partner.post(`/incidents/${id}/assign`, { unitId })).status).toBe(200);
    expect((await channelOf(id, partner)).units).toMatchObject([{ unitId }]);
    await partner.says(id, "We are coming");
    await anna.says(id, "Welcome");
    const terminal = new Person("p1", ["device"], { agency: "partner", resource: unitId });
    expect(await terminal.reads(id)).toEqual(["Welcome", "We are coming"]);
  });
});

describe("messages", () => {
  it("are read newest first, by pages, each once", async () => {
    const anna = dispatcher();
    const channel = await team(anna);
    const all = Array.from({ length: 23 }, (_, index) => `message ${index + 1}`);
    for (const one of all) await anna.says(channel, one);
    const seen: string[] = [];
    let cursor = "";
    for (let pages = 0; pages < 10; pages++) {
      const { body } = await anna.get(`/channels/${channel}/messages?limit=5${cursor}`);
      seen.push(...body.items.map(({ body: text }: { body: string }) => text));
      if (body.next === null) break;
      cursor = `&cursor=${body.next}`;
    }
    expect(seen).toEqual(all.toReversed());
  });

  it("are changed and taken back by their author alone, and that stays to be seen", async () => {
    const [anna, ben] = [new Person("author", ["responder"]), new Person("ben", ["responder"])];
    const channel = await team(anna, "ben");
    const { id } = await anna.says(channel, "Frist");
    const at = `/channels/${channel}/messages/${id}`;
    expect((await ben.patch(at, { body: "Hacked" })).status).toBe(403);
    expect((await ben.delete(at)).status).toBe(403);
    expect((await anna.patch(at, { body: "First" })).body).toMatchObject({
      body: "First",
      editedAt: expect.any(String),
    });
    expect(await ben.reads(channel)).toEqual(["First"]);
    expect((await anna.delete(at)).body).toMatchObject({ body: null, deletedAt: expect.any(String) });
    expect((await anna.patch(at, { body: "Again" })).body.code).toBe("message_deleted");
    expect(await ben.reads(channel)).toEqual([null]);
    const supervisor = new Person("sam", ["supervisor"]);
    await anna.post(`/channels/${channel}/members`, { add: ["sam"] });
    const rude = await anna.says(channel, "Rude");
    expect((await supervisor.delete(`/channels/${channel}/messages/${rude.id}`)).status).toBe(200);
  });

  it("that are urgent wait for everybody's acknowledgement", async () => {
    const [anna, ben] = [dispatcher(), new Person("ben2", ["responder"])];
    const channel = await team(anna, "ben2");
    const { id } = await anna.says(channel, "Leave the building", { priority: "urgent" });
    const calm = await anna.says(channel, "Coffee?");
    expect((await ben.get(`/channels/${channel}`)).body.unacknowledged).toEqual([id]);
    expect((await anna.get(`/channels/${channel}`)).body.unacknowledged).toEqual([]);
    const at = `/channels/${channel}/messages/${id}/acknowledge`;
    expect((await ben.post(at)).body.acknowledgements).toMatchObject([{ by: "ben2" }]);
    expect((await ben.post(at)).body.acknowledgements).toHaveLength(1);
    expect((await ben.get(`/channels/${channel}`)).body.unacknowledged).toEqual([]);
    const refused = await ben.post(`/channels/${channel}/messages/${calm.id}/acknowledge`);
    expect(refused).toMatchObject({ status: 409, body: { code: "not_urgent" } });
  });

  it("have receipts: delivered, then read; nobody's goes back", async () => {
    const [anna, ben] = [dispatcher(), new Person("ben3", ["responder"])];
    const channel = await team(anna, "ben3");
    for (const text of ["one", "two", "three"]) await anna.says(channel, text);
    const unread = async () => (await ben.get(`/channels/${channel}`)).body.unread;
    expect(await unread()).toBe(3);
    await ben.post(`/channels/${channel}/read`, { state: "delivered" });
    expect(await unread()).toBe(3);
    const { body } = await ben.post(`/channels/${channel}/read`, { upTo: 2 });
    expect(body).toMatchObject({ unread: 1 });
    expect(body.receipts).toContainEqual({ subject: "ben3", delivered: 3, read: 2, at: expect.any(String) });
    expect((await ben.post(`/channels/${channel}/read`, { upTo: 1 })).body.unread).toBe(1);
    expect((await ben.post(`/channels/${channel}/read`)).body.unread).toBe(0);
    expect((await anna.get("/channels")).body.items[0]).toMatchObject({ id: channel, unread: 0 });
  });

  it("answer others, and a thread is read by itself", async () => {
    const anna = dispatcher();
    const channel = await team(anna);
    const { id } = await anna.says(channel, "Where?");
    await anna.says(channel, "Unrelated");
    await anna.says(channel, "Second floor", { replyTo: id });
    expect(await anna.reads(channel, `?thread=${id}`)).toEqual(["Second floor", "Where?"]);
    const nothing = "01a20c40-0000-7000-8000-000000000000";
    expect((await anna.post(`/channels/${channel}/messages`, { body: "?", replyTo: nothing })).status).toBe(404);
  });

  it("are found by their words, whatever their case and accents, and as they were changed", async () => {
    const anna = dispatcher();
    const channel = await team(anna);
    await anna.says(channel, "Feuer in der Straße Élysée 12");
    const { id } = await anna.says(channel, "Wasser am Platz");
    await anna.patch(`/channels/${channel}/messages/${id}`, { body: "Gas am Platz" });
    expect(await anna.reads(channel, "?q=elysee")).toEqual(["Feuer in der Straße Élysée 12"]);
    expect(await anna.reads(channel, "?q=12%20FEUER")).toHaveLength(1);
    expect(await anna.reads(channel, "?q=feuer%20platz")).toEqual([]);
    expect(await anna.reads(channel, "?q=wasser")).toEqual([]);
    expect(await anna.reads(channel, "?q=gas")).toEqual(["Gas am Platz"]);
    expect(await anna.reads(channel, "?q=feue")).toEqual([]);
    expect((await anna.get(`/channels/${channel}/messages?q=!`)).status).toBe(422);
  });

  it("come once, however often they are sent under one key", async () => {
    const anna = dispatcher();
    const channel = await team(anna);
    const key = { "idempotency-key": "once" };
    const first = await anna.post(`/channels/${channel}/messages`, { body: "Once" }, key);
    await anna.says(channel, "Between");
    const again = await anna.post(`/channels/${channel}/messages`, { body: "Once" }, key);
    expect(again.body).toEqual(first.body);
    expect(await anna.reads(channel)).toEqual(["Between", "Once"]);
    const other = await anna.post(`/channels/${channel}/messages`, { body: "Twice" }, key);
    expect(other.body.code).toBe("idempotency_key_reused");
  });
});

describe("a channel", () => {
  it("of an agency is everybody's there, and made by a supervisor", async () => {
    const refused = await dispatcher().post("/channels", { kind: "agency", name: "All" });
    expect(refused.status).toBe(403);
    const sam = new Person("sam", ["supervisor"]);
    const { id } = (await sam.post("/channels", { kind: "agency", name: "All" })).body;
    await new Person("crew", ["responder"]).says(id, "Good morning");
    expect(await sam.reads(id)).toEqual(["Good morning"]);
    const stranger = new Person("stranger", ["admin"], { agency: "other" });
    expect((await stranger.get(`/channels/${id}`)).status).toBe(404);
  });

  it("between two is the same whoever asks for it, and nobody can be added", async () => {
    const [ann, bob] = [new Person("ann", ["responder"]), new Person("bob", ["responder"])];
    const { id } = (await ann.post("/channels", { kind: "direct", members: ["bob"] })).body;
    await ann.says(id, "Psst");
    expect((await bob.post("/channels", { kind: "direct", members: ["ann"] })).body).toMatchObject({ id, unread: 1 });
    const added = await ann.post(`/channels/${id}/members`, { add: ["eve"] });
    expect(added).toMatchObject({ status: 409, body: { code: "membership_fixed" } });
    expect((await new Person("eve", ["admin"]).get(`/channels/${id}`)).status).toBe(404);
  });

  it("of a team has members who bring others; its owner sends them away", async () => {
    const [own, bob] = [new Person("own", ["responder"]), new Person("bob2", ["responder"])];
    const channel = await team(own, "bob2");
    expect((await bob.post(`/channels/${channel}/members`, { add: ["cat"] })).status).toBe(200);
    expect((await bob.post(`/channels/${channel}/members`, { remove: ["cat"] })).status).toBe(403);
    expect((await own.post(`/channels/${channel}/members`, { remove: ["cat", "bob2"] })).body.members).toHaveLength(1);
    expect((await bob.get(`/channels/${channel}/messages`)).status).toBe(404);
    expect((await bob.post(`/channels/${channel}/messages`, { body: "Still here?" })).status).toBe(404);
    expect((await own.post(`/channels/${channel}/close`)).body.closedAt).toEqual(expect.any(String));
  });
});
