import { createHmac } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, TestServer } from "../support/server.ts";
import { sharedData } from "../support/shared-data.ts";
import { until } from "../support/until.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

interface Source {
  readonly id: string;
  readonly path: string;
  readonly secret: string;
}

let sources = 0;
const newSource = async (more: object = {}): Promise<Source> => {
  const { status, body } = await server.post("/api/v1/sources", { name: `s${++sources}`, format: "json", ...more });
  expect({ status, body }).toMatchObject({ status: 201 });
  return body;
};
const send = async ({ path, secret }: Source, body: string | Buffer, headers = {}): Promise<Answer> => {
  const bearer = { authorization: `Bearer ${secret}`, "content-type": "application/xml", ...headers };
  const response = await fetch(server.url + path, { method: "POST", body, headers: bearer });
  return { status: response.status, headers: response.headers, body: await response.json() };
};
const allDone = () =>
  until("every report is done", async () => {
    const metrics: string = (await server.get("/metrics")).body;
    const of = (name: string) => Number(new RegExp(`^tocsin_${name} (\\d+)$`, "m").exec(metrics)?.[1]);
    return of("alert_reports_done") === of("alert_reports_accepted");
  });
const alertsOf = async ({ id }: Source): Promise<Answer["body"][]> => {
  await allDone();
  const { name } = (await server.get(`/api/v1/sources/${id}`)).body;
  return (await server.get(`/api/v1/alerts?source=${name}`)).body.items;
};
const smoke = { type: "smoke", severity: "low", title: "Smoke" };

describe("a source", () => {
  it("sends with its secret, which is told once, and is void once another is made", async () => {
    const source = await newSource();
    expect((await send(source, JSON.stringify(smoke))).status).toBe(202);
    const shown = await server.get(`/api/v1/sources/${source.id}`);
    expect(JSON.stringify(shown.body)).not.toContain(source.secret);
    const { secret } = (await server.post(`/api/v1/sources/${source.id}/rotate`, undefined)).body;
    expect((await send(source, JSON.stringify(smoke))).status).toBe(401);
    expect((await send({ ...source, secret }, JSON.stringify(smoke))).status).toBe(202);
    const [{ state }] = [server.node.board.get({ kind: "source", id: source.id })!];
    for (const told of [secret, source.secret]) expect(JSON.stringify(state)).not.toContain(told);
  });

  it("that there is not is answered as a secret that is not right, and another's secret does not open it", async () => {
    const [a, b] = [await newSource(), await newSource()];
    const nowhere = { ...a, path: "/api/v1/webhooks/01a20c40-0000-7000-8000-000000000009" };
    const wrong = [nowhere, { ...a, secret: "x" }, { ...a, secret: b.secret }, { ...a, secret: "" }];
    const answers = await Promise.all(wrong.map((source) => send(source, "{}", { "x-request-id": "same" })));
    for (const { status, body } of answers) expect([status, body]).toEqual([401, answers[0]!.body]);
  });

  it("signs timestamp and body; what is changed, too old or sent again by somebody else is not taken", async () => {
    const source = await newSource({ credential: "hmac" });
    const body = JSON.stringify(smoke);
    const signed = (offsetSeconds: number, of = body) => {
      const timestamp = String(Math.floor(Date.now() / 1_000) + offsetSeconds);
      const digest = createHmac("sha256", source.secret).update(`${timestamp}.${of}`).digest("hex");
      return { "tocsin-timestamp": timestamp, "tocsin-signature": `sha256=${digest}` };
    };
    const good = signed(0);
    expect((await send(source, body, good)).status).toBe(202);
    expect((await send(source, body, signed(-290))).status).toBe(202);
    expect((await send(source, body, good)).status).toBe(202);
    expect(await alertsOf(source)).toMatchObject([{ count: 2 }]);
    for (const bad of [signed(-310), signed(310), signed(0, "{}"), {}, { ...good, "tocsin-timestamp": "now" }])
      expect((await send(source, body, bad)).status).toBe(401);
  });

  it("has its own rate and size, and may be switched off", async () => {
    const source = await newSource({ ratePerSecond: 2, bytesMax: 1_024 });
    const big = JSON.stringify({ ...smoke, description: "x".repeat(1_024) });
    expect((await send(source, big)).status).toBe(413);
    const answers = await Promise.all(Array.from({ length: 6 }, () => send(source, JSON.stringify(smoke))));
    const late = answers.find(({ status }) => status === 429)!;
    expect(late.headers.get("retry-after")).toMatch(/^\d+$/);
    await server.patch(`/api/v1/sources/${source.id}`, { enabled: false, ratePerSecond: 100 });
    expect((await send(source, JSON.stringify(smoke))).status).toBe(403);
  });

  it("says by itself which delivery is one that was sent again", async () => {
    const source = await newSource();
    for (let time = 0; time < 3; time++) await send(source, JSON.stringify(smoke), { "tocsin-delivery": "d-1" });
    await send(source, JSON.stringify(smoke), { "tocsin-delivery": "d-2" });
    expect(await alertsOf(source)).toMatchObject([{ count: 2 }]);
  });

  it("of other JSON declares where the fields stand", async () => {
    const mapping = {
      items: "/data/events",
      fields: {
        ...{ type: "/kind", severity: "/level", title: "/msg", dedupKey: "/ref~1no", deviceId: "/dev" },
        ...{ lat: "/pos/0", lon: "/pos/1", action: "/state", description: "=by the gas panel" },
      },
      severities: { "5": "critical" },
      actions: { on: "trigger", off: "resolve" },
    };
    const source = await newSource({ mapping });
    const event = { kind: "gas", level: 5, msg: "Gas", "ref/no": 7, dev: "g1", pos: [52, 13], state: "on" };
    expect((await send(source, JSON.stringify({ data: { events: [event] } }))).status).toBe(202);
    const [alert] = await alertsOf(source);
    expect(alert).toMatchObject({
      ...{ type: "gas", severity: "critical", dedupKey: "7", deviceId: "g1", location: { lat: 52, lon: 13 } },
      ...{ description: "by the gas panel", status: "open", incidentId: expect.any(String) },
    });
    await send(source, JSON.stringify({ data: { events: [{ ...event, state: "off" }] } }));
    expect(await alertsOf(source)).toMatchObject([{ status: "resolved" }]);
    const { status, body } = await send(source, JSON.stringify({ data: { events: [{ ...event, level: "bad" }] } }));
    expect({ status, detail: body.detail }).toMatchObject({ status: 422, detail: expect.stringContaining("severity") });
    expect((await send(source, "{}")).body.detail).toContain("/data/events: there is no list");
  });
});

