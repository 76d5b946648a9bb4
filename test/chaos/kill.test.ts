import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { NatsServer } from "../../commands/node/nats-server.ts";
import { openNats } from "../../runtime/nats/open.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import { silent } from "../../runtime/sim/process.ts";
import { randomOf } from "../../runtime/sim/random.ts";
import { checkJournal } from "../simulation/invariants.ts";
import { freePort } from "../support/server.ts";
import { Load } from "./load.ts";

/** The kills come at random moments within this time after everything is up. */
const MOMENT_MAX_MS = 400;

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** A host in a process of its own, on a nats-server in another. */
class Victims {
  readonly dataDir = mkdtempSync(join(tmpdir(), "tocsin-chaos-"));
  readonly nats: NatsServer;
  readonly url: string;
  readonly #port: number;
  host: ChildProcess | undefined;

  private constructor(port: number) {
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
    const binary = process.env["NATS_SERVER"] ?? "nats-server";
    this.nats = new NatsServer({ binary, dataDir: this.dataDir, port: 0, sync: true }, silent);
  }

  static async start(): Promise<Victims> {
    const victims = new Victims(await freePort());
    cleanUps.push(() => rmSync(victims.dataDir, { recursive: true, force: true }));
    await victims.nats.start();
    cleanUps.push(() => victims.nats.stop());
    victims.startHost();
    cleanUps.push(() => victims.kill("SIGKILL"));
    await victims.ready();
    return victims;
  }

  get token(): string {
    return readFileSync(join(this.dataDir, "admin.token"), "utf8").trim();
  }

  startHost(): void {
    const environment = {
      DATA_DIR: this.dataDir,
      PORT: String(this.#port),
      NATS_URL: this.nats.url,
      LOG_LEVEL: "silent",
    };
    this.host = spawn(process.execPath, ["dist/commands/start.main.js"], {
      env: { ...process.env, ...environment },
      stdio: "ignore",
    });
  }

  async ready(): Promise<void> {
    for (;;) {
      const response = await fetch(`${this.url}/health/ready`).catch(() => undefined);
      if (response?.ok === true) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  kill(signal: NodeJS.Signals): Promise<void> {
    const { host } = this;
    if (host === undefined || host.exitCode !== null || host.signalCode !== null) return Promise.resolve();
    const gone = new Promise<void>((resolve) => host.once("exit", () => resolve()));
    host.kill(signal);
    return gone;
  }

  /** The whole journal against everything that was acknowledged; and the first answers, once more. */
  async check(load: Load): Promise<void> {
    const ports = await openNats({ url: this.nats.url, replicas: 1 }, systemClock, systemIds, silent);
    const entries = await ports.journal.read("evt.>", 0);
    await ports.close();
    expect(load.acknowledged.length).toBeGreaterThan(100);
    checkJournal(entries, load.acknowledged, "at the end");
    for (const { answer, ...sent } of load.answers.slice(-200)) {
      expect(JSON.parse(await (await load.send(sent)).text())).toEqual(JSON.parse(answer));
    }
  }
}

describe("kill -9 under load", () => {
  it("of the host, fifty times: what was acknowledged is there once, in order", { timeout: 400_000 }, async () => {
    const victims = await Victims.start();
    const load = new Load(victims.url, victims.token);
    const random = randomOf(1);
    load.start(8);
    for (let time = 0; time < 50; time++) {
      await new Promise((resolve) => setTimeout(resolve, random() * MOMENT_MAX_MS));
      await victims.kill("SIGKILL");
      victims.startHost();
      await victims.ready();
    }
    await load.stop();
    await victims.check(load);
  });

  it("of nats-server, five times: the same, and everyone recovers unaided", { timeout: 200_000 }, async () => {
    const victims = await Victims.start();
    const load = new Load(victims.url, victims.token);
    const random = randomOf(2);
    load.start(8);
    for (let time = 0; time < 5; time++) {
      await new Promise((resolve) => setTimeout(resolve, 200 + random() * MOMENT_MAX_MS));
      const { pid } = victims.nats;
      process.kill(pid!, "SIGKILL");
      // Its own keeper starts it again.
      while (victims.nats.pid === pid) await new Promise((resolve) => setTimeout(resolve, 10));
      await victims.ready();
      const before = load.acknowledged.length;
      while (load.acknowledged.length < before + 20) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await load.stop();
    await victims.check(load);
  });
});
