import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { mosquittoPub } from "../support/mosquitto.ts";
import { freePort, TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let server: TestServer;
let device: MqttClient;
const at = () => `mqtt://127.0.0.1:${server.node.mqttPort}`;
const isConnected = async () => (await server.get("/metrics")).body.includes("tocsin_mqtt_connected 1");

beforeAll(async () => {
  server = await TestServer.start({ MQTT: "on", MQTT_PORT: "0", RATE_LIMIT_PER_SECOND: "0" });
  await until("the bridge is connected", isConnected);
  device = await connectAsync(at());
});
afterAll(async () => {
  await device?.endAsync(true);
  await server?.stop();
});

const say = (topic: string, payload: unknown) =>
  device.publishAsync(topic, typeof payload === "string" ? payload : JSON.stringify(payload), { qos: 1 });
const alerts = async (query: string) => (await server.get(`/api/v1/alerts?${query}`)).body.items;

describe("by MQTT", () => {
  it("an alarm opens an alert and its incident, once, and its end ends the alert", async () => {
    const alarm = { type: "smoke", severity: "critical", title: "Smoke in the lift", dedupKey: "lift" };
    const topic = "fundamentum/default/hq/panel-7/alarm";
    for (let time = 0; time < 3; time++) await say(topic, alarm);
    await until("all three are counted", async () => (await alerts("dedupKey=lift"))[0]?.count === 3);
    const [alert] = await alerts("dedupKey=lift");
    expect(alert).toMatchObject({ deviceId: "panel-7", labels: { site: "hq" }, source: "fundamentum" });
    await until("there is an incident", async () => (await alerts("dedupKey=lift"))[0].incidentId !== null);
    const { items } = (await server.get("/api/v1/incidents?type=smoke")).body;
    expect(items).toHaveLength(1);
    await say(topic, { action: "resolve", dedupKey: "lift" });
    await until("it is resolved", async () => (await alerts("dedupKey=lift"))[0].status === "resolved");
  });

  it("a message with an id of its own is counted once, however often it is sent", async () => {
    const alarm = { type: "gas", severity: "low", title: "Gas", dedupKey: "cellar", messageId: "m-1" };
    for (let time = 0; time < 3; time++) await say("fundamentum/default/hq/panel-8/alarm", alarm);
    await say("fundamentum/default/hq/panel-8/alarm", { ...alarm, messageId: "m-2" });
    await until("both are counted", async () => (await alerts("dedupKey=cellar"))[0]?.count === 2);
  });

  it.skipIf(mosquittoPub === undefined)("a plain text by mosquitto_pub is an alarm, too", async () => {
    const to = ["-h", "127.0.0.1", "-p", String(server.node.mqttPort), "-q", "1"];
    const topic = "tocsin/default/alarm/panel-9/fire/critical";
    execFileSync(mosquittoPub!, [...to, "-t", topic, "-m", "Fire in the kitchen"]);
    await until("an incident is open", async () => {
      return (await server.get("/api/v1/incidents?type=fire")).body.items[0]?.title === "Fire in the kitchen";
    });
    await until("somebody is told", async () => {
      const { items } = (await server.get("/api/v1/routing/groups?active=true")).body;
      const told = items.flatMap(({ notified, alerts: of }: never) => (Object.keys(notified).length > 0 ? of : []));
      return told.some(({ title }: { title: string }) => title === "Fire in the kitchen");
    });
  });

  it("a unit reports by its call sign where it is and what it does", async () => {
    const unit = await server.newVehicle("M01");
    await say("tocsin/default/units/M01/location", { lat: 37.77, lon: -122.42 });
    await say(`tocsin/default/units/${unit}/status`, "out_of_service");
    await until("both are known", async () => {
      const { status, location } = (await server.get(`/api/v1/resources/vehicles/${unit}`)).body;
      return status === "out_of_service" && location?.lat === 37.77;
    });
    const { items } = (await server.get(`/api/v1/resources/vehicles/${unit}/timeline`)).body;
    expect(items.at(-1)).toMatchObject({ type: "resource.status_changed", by: `mqtt:${unit}` });
  });

  it("a unit hears what it is sent to, also when it comes later, and nothing any more once it is free", async () => {
    const unit = await server.newVehicle("M02");
    const incident = await server.newIncident({ title: "Smoke from the roof" });
    const topic = `tocsin/default/units/${unit}/dispatch`;
    await server.post(`/api/v1/incidents/${incident}/assign`, { unitId: unit });
    const heard: string[] = [];
    const late = await connectAsync(at());
    late.on("message", (_topic, payload) => heard.push(payload.toString()));
    await late.subscribeAsync(topic, { qos: 1 });
    await until("it has heard", () => heard.length > 0);
    expect(JSON.parse(heard[0]!)).toMatchObject({
      incidentId: incident,
      title: "Smoke from the roof",
      status: "assigned",
    });
    await say(`tocsin/default/units/M02/status`, "en_route");
    await until("it hears of its status", () =>
      heard.some((text) => text !== "" && JSON.parse(text).status === "en_route"),
    );
    await server.patch(`/api/v1/incidents/${incident}`, { priority: 1 });
    await until("it hears of changes", () => heard.some((text) => text !== "" && JSON.parse(text).priority === 1));
    await server.patch(`/api/v1/incidents/${incident}`, { status: "resolved" });
    await until("it is free", () => heard.at(-1) === "");
    heard.length = 0;
    const later = await connectAsync(at());
    later.on("message", (_topic, payload) => heard.push(payload.toString()));
    await later.subscribeAsync(topic, { qos: 1 });
    // What follows on the same connection shows that nothing was kept.
    await server.post(`/api/v1/incidents/${await server.newIncident()}/assign`, { unitId: unit });
    await until("it hears of the next one", () => heard.length > 0);
    expect(JSON.parse(heard[0]!).incidentId).not.toBe(incident);
    await Promise.all([late.endAsync(true), later.endAsync(true)]);
  });

  it("nobody may write to the journal, or say what units are sent to", async () => {
    const before = await server.node.ports.journal.lastSequence();
    const unit = await server.newVehicle("M03");
    const wanted = await server.node.ports.journal.lastSequence();
    const heard: string[] = [];
    const other = await connectAsync(at());
    other.on("message", (_topic, payload) => heard.push(payload.toString()));
    await other.subscribeAsync(`tocsin/default/units/${unit}/dispatch`, { qos: 1 });
    for (const topic of ["evt/default/incident/x", "alert/in/default/api-x", `tocsin/default/units/${unit}/dispatch`]) {
      await other.publishAsync(topic, "{}", { qos: 0 });
    }
    await server.post(`/api/v1/incidents/${await server.newIncident()}/assign`, { unitId: unit });
    await until("it hears of its incident", () => heard.length > 0);
    expect(JSON.parse(heard[0]!)).toMatchObject({ unitId: unit });
    const entries = await server.node.ports.journal.read("evt.default.incident.x", before, 1);
    expect(entries).toEqual([]);
    expect(wanted).toBeGreaterThan(before);
    await other.endAsync(true);
  });

  it("what cannot be read is put aside with its reason, and stops nothing", async () => {
    await say("fundamentum/default/hq/panel-7/alarm", "not JSON");
    await say("tocsin/default/units/nobody/status", "available");
    await say("fundamentum/default/hq/panel-7/alarm", { type: "x", severity: "low", title: "t", dedupKey: "after" });
    await until("what came after is there", async () => (await alerts("dedupKey=after")).length === 1);
    await until("both are put aside", async () => {
      const letters = await server.node.ports.deadLetters.list(100);
      const reasons = letters.filter(({ kind }) => kind === "mqtt-message").map(({ reason }) => reason);
      return (
        reasons.includes("fundamentum/default/hq/panel-7/alarm: not JSON") &&
        reasons.includes("tocsin/default/units/nobody/status: agency default has no unit nobody")
      );
    });
  });
});

it("devices find a node that was killed where it was, as soon as it starts again", async () => {
  const port = String(await freePort());
  const killed = await TestServer.start({ MQTT: "on", MQTT_PORT: port });
  await killed.stop(true);
  // What a killed node leaves behind: its nats-server, on its ports.
  const file = join(killed.dataDir, "nats", "nats-server.conf");
  const leftOver = spawn(process.env["NATS_SERVER"] ?? "nats-server", ["-c", file], { stdio: "ignore" });
  onTestFinished(() => void leftOver.kill());
  await until("it listens", () =>
    connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 }).then(leave, () => false),
  );
  const again = await TestServer.start({ MQTT: "on", MQTT_PORT: port }, killed.dataDir);
  onTestFinished(() => again.stop());
  await leave(await connectAsync(`mqtt://127.0.0.1:${port}`));
  expect(leftOver.exitCode ?? leftOver.signalCode).not.toBeNull();
});

const leave = (client: MqttClient) => client.endAsync(true).then(() => true);