describe("a source whose devices should be heard of", () => {
  it("raises an alert of one that falls silent, once, and ends it when that one is heard of again", async () => {
    const source = await newSource({ silentAfterSeconds: 1 });
    const say = (device: string) =>
      send(
        source,
        JSON.stringify({ type: "beat", severity: "info", title: "I am here", deviceId: device, dedupKey: device }),
      );
    const silent = async (device: string) =>
      (await server.get(`/api/v1/alerts?type=no_data&deviceId=${device}`)).body.items;
    await say("pump-1");
    await until("its silence is an alert", async () => (await silent("pump-1")).length === 1);
    expect((await silent("pump-1"))[0]).toMatchObject({
      ...{ status: "open", severity: "high", count: 1, incidentId: null, title: "Nothing is heard of pump-1" },
    });
    await say("pump-1");
    await until("it is over", async () => (await silent("pump-1"))[0].status === "resolved");
    await until("it is silent once more", async () => (await silent("pump-1")).length === 2);
    expect(await silent("pump-1")).toMatchObject([
      { status: "open", count: 1 },
      { status: "resolved", count: 1 },
    ]);
  });
});

const MANAGER = `${sharedData}/alertmanager`;
describe.skipIf(!existsSync(MANAGER))("Alertmanager's payloads (skipped where the examples are not at hand)", () => {
  const broken = ["snmp_notifier__test_no_body.json", "snmp_notifier__test_unprocessable_alerts.json"];
  const whole = existsSync(MANAGER) ? readdirSync(MANAGER).filter((file) => !broken.includes(file)) : [];

  it.each(whole)("%s opens its firing alerts", async (file) => {
    const source = await newSource({ format: "alertmanager" });
    const text = readFileSync(`${MANAGER}/${file}`, "utf8");
    expect((await send(source, text)).status).toBe(202);
    const { alerts, status } = JSON.parse(text);
    type Firing = { status?: string; labels: Record<string, string>; fingerprint?: string };
    const firing = (alerts as Firing[]).filter((one) => (one.status ?? status) !== "resolved");
    const identities = new Set(
      firing.map(({ labels, fingerprint }) => fingerprint ?? JSON.stringify(Object.entries(labels).sort())),
    );
    const opened = await alertsOf(source);
    expect(opened).toHaveLength(identities.size);
    expect(new Set(opened.map(({ type }) => type))).toEqual(
      new Set(firing.map(({ labels }) => labels["alertname"] ?? "alert")),
    );
  });

  it("open, repeat and resolve by their labels", async () => {
    const source = await newSource({ format: "alertmanager" });
    const of = (name: string) => readFileSync(`${MANAGER}/alertmanager-webhook-servicenow__alertmanager_${name}.json`);
    for (const name of ["firing", "firing"]) await send(source, of(name));
    expect(await alertsOf(source)).toMatchObject([{ status: "open", count: 2, severity: "medium" }]);
    await send(source, of("resolved"));
    expect(await alertsOf(source)).toMatchObject([{ status: "resolved" }]);
  });

  it.each(broken)("%s is refused", async (file) => {
    const source = await newSource({ format: "alertmanager" });
    expect((await send(source, readFileSync(`${MANAGER}/${file}`))).status).toBe(400);
  });
});

