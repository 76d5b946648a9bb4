import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { importJWK, jwtVerify } from "jose";
import { connectAsync } from "mqtt";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { LiveSocket } from "../support/live-socket.ts";
import { freePort, TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { environmentOf, HttpService, type Received, startApns, startFcm } from "./services.ts";
import { Receiver } from "./web-push-receiver.ts";

let folder: string;
let server: TestServer;
let pushService: HttpService;
let fcm: Awaited<ReturnType<typeof startFcm>>;
let apns: Awaited<ReturnType<typeof startApns>>;
let ntfy: { readonly url: string; stop(): void } | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tocsin-push-"));
  pushService = await HttpService.start();
  [fcm, apns] = await Promise.all([startFcm(), startApns()]);
  ntfy = await startNtfy();
  server = await TestServer.start({
    RATE_LIMIT_PER_SECOND: "0",
    WEBHOOK_NETWORKS: "127.0.0.1",
    MQTT: "on",
    MQTT_PORT: "0",
    PUSH_CONTACT: "mailto:desk@example.org",
    ...environmentOf(fcm, apns, folder),
    ...(ntfy === undefined ? {} : { NTFY_URL: ntfy.url }),
  });
}, 60_000);
afterEach(() => {
  pushService.answer = () => ({ status: 201 });
});
afterAll(async () => {
  await server.stop();
  pushService.stop();
  fcm.service.stop();
  apns.stop();
  ntfy?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The real server; undefined where it is not to be had. */
async function startNtfy() {
  const binary = process.env["NTFY_SERVER"] ?? "";
  if (binary === "") return;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const options = ["serve", "--config", "", "--listen-http", `127.0.0.1:${port}`, "--base-url", url];
  writeFileSync(join(folder, "ntfy.yml"), "");
  options[2] = join(folder, "ntfy.yml");
  const child = spawn(binary, [...options, "--cache-file", join(folder, "ntfy.db")], { stdio: "ignore" });
  const isUp = () =>
    fetch(`${url}/v1/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until("ntfy is up", isUp);
  return { url, stop: () => void child.kill("SIGKILL") };
}

/** Somebody with a token, who may be a resource. */
class Person {
  readonly #headers: Promise<Readonly<Record<string, string>>>;
  readonly name: string;

  constructor(name: string, more: object = {}, roles = ["responder"]) {
    this.name = name;
    const token = server.tokenFor({ sub: name, agency: "default", roles, ...more });
    this.#headers = token.then((bearer) => ({ authorization: `Bearer ${bearer}` }));
  }

  async call(method: string, path: string, body?: unknown, expected = 299) {
    const answer = await server.request(method, `/api/v1${path}`, body, await this.#headers);
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThanOrEqual(expected);
    return answer.body;
  }

  get = (path: string) => this.call("GET", path);
  post = (path: string, body: unknown = {}) => this.call("POST", path, body);
  async bearer(): Promise<string> {
    return (await this.#headers)["authorization"]!.slice("Bearer ".length);
  }

  /** A browser of its own. */
  async browser(path: string): Promise<Receiver> {
    const receiver = new Receiver();
    await this.post("/devices", { kind: "webpush", endpoint: `${pushService.url}/${path}`, keys: receiver.keys });
    return receiver;
  }
}

const dispatcher = () => new Person("desk", {}, ["dispatcher", "supervisor"]);
let engines = 0;

/** An engine with one person aboard, who has a token. */
async function crewed(name: string): Promise<{ engine: string; person: Person; resource: string }> {
  const desk = dispatcher();
  const engine = (await desk.post("/resources/vehicles", { callSign: `E${++engines}` })).id;
  const resource = (await desk.post("/resources/personnel", { callSign: name })).id;
  await desk.post(`/resources/personnel/${resource}/attach`, { carrierId: engine });
  return { engine, person: new Person(name, { resource }), resource };
}

async function assigned(engine: string, title = "Smoke from the roof") {
  const desk = dispatcher();
  const { id } = await desk.post("/incidents", { type: "structure_fire", category: "fire", title });
  await desk.post(`/incidents/${id}/assign`, { unitId: engine });
  const pageOf = async () => (await desk.get(`/pages?incidentId=${id}`)).items[0];
  await until("the crew is called", async () => (await pageOf()) !== undefined);
  return { incident: id as string, page: (await pageOf()).id as string };
}

const pageIs = (id: string) => dispatcher().get(`/pages/${id}`);
const statesOf = (page: { recipients: { devices: { state: string }[] }[] }) =>
  page.recipients.flatMap(({ devices }) => devices.map(({ state }) => state));
const sentTo = (path: string): Received[] => pushService.received.filter((one) => one.path === `/${path}`);
const statesBecome = (id: string, wanted: string[]) =>
  until(`the page says ${wanted}`, async () => JSON.stringify(statesOf(await pageIs(id))) === JSON.stringify(wanted));

describe("a unit that is sent", () => {
  it("is called by Web Push: for its crew's eyes alone, signed, urgent; the ledger shows how far it came", async () => {
    const { engine, person } = await crewed("bo");
    const receiver = await person.browser("bo");
    const { incident, page } = await assigned(engine);
    await statesBecome(page, ["sent"]);
    const [request] = sentTo("bo");
    const { headers, body } = request!;
    expect(headers).toMatchObject({ urgency: "high", "content-encoding": "aes128gcm" });
    expect(headers["topic"]).toMatch(/^[A-Za-z0-9_-]{1,32}$/);
    expect(Number(headers["ttl"])).toBeGreaterThan(500);
    const [, token = "", publicKey = ""] = /^vapid t=(.+), k=(.+)$/.exec(headers.authorization ?? "")!;
    expect(publicKey).toBe((await person.get("/push")).vapidPublicKey);
    const point = Buffer.from(publicKey, "base64url");
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString("base64url"));
    const key = await importJWK({ kty: "EC", crv: "P-256", x: x!, y: y! }, "ES256");
    const { payload } = await jwtVerify(token, key, { audience: pushService.url });
    expect(payload.sub).toBe("mailto:desk@example.org");
    const told = JSON.parse(receiver.decrypt(body));
    expect(told).toMatchObject({
      pageId: page,
      urgency: "page",
      about: { kind: "assignment", incidentId: incident, unitId: engine },
    });
    expect(told.title).toContain("structure_fire");
    expect(told.body).toContain("Smoke from the roof");
    expect(() => new Receiver().decrypt(body)).toThrow();

    await person.post(`/pages/${page}/receipts`, { deviceId: told.deviceId, state: "delivered" });
    expect(statesOf(await pageIs(page))).toEqual(["delivered"]);
    await person.post(`/pages/${page}/receipts`, { deviceId: told.deviceId, state: "seen" });
    const answered = await person.post(`/pages/${page}/acknowledge`);
    expect(answered).toMatchObject({ end: "acknowledged", acknowledgedBy: "bo" });
    // What it shows goes away, as anywhere else.
    await until("it is taken back", () => sentTo("bo").length === 2);
    const back = JSON.parse(receiver.decrypt(sentTo("bo")[1]!.body));
    expect(back).toMatchObject({ clear: true, topic: told.topic, body: "Answered by bo" });
  });

  it("is called on every device of everybody aboard, by every service, until one of them answers", async () => {
    const { engine, person, resource } = await crewed("cy");
    const desk = dispatcher();
    const mate = (await desk.post("/resources/personnel", { callSign: "Di" })).id;
    const quiet = (await desk.post("/resources/personnel", { callSign: "Ed" })).id;
    for (const one of [mate, quiet]) await desk.post(`/resources/personnel/${one}/attach`, { carrierId: engine });
    const di = new Person("di", { resource: mate });
    await di.post("/devices", { kind: "fcm", token: "fcm-di" });
    await di.post("/devices", { kind: "apns", token: "d1".repeat(32) });
    const receiver = await person.browser("cy");
    // One that does not answer at all for now.
    pushService.answer = () => ({ status: 503, headers: { "retry-after": "1" } });
    const { page } = await assigned(engine);
    await until(
      "two have it",
      async () => statesOf(await pageIs(page)).filter((state) => state === "sent").length === 2,
    );
    const ledger = await pageIs(page);
    const devicesOf = (who: string | null) =>
      ledger.recipients.find(({ subject }: { subject: string | null }) => subject === who).devices;
    expect(devicesOf("di").map(({ state }: { state: string }) => state)).toEqual(["sent", "sent"]);
    expect(ledger.recipients.find((one: { resourceId: string }) => one.resourceId === resource).subject).toBe("cy");
    // Nobody could reach the third, and the ledger says so.
    expect(ledger.recipients.find((one: { resourceId: string }) => one.resourceId === quiet)).toMatchObject({
      subject: null,
      devices: [],
    });
    const message = fcm.messages.find(({ token }) => token === "fcm-di");
    expect(message).toMatchObject({
      android: { priority: "HIGH" },
      notification: { body: expect.stringContaining("Smoke") },
    });
    const push = apns.received.find(({ token }) => token === "d1".repeat(32))!;
    expect(push.headers).toMatchObject({ "apns-push-type": "alert", "apns-priority": "10" });
    expect(push.body).toMatchObject({ aps: { "interruption-level": "time-sensitive" } });

    const startedMs = performance.now();
    await di.post(`/pages/${page}/acknowledge`);
    const cleared = () =>
      apns.received.some(({ token, body }) => token === "d1".repeat(32) && body.aps["content-available"] === 1);
    await until("the other device is told", cleared);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    pushService.answer = () => ({ status: 201 });
    // The one that was not reached is not called any more.
    expect(devicesOf("cy").map(({ state }: { state: string }) => state)).toEqual(["queued"]);
    expect(statesOf(await pageIs(page))).toContain("stopped");
    expect(sentTo("cy").map(({ body }) => JSON.parse(receiver.decrypt(body)).clear)).not.toContain(true);
  });

  it("that moves has answered; one that need not go any more is told so", async () => {
    const { engine, person } = await crewed("flo");
    const receiver = await person.browser("flo");
    const first = await assigned(engine);
    await statesBecome(first.page, ["sent"]);
    await person.call("PATCH", `/resources/vehicles/${engine}/status`, { status: "en_route" });
    await until("that is an answer", async () => (await pageIs(first.page)).end === "acknowledged");
    expect((await pageIs(first.page)).acknowledgedBy).toBe("flo");
    await dispatcher().call("PATCH", `/incidents/${first.incident}`, { status: "resolved" });
    const second = await assigned(engine, "Another");
    await statesBecome(second.page, ["sent"]);
    await dispatcher().call("PATCH", `/incidents/${second.incident}`, { status: "cancelled", reason: "false alarm" });
    await until("it is taken back", async () => (await pageIs(second.page)).end === "withdrawn");
    const told = () => sentTo("flo").map(({ body }) => JSON.parse(receiver.decrypt(body)));
    await until("it is told so", () => told().at(-1)?.body === "Not needed any more");
  });

  it("hears of it live as well, on its own topic and in the ledger's", async () => {
    const { engine, person } = await crewed("gus");
    const [unit, desk] = await Promise.all([
      LiveSocket.open(server.url, await person.bearer()),
      LiveSocket.open(server.url, server.token),
    ]);
    await unit.follow(`resource/${engine}`);
    await desk.follow("pages/default", { snapshot: false });
    const { incident, page } = await assigned(engine);
    expect((await unit.heard("resource.assigned")).data.event).toMatchObject({ incidentId: incident });
    const opened = await desk.heard("page.opened", "pages/default");
    expect(opened).toMatchObject({ subject: `page/${page}`, data: { state: { about: { unitId: engine } } } });
    for (const socket of [unit, desk]) socket.close();
  });
});

describe("a supervisor", () => {
  it("is called when nobody is sent in time, and left alone once somebody is; one answers for all", async () => {
    const admin = new Person("boss", {}, ["admin"]);
    const rule = { incidentType: "rescue", unassignedSeconds: 1, action: "notify_supervisor" };
    await admin.call("PUT", "/configuration/escalation", { items: [rule] });
    const timeTargets = [
      { incidentType: "rescue", phases: { dispatchSeconds: 1 }, notify: [{ kind: "user", to: "vic" }] },
    ];
    await admin.call("PUT", "/configuration/timeTargets", { items: timeTargets });
    const [uma, vic] = [new Person("uma", {}, ["supervisor"]), new Person("vic")];
    const [toUma, toVic] = [await uma.browser("uma"), await vic.browser("vic")];
    const report = async () =>
      (await dispatcher().post("/incidents", { type: "rescue", category: "rescue", title: "Climber in a wall" })).id;
    const pageOf = async (id: string, concern: string) =>
      (await uma.get(`/pages?incidentId=${id}`)).items.find(({ about }: never) => about["concern"] === concern);
    const first: string = await report();
    await until("both are called", () => sentTo("uma").length === 1 && sentTo("vic").length === 1);
    const told = JSON.parse(toUma.decrypt(sentTo("uma")[0]!.body));
    expect(told).toMatchObject({
      urgency: "page",
      title: "rescue, priority 3: no unit assigned in time",
      about: { kind: "concern", incidentId: first, concern: "unassigned" },
    });
    expect(told.body).toContain("Climber in a wall");
    expect(JSON.parse(toVic.decrypt(sentTo("vic")[0]!.body)).about).toMatchObject({ concern: "dispatch" });
    const { engine } = await crewed("wim");
    await dispatcher().post(`/incidents/${first}/assign`, { unitId: engine });
    await until("both are left alone", () => sentTo("uma").length === 2 && sentTo("vic").length === 2);
    expect(JSON.parse(toUma.decrypt(sentTo("uma")[1]!.body))).toMatchObject({ clear: true, topic: told.topic });
    for (const concern of ["unassigned", "dispatch"])
      expect(await pageOf(first, concern)).toMatchObject({ end: "withdrawn" });

    const second = await report();
    await until("she is called", async () => (await pageOf(second, "unassigned")) !== undefined);
    const { id } = await pageOf(second, "unassigned");
    await statesBecome(id, ["sent"]);
    expect(await uma.post(`/pages/${id}/acknowledge`)).toMatchObject({ end: "acknowledged", acknowledgedBy: "uma" });
    for (const section of ["escalation", "timeTargets"])
      await admin.call("PUT", `/configuration/${section}`, { items: [] });
  });
});

describe("a service", () => {
  it("that is down is asked again, later and later, until it takes it", async () => {
    const { engine, person } = await crewed("hal");
    await person.browser("hal");
    let refusals = 0;
    pushService.answer = () => (++refusals <= 2 ? { status: 503 } : { status: 201 });
    const { page } = await assigned(engine);
    await statesBecome(page, ["sent"]);
    const [device] = (await pageIs(page)).recipients[0].devices;
    expect(device).toMatchObject({ attempts: 3, detail: "503" });
    expect(sentTo("hal")).toHaveLength(3);
  });

  it("that says that nobody is there any more is believed: the device is gone, and what was not told is kept", async () => {
    const { engine, person } = await crewed("ivo");
    await person.browser("ivo");
    await person.post("/devices", { kind: "fcm", token: "fcm-ivo" });
    await person.post("/devices", { kind: "apns", token: "e2".repeat(32) });
    fcm.gone.add("fcm-ivo");
    apns.refused.set("e2".repeat(32), { status: 410, reason: "Unregistered" });
    pushService.answer = () => ({ status: 410 });
    const { page } = await assigned(engine);
    await statesBecome(page, ["failed", "failed", "failed"]);
    expect((await person.get("/devices")).items).toEqual([]);
    const letters = await server.node.ports.deadLetters.list(100);
    expect(letters.filter(({ kind, id }) => kind === "page" && id === page)).toHaveLength(3);
  });

  it("within networks of our own is not sent to, unless it is listed", async () => {
    const { engine, person } = await crewed("jo");
    const keys = new Receiver().keys;
    await person.post("/devices", { kind: "webpush", endpoint: "http://127.0.0.2:9/x", keys });
    await person.post("/devices", { kind: "webpush", endpoint: "http://[::ffff:127.0.0.2]:9/x", keys });
    const { page } = await assigned(engine);
    const details = async () =>
      (await pageIs(page)).recipients[0].devices.map(({ detail }: { detail: string }) => detail);
    await until("both are refused", async () =>
      (await details()).every((one: string) => one?.includes("inner address")),
    );
  });

  it("that is not configured is off, and health says so", async () => {
    expect((await server.get("/health/ready")).body.push).toMatchObject({ webpush: "on", fcm: "on", apns: "on" });
  });
});

/** What the ntfy server has of a topic. */
const cached = async (topic: string) => {
  const text = await (await fetch(`${ntfy!.url}/${topic}/json?poll=1`)).text();
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
};

describe("ntfy", () => {
  it.skipIf((process.env["NTFY_SERVER"] ?? "") === "")(
    "takes it, its own way and as UnifiedPush: the latter encrypted",
    async () => {
      const { engine, person } = await crewed("kim");
      const receiver = new Receiver();
      await person.post("/devices", { kind: "ntfy", topic: "kim-topic" });
      await person.post("/devices", {
        kind: "webpush",
        endpoint: `${ntfy!.url}/upkim00000001?up=1`,
        keys: receiver.keys,
      });
      const { page } = await assigned(engine, "Gas in the cellar");
      await statesBecome(page, ["sent", "sent"]);
      const [plain] = await cached("kim-topic");
      expect(plain).toMatchObject({ priority: 5, title: expect.stringContaining("structure_fire") });
      expect(plain.message).toContain("Gas in the cellar");
      const [unified] = await cached("upkim00000001");
      expect(unified.encoding).toBe("base64");
      const told = JSON.parse(receiver.decrypt(Buffer.from(unified.message, "base64")));
      expect(told).toMatchObject({ pageId: page, urgency: "page" });
    },
  );
});

describe("pages of alerts", () => {
  it("are listed newest first, each by when it began, however often it is told", async () => {
    const desk = dispatcher();
    const tia = new Person("tia");
    await tia.browser("tia");
    await new Person("chief", {}, ["admin"]).call("PUT", "/routing", {
      document: {
        route: { receivers: ["desk"], groupBy: ["device"], groupWaitSeconds: 0 },
        receivers: [{ name: "desk", targets: [{ kind: "user", to: "tia" }] }],
      },
    });
    const alertPages = async () =>
      (await desk.get("/pages?limit=100")).items.filter(
        ({ about }: { about: { kind: string } }) => about.kind === "alerts",
      );
    const reported: string[] = [];
    for (const device of ["one", "two", "three", "four", "five"]) {
      const report = { type: "smoke", severity: "medium", title: device, source: "panel", dedupKey: device };
      await desk.post("/alerts", { ...report, labels: { device } });
      reported.push(device);
      await until("it is told", async () => (await alertPages()).length === reported.length);
    }
    const listed = await alertPages();
    const times = listed.map(({ openedAt }: { openedAt: string }) => openedAt);
    expect(times).toEqual([...times].sort().reverse());
    // The first is answered: it is the same page, in its place.
    const last = listed.at(-1);
    await tia.post(`/pages/${last.id}/acknowledge`);
    await until("its alert is acknowledged", async () => {
      const { items } = await desk.get("/alerts?dedupKey=one");
      return items[0]?.status === "acknowledged";
    });
    await server.reacted();
    expect((await alertPages()).map(({ id }: { id: string }) => id)).toEqual(
      listed.map(({ id }: { id: string }) => id),
    );
  });
});

describe("messages", () => {
  const channelWith = async (...people: Person[]) =>
    (await dispatcher().post("/channels", { kind: "team", name: "Night", members: people.map(({ name }) => name) }))
      .id as string;

  it("ring where nobody looks, without their text; quiet hours and wishes hold for them, but never for an urgent one", async () => {
    const [lea, max, ned, ola] = ["lea", "max", "ned", "ola"].map((name) => new Person(name)) as [
      Person,
      Person,
      Person,
      Person,
    ];
    const receivers = new Map(
      await Promise.all([lea, max, ned, ola].map(async (one) => [one.name, await one.browser(one.name)] as const)),
    );
    const channel = await channelWith(lea, max, ned, ola);
    // Kathmandu is five and three quarter hours ahead.
    const at = (hours: number) => new Date(Date.now() + (hours + 5.75) * 3_600_000).toISOString().slice(11, 16);
    const quietHours = { from: at(-1), to: at(1), timeZone: "Asia/Kathmandu" };
    await max.call("PUT", "/push/preferences", { quietHours, messages: "all" });
    await ned.call("PUT", "/push/preferences", { quietHours: null, messages: "urgent" });
    const looking = await LiveSocket.open(server.url, await ola.bearer());
    await looking.follow(`channel/${channel}`);
    await dispatcher().post(`/channels/${channel}/messages`, { body: "canary-in-a-cage" });
    await until("one has it", () => sentTo("lea").length === 1);
    await server.reacted();
    const told = receivers.get("lea")!.decrypt(sentTo("lea")[0]!.body);
    expect(JSON.parse(told)).toMatchObject({ urgency: "normal", title: "Night", body: "desk has written" });
    expect(told).not.toContain("canary");
    const [page] = (await dispatcher().get("/pages")).items;
    expect(page.recipients.map(({ subject }: { subject: string }) => subject).sort()).toEqual(["lea", "max"]);
    const held = page.recipients.find(({ subject }: { subject: string }) => subject === "max").devices[0];
    expect(held.state).toBe("queued");
    expect(Date.parse(held.nextAt)).toBeGreaterThan(Date.now() + 50 * 60_000);
    await max.post(`/channels/${channel}/read`);
    await until("read, it need not ring", async () => statesOf(await pageIs(page.id)).includes("stopped"));

    const urgent = await dispatcher().post(`/channels/${channel}/messages`, { body: "Mayday", priority: "urgent" });
    await until("all who do not look have it", () => ["max", "ned"].every((name) => sentTo(name).length === 1));
    expect(sentTo("ola")).toEqual([]);
    await max.post(`/channels/${channel}/messages/${urgent.id}/acknowledge`);
    const [second] = (await dispatcher().get("/pages?open=true")).items.filter(
      ({ urgency }: { urgency: string }) => urgency === "page",
    );
    // Each answers for itself.
    await until("its answer is there", async () => {
      const { recipients, end } = await pageIs(second.id);
      const answered = recipients.filter((one: { acknowledgedAt: string | null }) => one.acknowledgedAt !== null);
      return end === null && JSON.stringify(answered.map(({ subject }: { subject: string }) => subject)) === '["max"]';
    });
    looking.close();
  });
});

describe("devices", () => {
  it("ring for whoever has registered them last: one that is handed on is not called for its former owner", async () => {
    const former = await crewed("rod");
    const latter = await crewed("sue");
    const browser = { kind: "webpush", endpoint: `${pushService.url}/handed-on` };
    const [first, second] = [new Receiver(), new Receiver()];
    await former.person.post("/devices", { ...browser, keys: first.keys });
    const other = await former.person.post("/devices", { kind: "fcm", token: "fcm-rod" });
    await latter.person.post("/devices", { ...browser, keys: second.keys, name: "Handed on" });
    const devicesOf = async (person: Person) =>
      (await person.get("/devices")).items.map(({ id }: { id: string }) => id) as string[];
    await until("the former has it no more", async () => (await devicesOf(former.person)).length === 1);
    expect(await devicesOf(former.person)).toEqual([other.id]);
    expect(await devicesOf(latter.person)).toHaveLength(1);
    const [one, two] = [await assigned(former.engine), await assigned(latter.engine)];
    await statesBecome(one.page, ["sent"]);
    await statesBecome(two.page, ["sent"]);
    expect(sentTo("handed-on").map(({ body }) => JSON.parse(second.decrypt(body)).pageId)).toEqual([two.page]);
    expect(fcm.messages.filter(({ token }) => token === "fcm-rod")).toHaveLength(1);
    // And back.
    await former.person.post("/devices", { ...browser, keys: first.keys });
    await until("the latter has it no more", async () => (await devicesOf(latter.person)).length === 0);
    expect(await devicesOf(former.person)).toHaveLength(2);
    const entries = await server.node.ports.journal.read("evt.*.devices.*", 0, 1_000);
    expect(JSON.stringify(entries)).not.toContain("handed-on");
  });

  it("are one's own, each once, and a few; what they are reached by is nowhere to be read", async () => {
    const pia = new Person("pia");
    const address = { kind: "fcm", token: "a-token-that-is-a-secret" };
    const first = await pia.post("/devices", { ...address, name: "Phone" });
    const again = await pia.post("/devices", { ...address, name: "Old phone" });
    expect(again).toMatchObject({ id: first.id, name: "Old phone", kind: "fcm" });
    expect((await pia.get("/devices")).items).toHaveLength(1);
    expect((await new Person("quin").get("/devices")).items).toEqual([]);
    expect((await new Person("quin").call("DELETE", `/devices/${first.id}`, undefined, 404)).code).toBe("not_found");
    for (let count = 1; count < 20; count++) await pia.post("/devices", { kind: "fcm", token: `token-${count}` });
    expect((await pia.call("POST", "/devices", { kind: "fcm", token: "one too many" }, 422)).status).toBe(422);
    expect((await pia.call("POST", "/devices", { kind: "fcm", token: "one-too-many" }, 409)).code).toBe(
      "limit_reached",
    );
    await pia.call("DELETE", `/devices/${first.id}`);
    expect((await pia.get("/devices")).items).toHaveLength(19);
    const entries = await server.node.ports.journal.read("evt.*.devices.*", 0, 1_000);
    expect(JSON.stringify(entries)).not.toContain("a-token-that-is-a-secret");
    expect(
      (
        await pia.call(
          "PUT",
          "/push/preferences",
          { quietHours: { from: "22:00", to: "06:00", timeZone: "Mars/Olympus" }, messages: "all" },
          422,
        )
      ).code,
    ).toBe("invalid_body");
  });
});

describe("an alarm of a device", () => {
  it.skipIf((process.env["NTFY_SERVER"] ?? "") === "")(
    "rings the dispatchers for what a device says by MQTT, at once, and once",
    async () => {
      await new Person("night-desk", {}, ["dispatcher"]).post("/devices", { kind: "ntfy", topic: "night-desk" });
      await new Person("chief", {}, ["admin"]).call("PUT", "/routing", {
        document: {
          route: { receivers: ["desk"], groupBy: ["..."], lifeSafety: true },
          receivers: [{ name: "desk", targets: [{ kind: "role", to: "dispatcher" }] }],
        },
      });
      const isConnected = async () => (await server.get("/metrics")).body.includes("tocsin_mqtt_connected 1");
      await until("the bridge is connected", isConnected);
      const device = await connectAsync(`mqtt://127.0.0.1:${server.node.mqttPort}`);
      for (let time = 0; time < 3; time++) {
        await device.publishAsync("tocsin/default/alarm/panel-1/fire/critical", "Fire in the kitchen", { qos: 1 });
      }
      await device.endAsync();
      const alarm = async () => (await dispatcher().get("/alerts?type=fire")).items[0];
      await until("all three are counted", async () => (await alarm())?.count === 3);
      const { id } = await alarm();
      // The real server refuses who asks it too often: it is asked once, when there is something.
      await until("the page is with ntfy", async () => {
        const { items } = await dispatcher().get("/pages?limit=100");
        const page = items.find(({ about }: { about: { alertIds?: string[] } }) => about.alertIds?.includes(id));
        const own = page?.recipients.find(({ subject }: { subject: string }) => subject === "night-desk");
        return own?.devices[0].state === "sent";
      });
      // What was open before is told by the new routing as well.
      const rings = (await cached("night-desk")).filter((one) => JSON.stringify(one).includes("Fire in the kitchen"));
      expect(rings).toMatchObject([{ priority: 5 }]);
    },
  );
});
