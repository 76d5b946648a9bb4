import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { isNatsServerOf } from "../../commands/node/nats-process.ts";
import { freePort, smoke, TestServer } from "../support/server.ts";
import { operate } from "./commands.ts";

const cleanUps: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "tocsin-backup-"));
  cleanUps.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** As docs/operations.md says. */
function copy(from: string, to: string): void {
  execFileSync("cp", ["-a", from, to]);
}

async function started(dataDir: string, environment: Record<string, string> = {}): Promise<TestServer> {
  const server = await TestServer.start(environment, dataDir);
  let stopped: Promise<void> | undefined;
  const stop = server.stop.bind(server);
  server.stop = () => {
    stopped ??= stop(true);
    return stopped;
  };
  cleanUps.push(() => server.stop());
  return server;
}

async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const giveUpAt = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > giveUpAt) throw new Error("it did not come to pass in time");
    await new Promise((again) => setTimeout(again, 20));
  }
}

/** `npm start` without npm: a process of its own, which can be killed. */
async function startProcess(dataDir: string): Promise<{ child: ChildProcess; url: string; said: () => string }> {
  const port = String(await freePort());
  const child = spawn(process.execPath, ["dist/commands/start.main.js"], {
    // Without PostgreSQL: it would outlive a node that is killed.
    env: { ...process.env, DATA_DIR: dataDir, PORT: port, LOG_LEVEL: "warn", ARCHIVE: "off", MQTT: "off" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  cleanUps.push(() => ended(child, "SIGTERM"));
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
  const url = `http://127.0.0.1:${port}`;
  const isReady = async () => (await fetch(`${url}/health/ready`).catch(() => undefined))?.ok === true;
  await until(async () => child.exitCode !== null || (await isReady()));
  return { child, url, said: () => said };
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await gone;
}

function natsPidOf(dataDir: string): number {
  return Number(readFileSync(join(dataDir, "nats", "nats-server.pid"), "utf8"));
}

/** All that can be seen of a node's data from outside. */
async function seenOf(server: TestServer, incidentId: string) {
  const paths = ["/incidents?limit=500", "/resources/vehicles?limit=500", `/incidents/${incidentId}/timeline`];
  const answers = await Promise.all(paths.map((path) => server.get(`/api/v1${path}`)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  return answers.map(({ body }) => body);
}

describe("a backup", () => {
  it("that was copied while the node was stopped holds everything, at another place and port", async () => {
    const home = folder();
    const original = await started(join(home, "data"));
    const ids: string[] = [];
    for (let count = 0; count < 20; count++) ids.push(await original.newIncident({ title: `Smoke ${count}` }));
    const units = await Promise.all(["E1", "E2", "E3"].map((callSign) => original.newVehicle(callSign)));
    const [first, second] = ids as [string, string];
    await original.post(`/api/v1/incidents/${first}/assign`, { unitIds: units.slice(0, 2) });
    await original.patch(`/api/v1/resources/vehicles/${units[0]}/status`, { status: "en_route" });
    await original.post(`/api/v1/incidents/${second}/assign`, { unitId: units[2] });
    await original.patch(`/api/v1/incidents/${second}`, { status: "resolved" });
    const keyed = await original.post("/api/v1/incidents", smoke, { "idempotency-key": "k" });
    const patched = await original.patch(`/api/v1/incidents/${first}`, { title: "T" }, { "idempotency-key": "p" });
    expect([keyed.status, patched.status]).toEqual([201, 200]);
    const before = await seenOf(original, first);
    await original.stop();
    mkdirSync(join(home, "elsewhere"));
    copy(original.dataDir, join(home, "elsewhere", "restored"));
    // Nothing may come from where the data were.
    renameSync(original.dataDir, join(home, "away"));

    const restored = await started(join(home, "elsewhere", "restored"), { NATS_PORT: String(await freePort()) });
    expect(await seenOf(restored, first)).toEqual(before);
    expect(restored.token).toBe(original.token);
    expect((await restored.post("/api/v1/incidents", smoke, { "idempotency-key": "k" })).body).toEqual(keyed.body);
    const again = await restored.patch(`/api/v1/incidents/${first}`, { title: "T" }, { "idempotency-key": "p" });
    expect(again.body).toEqual(patched.body);
    const numbers = before[0].items.map((one: { incidentNumber: string }) => one.incidentNumber);
    const next = await restored.post("/api/v1/incidents", smoke);
    expect(next.body.incidentNumber > numbers.toSorted().at(-1)).toBe(true);
    const held = await restored.post(`/api/v1/incidents/${next.body.id}/assign`, { unitId: units[0] });
    expect(held).toMatchObject({ status: 409, body: { holder: first } });
    const verified = await operate("verify", "--json", { DATA_DIR: restored.dataDir });
    expect(verified.code).toBe(0);
    expect(JSON.parse(verified.result)).toMatchObject({ ok: true, actors: { incident: 22, resource: 3 } });
  });

  it("of a killed node starts in spite of its lock, and leaves the original's server alone", async () => {
    const home = folder();
    const dataDir = join(home, "data");
    const original = await startProcess(dataDir);
    const natsPid = natsPidOf(dataDir);
    cleanUps.push(() => isNatsServerOf(natsPid, join(dataDir, "nats")) && process.kill(natsPid, "SIGKILL"));
    const token = readFileSync(join(dataDir, "admin.token"), "utf8").trim();
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const url = `${original.url}/api/v1/incidents`;
    const made = await fetch(url, { method: "POST", headers, body: JSON.stringify(smoke) });
    const incident = (await made.json()) as { id: string };
    expect(made.status).toBe(201);
    await ended(original.child, "SIGKILL");
    const restoredDir = join(home, "restored");
    copy(dataDir, restoredDir);
    expect(existsSync(join(restoredDir, "lock"))).toBe(true);

    // The copy says that a server runs, which it does: on the original.
    expect(await operate("verify", "", { DATA_DIR: restoredDir })).toMatchObject({ code: 2 });
    const restored = await startProcess(restoredDir);
    const shown = await fetch(`${restored.url}/api/v1/incidents/${incident.id}`, { headers });
    expect({ status: shown.status, body: await shown.json() }).toEqual({ status: 200, body: incident });
    expect(isNatsServerOf(natsPid, join(dataDir, "nats"))).toBe(true);
    expect(await operate("verify", "", { DATA_DIR: restoredDir })).toMatchObject({ code: 0 });

    // Where it belongs, the left-over server is found and stopped.
    const resumed = await startProcess(dataDir);
    expect((await fetch(`${resumed.url}/api/v1/incidents/${incident.id}`, { headers })).status).toBe(200);
    expect(isNatsServerOf(natsPid, join(dataDir, "nats"))).toBe(false);
  });

  it("that was copied while the node runs does not start beside it, and says whose lock that is", async () => {
    const home = folder();
    const running = await startProcess(join(home, "data"));
    copy(join(home, "data"), join(home, "copy"));
    const second = await startProcess(join(home, "copy"));
    expect(second.child.exitCode).toBe(1);
    expect(second.said()).toContain(`is in use by process ${running.child.pid}`);
    expect((await fetch(`${running.url}/health/ready`)).status).toBe(200);
  });
});
