import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { connectAsync } from "mqtt";
import { type Arrivals, Lanes, Times } from "./alert-watch.ts";
import type { Cleanup } from "./cleanup.ts";
import { freePort } from "./free-port.ts";
import { HttpConnection } from "./http-connection.ts";
import type { Tocsin } from "./server.ts";
import { until } from "./until.ts";

/** What is sent: which device reports, and how bad it is. */
export interface Reported {
  readonly key: string;
  readonly severity: string;
}

/** A way by which alerts come in. */
export interface Door {
  /** Resolves once it is accepted. */
  send(reports: readonly Reported[]): Promise<void>;
  close(): Promise<void>;
}

const CONNECTIONS = 32;
const title = "Smoke in the lift of 12 Example Street";
const reportOf = ({ key, severity }: Reported) => ({ type: "smoke", severity, title, dedupKey: key, deviceId: key });

async function lanes(url: string, token: string) {
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => HttpConnection.open(url, token)));
  return { free: new Lanes(connections), close: () => connections.map((connection) => connection.close()) };
}

export async function httpDoor({ url, token }: Tocsin): Promise<Door> {
  const { free, close } = await lanes(url, token);
  return {
    send: (reports) =>
      free.run(async (connection) => {
        const [only] = reports;
        const body = reports.length === 1 ? reportOf(only!) : { alerts: reports.map(reportOf) };
        await connection.expect(202, "POST", "/api/v1/alerts", body);
      }),
    close: async () => void close(),
  };
}

/** By a source of its own, in the payload of Alertmanager. */
export async function webhookDoor({ url, token }: Tocsin): Promise<Door> {
  const admin = await HttpConnection.open(url, token);
  const body = { name: "bench", format: "alertmanager", ratePerSecond: 10_000 };
  const source = JSON.parse(await admin.expect(201, "POST", "/api/v1/sources", body));
  admin.close();
  const { free, close } = await lanes(url, source.secret);
  return {
    send: (reports) =>
      free.run(async (connection) => {
        const alerts = reports.map(({ key, severity }) => ({
          status: "firing",
          labels: { alertname: "smoke", instance: key, severity },
          annotations: { summary: title },
          fingerprint: key,
        }));
        await connection.expect(202, "POST", source.path, { alerts });
      }),
    close: async () => void close(),
  };
}

/**
 * By the listener that comes with it, QoS 1: accepted is what that listener has taken, of a connection one after the other.
 * Devices have a connection each.
 */
export async function mqttDoor(port: number): Promise<Door> {
  const clients = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => connectAsync(`mqtt://127.0.0.1:${port}`)),
  );
  let next = 0;
  return {
    async send(reports) {
      for (const report of reports) {
        const client = clients[next++ % clients.length]!;
        const topic = `fundamentum/default/site/${report.key}/alarm`;
        await client.publishAsync(topic, JSON.stringify(reportOf(report)), { qos: 1 });
      }
    },
    close: async () => void (await Promise.all(clients.map((client) => client.endAsync(true)))),
  };
}

/** A door that knows by itself what has arrived. */
export interface Peer extends Door, Arrivals {
  readonly pids: readonly number[];
  /** Waits until all has arrived that was sent so far. @throws when it does not come */
  arrived(): Promise<void>;
}

/** Prometheus Alertmanager, which tells of each alert at once: nothing waits for a group, and nothing is written before. */
export async function startAlertmanager(root: string, cleanup: Cleanup): Promise<Peer | undefined> {
  const { peerFor } = await import(pathToFileURL(join(root, "scripts/setup/peers.mjs")).href);
  const program: string | undefined = peerFor(root, "alertmanager").ALERTMANAGER;
  if (program === undefined) return;
  let told = new Times();
  const sent = new Map<string, number>();
  /** It tells of each alert once. */
  const known = new Set<string>();
  const hook = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      response.end();
      const { alerts } = JSON.parse(Buffer.concat(chunks).toString());
      for (const { labels } of alerts as { labels: Record<string, string> }[]) {
        const atMs = sent.get(labels["instance"] ?? "");
        if (atMs !== undefined) told.record(atMs);
        sent.delete(labels["instance"] ?? "");
        known.add(labels["instance"] ?? "");
      }
    });
  });
  await new Promise<void>((done) => hook.listen(0, "127.0.0.1", done));
  const folder = await cleanup.folder("alertmanager");
  const receiver = { url: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`, send_resolved: false };
  const route = { receiver: "bench", group_by: ["..."], group_wait: "0s", group_interval: "5m", repeat_interval: "4h" };
  const file = join(folder, "alertmanager.yml");
  await writeFile(file, JSON.stringify({ route, receivers: [{ name: "bench", webhook_configs: [receiver] }] }));
  const address = `127.0.0.1:${await freePort()}`;
  const child = cleanup.spawn(
    program,
    [
      `--config.file=${file}`,
      `--storage.path=${folder}`,
      `--web.listen-address=${address}`,
      "--cluster.listen-address=",
      "--log.level=error",
    ],
    { stdio: "ignore", cwd: join(program, "../../..") },
  );
  const url = `http://${address}`;
  const isReady = () =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until(isReady, () => "Alertmanager");
  const { free, close } = await lanes(url, "none");
  return {
    counted: new Times(),
    get routed() {
      return told;
    },
    incidents: new Times(),
    pids: child.pid === undefined ? [] : [child.pid],
    sending(key, atMs) {
      if (!known.has(key)) sent.set(key, atMs);
    },
    get open() {
      return sent.size;
    },
    begin() {
      told = new Times();
    },
    async arrived() {
      // Only looked at now and then: what it tells comes to the hook, and nothing is measured yet.
      const some = () => [...sent.keys()].slice(0, 5).join(", ");
      await until(
        () => sent.size === 0,
        () => `Alertmanager's notifications of ${sent.size} devices, such as ${some()}`,
      );
    },
    send: (reports) =>
      free.run(async (connection) => {
        const alerts = reports.map(({ key, severity }) => ({
          labels: { alertname: "smoke", instance: key, severity },
          annotations: { summary: title },
        }));
        await connection.expect(200, "POST", "/api/v2/alerts", alerts);
      }),
    async close() {
      close();
      await cleanup.stop(child);
      hook.closeAllConnections();
      hook.close();
    },
  };
}
