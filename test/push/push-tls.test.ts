import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Envelope } from "../../schema/envelope.ts";
import type { PageEvent, PageShown } from "../../schema/push.ts";
import { Certificates, hasOpenssl } from "../support/certificates.ts";
import { Cluster } from "../support/cluster.ts";
import type { HostProcess } from "../support/host-process.ts";
import { until } from "../support/until.ts";
import { environmentOf, HttpService, startApns, startFcm } from "./services.ts";
import { Receiver } from "./web-push-receiver.ts";

const local = "subjectAltName=IP:127.0.0.1";
const MEMBERS = ["bo", "cy", "di", "ed"];
const DEVICES = 8;

// Certificates are made by OpenSSL.
describe.skipIf(!hasOpenssl)("a host whose services speak TLS", () => {
  let folder: string;
  let cluster: Cluster;
  let host: HostProcess;
  let fcm: Awaited<ReturnType<typeof startFcm>>;
  let apns: Awaited<ReturnType<typeof startApns>>;
  let stranger: Awaited<ReturnType<typeof HttpService.start>>;
  let webPush: HttpService;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tocsin-push-tls-"));
    for (const name of ["ours", "theirs"]) mkdirSync(join(folder, name));
    const [ours, theirs] = ["ours", "theirs"].map((name) => new Certificates(join(folder, name)));
    const certified = ours!.issue("service", local);
    [fcm, apns] = await Promise.all([startFcm(certified), startApns(certified)]);
    webPush = await HttpService.start(undefined, certified);
    stranger = await HttpService.start(undefined, theirs!.issue("service", local));
    cluster = await Cluster.start();
    host = await cluster.host("a", {
      NODE_EXTRA_CA_CERTS: ours!.authorityFile,
      RATE_LIMIT_PER_SECOND: "0",
      WEBHOOK_NETWORKS: "127.0.0.1",
      ...environmentOf(fcm, apns, folder),
    });
    host.start();
    await host.ready();
  }, 60_000);
  afterAll(async () => {
    await cluster?.stop();
    for (const service of [fcm?.service, apns, webPush, stranger]) service?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function register(subject: string, device: object): Promise<void> {
    const claims = { sub: subject, agency: "default", roles: ["responder"] };
    const token = await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(readFileSync(cluster.secretFile));
    const { status, body } = await host.post("/api/v1/devices", device, { authorization: `Bearer ${token}` });
    expect(status, JSON.stringify(body)).toBe(201);
  }

  const teamOf = async (...members: string[]): Promise<string> =>
    (await host.post("/api/v1/channels", { kind: "team", name: "Night", members })).body.id;
  const write = async (channel: string, body: string) => {
    expect((await host.post(`/api/v1/channels/${channel}/messages`, { body })).status).toBe(201);
  };
  const pages = async (): Promise<PageShown[]> => (await host.get("/api/v1/pages?limit=100")).body.items;
  const devicesOf = (page: PageShown) => page.recipients.flatMap(({ devices }) => devices);

  it("reaches them with a certificate that it trusts, and sends nothing to one with any other", async () => {
    const keys = new Receiver().keys;
    await register("anna", { kind: "apns", token: "a1".repeat(32) });
    await register("anna", { kind: "fcm", token: "anna-fcm" });
    await register("anna", { kind: "webpush", endpoint: `${webPush.url}/anna`, keys });
    await register("anna", { kind: "webpush", endpoint: `${stranger.url}/anna`, keys });
    await write(await teamOf("anna"), "Hello");
    const states = async () => (await pages()).flatMap(devicesOf).map(({ kind, state }) => `${kind} ${state}`);
    await until("three have it, and the fourth is tried", async () => {
      const [page] = await pages();
      return page !== undefined && devicesOf(page).every(({ state, attempts }) => state === "sent" || attempts > 0);
    });
    expect((await states()).sort()).toEqual(["apns sent", "fcm sent", "webpush queued", "webpush sent"]);
    const refused = (await pages()).flatMap(devicesOf).find(({ state }) => state === "queued");
    expect(refused?.detail).toMatch(/certificate/);
    expect(stranger.received).toEqual([]);
    expect(apns.received.map(({ token }) => token)).toEqual(["a1".repeat(32)]);
    expect(fcm.messages.map(({ token }) => token)).toEqual(["anna-fcm"]);
    expect(webPush.received).toHaveLength(1);
  });

  it("that is killed while it sends loses nothing, and sends twice only what was under way", async () => {
    for (const member of MEMBERS) {
      for (let device = 0; device < DEVICES; device++) {
        await register(member, { kind: "fcm", token: `${member}-${device}` });
      }
    }
    // Google refuses this one, whatever it is sent.
    fcm.refused.add("bo-0");
    const channel = await teamOf(...MEMBERS);
    const answer = fcm.service.answer;
    let unanswered = 0;
    let isKilled = false;
    let told = 0;
    fcm.service.answer = (request) => {
      // Every third is not answered while this host lives, though its device has it.
      told += 1;
      if (isKilled || told % 3 !== 0 || request.path === "/token") return answer(request);
      unanswered += 1;
      void answer(request);
      return new Promise(() => undefined);
    };
    for (let message = 0; message < 5; message++) await write(channel, `Message ${message}`);
    await until("many are under way", () => unanswered >= 20);
    await host.kill("SIGKILL");
    isKilled = true;
    const known = await sentByLedger(cluster);
    expect(known.size).toBeGreaterThan(0);
    host.start();
    await host.ready();
    const all = async () => (await pages()).filter(({ recipients }) => recipients.length === MEMBERS.length);
    await until("each page is sent, or given up", async () => {
      const now = await all();
      return now.length === 5 && now.flatMap(devicesOf).every(({ state }) => state === "sent" || state === "failed");
    });

    const devices = (await all()).flatMap((page) => devicesOf(page).map((device) => ({ ...device, page: page.id })));
    expect(devices).toHaveLength(5 * MEMBERS.length * DEVICES);
    const failed = devices.filter(({ state }) => state === "failed");
    expect(failed).toHaveLength(5);
    const letters = await cluster.ports.deadLetters.list(1_000);
    for (const { page } of failed) expect(letters.some(({ kind, id }) => kind === "page" && id === page)).toBe(true);
    const counts = new Map<string, number>();
    for (const { data } of fcm.messages) {
      const { pageId, deviceId } = JSON.parse((data as { tocsin: string }).tocsin);
      counts.set(`${pageId} ${deviceId}`, (counts.get(`${pageId} ${deviceId}`) ?? 0) + 1);
    }
    const times = devices.map(({ page, id, state }) => ({
      key: `${page} ${id}`,
      state,
      count: counts.get(`${page} ${id}`) ?? 0,
    }));
    expect(times.filter(({ state, count }) => state === "sent" && count === 0)).toEqual([]);
    // What the ledger knew is not sent again; what was under way is, once, under the same topic.
    expect(times.filter(({ key, count }) => known.has(key) && count !== 1)).toEqual([]);
    expect(Math.max(...times.map(({ count }) => count))).toBe(2);
  });
});

/** Page and device of all that the ledger says is sent. */
async function sentByLedger({ ports: { journal } }: Cluster): Promise<ReadonlySet<string>> {
  const sent = new Set<string>();
  for (const { payload } of await journal.read("evt.*.page.*", 0)) {
    const { id, events } = JSON.parse(payload) as Envelope;
    for (const event of events as readonly PageEvent[]) {
      if (event.type === "page.sent") sent.add(`${id} ${event.deviceId}`);
    }
  }
  return sent;
}