describe("CAP", () => {
  const message = (
    id: string,
    msgType: string,
    of: readonly string[] = [],
    more: { status?: string; severity?: string; title?: string } = {},
  ) =>
    `<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>${id}</identifier><sender>met@x</sender>
     <sent>2026-01-01T0${id.length}:00:00-00:00</sent><status>${more.status ?? "Actual"}</status><msgType>${msgType}</msgType>
     <scope>Public</scope>${of.length === 0 ? "" : `<references>${of.map((one) => `met@x,${one},2026-01-01T0${one.length}:00:00+00:00`).join(" ")}</references>`}
     <info><category>Met</category><event>Wind</event><urgency>Immediate</urgency><severity>${more.severity ?? "Severe"}</severity>
     <certainty>Likely</certainty><headline>${more.title ?? id}</headline></info></alert>`;
  const tell = async (...messages: readonly string[]) => {
    const source = await newSource({ format: "cap" });
    for (const one of messages) {
      const { status, body } = await send(source, one);
      expect({ status, body }).toMatchObject({ status: 202 });
    }
    return (await alertsOf(source)).map(({ title, status, count, incidentId }) => ({
      title,
      status,
      count,
      made: incidentId !== null,
    }));
  };

  it("is one alert that its Updates go on with and its Cancel ends", async () => {
    const [alert, update, cancel] = [
      message("a", "Alert"),
      message("bb", "Update", ["a"]),
      message("ccc", "Cancel", ["bb"]),
    ];
    expect(await tell(alert)).toEqual([{ title: "a", status: "open", count: 1, made: true }]);
    expect(await tell(alert, update)).toEqual([{ title: "bb", status: "open", count: 2, made: true }]);
    expect(await tell(alert, update, cancel)).toEqual([{ title: "bb", status: "resolved", count: 2, made: true }]);
    // Sent again, as a feed does that is polled, each is the message that it was.
    expect(await tell(alert, update, cancel, alert, update, cancel)).toMatchObject([
      { title: "bb", status: "resolved" },
    ]);
  });

  it("that comes after its Update or its Cancel does not live up again", async () => {
    const [alert, update, cancel] = [
      message("a", "Alert"),
      message("bb", "Update", ["a"]),
      message("ccc", "Cancel", ["a", "bb"]),
    ];
    expect(await tell(update, alert)).toEqual([{ title: "bb", status: "open", count: 1, made: true }]);
    expect(await tell(cancel, alert)).toEqual([]);
    expect(await tell(cancel, update, alert)).toEqual([]);
    expect(await tell(alert, cancel, update)).toMatchObject([{ title: "a", status: "resolved" }]);
  });

  it("whose middle message comes last is what the last one said", async () => {
    const [first, second, third] = [
      message("a", "Alert"),
      message("bb", "Update", ["a"]),
      message("ccc", "Update", ["bb"]),
    ];
    const told = await tell(first, third, second);
    expect(told.filter(({ status }) => status === "open")).toMatchObject([{ title: "ccc" }]);
    expect(told.filter(({ status }) => status === "resolved")).toMatchObject([{ title: "a" }]);
  });

  it("that is no real emergency makes no incident", async () => {
    for (const status of ["Exercise", "Test"])
      expect(await tell(message("a", "Alert", [], { status, severity: "Extreme" }))).toEqual([
        { title: "a", status: "open", count: 1, made: false },
      ]);
    for (const status of ["System", "Draft"])
      expect(await tell(message("a", "Alert", [], { status }))).toEqual([
        { title: "a", status: "received", count: 1, made: false },
      ]);
    expect(await tell(message("a", "Alert", [], { severity: "Minor" }))).toMatchObject([{ made: false }]);
    expect(await tell(message("a", "Ack", ["b"]))).toEqual([]);
  });

  it("that is hostile or broken is refused with the reason, and nothing is fetched", async () => {
    const source = await newSource({ format: "cap" });
    const bomb = `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><alert>&x;</alert>`;
    expect(await send(source, bomb)).toMatchObject({ status: 422, body: { code: "invalid_body", detail: /DOCTYPE/ } });
    expect((await send(source, message("a", "Cancel"))).body.detail).toContain("references: needed by Cancel");
    expect((await send(source, Buffer.alloc(10_000_000, "x"))).status).toBe(413);
  });
});
