import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { connect, connectAsync, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "../support/cluster.ts";
import type { HostProcess } from "../support/host-process.ts";
import { Mosquitto, mosquitto } from "../support/mosquitto.ts";
import { until } from "../support/until.ts";

const DEVICES = 200;

let cluster: Cluster;
let host: HostProcess;
let broker: Mosquitto;
let device: MqttClient;

// A real broker, or a stated reason: without one, `npm test` says why at its start.
describe.skipIf(mosquitto === undefined)("between a Mosquitto and the core", () => {
  beforeAll(async () => {
    broker = await Mosquitto.start(mosquitto!);
    cluster = await Cluster.start();
    host = await cluster.host("h1", { MQTT: "on", MQTT_URL: broker.url, RATE_LIMIT_PER_SECOND: "0" });
    host.start();
    await host.ready();
    await until("the bridge is connected", isConnected);
    device = await connectAsync(broker.url, { clientId: "devices", clean: false, reconnectPeriod: 100 });
  });
  afterAll(async () => {
    await device?.endAsync(true);
    await cluster?.stop();
    await broker?.stop();
  });

  const isConnected = async () => {
    const answer = await host.get("/metrics").catch(() => undefined);
    return answer?.body.includes("tocsin_mqtt_connected 1") === true;
  };

  /** Each device of a round says it `times` times. Resolves once the broker has taken it all. */
  const report = async (round: string, times: number, withIds: boolean) => {
    for (let time = 0; time < times; time++) {
      const all = Array.from({ length: DEVICES }, (_, index) => {
        const alarm = { type: round, severity: "low", title: "Smoke", dedupKey: `${round}-${index}` };
        const payload = withIds ? { ...alarm, messageId: `${round}-${index}-${time}` } : alarm;
        const topic = `fundamentum/default/hq/${round}-${index}/alarm`;
        return device.publishAsync(topic, JSON.stringify(payload), { qos: 1 });
      });
      await Promise.all(all);
    }
  };

  const countsOf = async (round: string): Promise<readonly number[]> => {
    const answer = await host.get(`/api/v1/alerts?type=${round}&limit=500`).catch(() => undefined);
    return answer?.status === 200 ? answer.body.items.map(({ count }: { count: number }) => count) : [];
  };

  const isCounted = async (round: string, times: number) => {
    await until(`every report of ${round} is counted`, async () => {
      const counts = await countsOf(round);
      return counts.length === DEVICES && counts.every((count) => count >= times);
    });
    // What has been doubled would come after it, or with it.
    await report(`${round}-end`, 1, false);
    await until("what came after it is there", async () => (await countsOf(`${round}-end`)).length === DEVICES);
    expect(new Set(await countsOf(round))).toEqual(new Set([times]));
  };

  const isWrittenDown = (text: string) =>
    until("the broker has written it down", () => {
      const file = join(broker.folder, "mosquitto.db");
      return existsSync(file) && readFileSync(file).includes(text);
    });

  it("nothing is lost or doubled when the host is killed in the midst of it", { timeout: 120_000 }, async () => {
    const reported = report("killed", 3, false);
    await until("some of it is done", async () => (await countsOf("killed")).length > 20);
    await host.kill("SIGKILL");
    await reported;
    host.start();
    await isCounted("killed", 3);
  });

  it("nothing is lost or doubled when others take its session over", { timeout: 120_000 }, async () => {
    const reported = report("taken", 3, false);
    for (let time = 0; time < 3; time++) {
      // Takes what comes, acknowledges nothing, and goes.
      const thief = connect(broker.url, { clientId: "tocsin", clean: false, reconnectPeriod: 0 });
      thief.handleMessage = () => undefined;
      await new Promise((resolve) => thief.once("connect", resolve));
      thief.stream.destroy();
      await thief.endAsync(true);
      await until("the bridge is back", isConnected);
    }
    await reported;
    await isCounted("taken", 3);
  });

  it("what waits in the broker is there after it was killed", { timeout: 120_000 }, async () => {
    await host.kill("SIGKILL");
    await report("waiting", 2, false);
    await isWrittenDown(`waiting-${DEVICES - 1}`);
    await report("waiting-last", 1, false);
    await isWrittenDown(`waiting-last-${DEVICES - 1}`);
    await broker.kill();
    await broker.up();
    host.start();
    await isCounted("waiting", 2);
  });

  it("what has an id is counted once also when the broker is killed in the midst of it", {
    timeout: 120_000,
  }, async () => {
    const reported = report("broken", 2, true);
    await until("some of it is done", async () => (await countsOf("broken")).length > 20);
    await broker.kill();
    await broker.up();
    await reported;
    // What a killed broker had taken and not written down is gone with it: the devices say it once more.
    await report("broken", 2, true);
    await isCounted("broken", 2);
  });
});
