import { type ChildProcess, spawn } from "node:child_process";

import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";

import { join, resolve } from "node:path";
import type { Log } from "../../runtime/ports/index.ts";
import { BatchStaging } from "./batch-staging.ts";
import { type MqttListener, mqttLines } from "./mqtt-listener.ts";
import { isNatsServerOf } from "./nats-process.ts";

export interface NatsServerOptions {
  readonly binary: string;
  readonly dataDir: string;
  readonly port: number;
  readonly sync: boolean;
  /** Where devices connect, if they may; and what our own bridge is known by there. */
  readonly mqtt?: MqttListener | undefined;
  /** Where it puts atomic batches together; default: in memory, where there is enough. */
  readonly batchStaging?: "memory" | "disk";
  /** Between its end and its next start, at the most; default: half a minute. */
  readonly againMaxMs?: number;
}

const START_TIMEOUT_MS = 15_000;
/** Longer than it takes to write what it has; after that it is killed, which loses nothing that was acknowledged. */
const STOP_TIMEOUT_MS = 10_000;
const AGAIN_FIRST_MS = 100;
const AGAIN_MAX_MS = 30_000;
/** After running for so long its end has nothing to do with the ends before. */
const RAN_WELL_MS = 60_000;

/** A nats-server as a child: started, started again when it dies (later and later while it keeps dying), stopped with us. */
export class NatsServer {
  readonly #options: NatsServerOptions;
  readonly #log: Log;
  #child: ChildProcess | undefined;
  #stopping = false;
  #port: number;
  /** Ends in a row, without having run well between. */
  #ends = 0;
  #startedMs = 0;
  #listening = false;
  #staging: BatchStaging | undefined;

  constructor(options: NatsServerOptions, log: Log) {
    this.#options = options;
    this.#log = log;
    this.#port = options.port;
  }

  get url(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** A batch costs it as much as a few messages; else as much as two dozen. */
  get hasCheapBatches(): boolean {
    return this.#staging !== undefined;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** It runs and listens. */
  get ready(): boolean {
    return this.#listening && this.#child !== undefined && !isOver(this.#child);
  }

  /** @throws when it does not come up, with what it logged */
  async start(): Promise<void> {
    const { binary, dataDir, sync, mqtt } = this.#options;
    const home = this.#home;
    mkdirSync(home, { recursive: true });
    // The folder above may have to be open to the user that PostgreSQL runs as; the journal is nobody's but ours.
    chmodSync(home, 0o700);
    const pidFile = join(home, "nats-server.pid");
    await stopLeftOver(dataDir);
    const ports = join(home, "ports");
    rmSync(ports, { recursive: true, force: true });
    mkdirSync(ports, { recursive: true });
    const file = join(home, "nats-server.conf");
    writeFileSync(
      file,
      [
        `listen: "127.0.0.1:${this.#port === 0 ? -1 : this.#port}"`,
        "server_name: tocsin",
        `ports_file_dir: ${JSON.stringify(ports)}`,
        `pid_file: ${JSON.stringify(pidFile)}`,
        "max_payload: 2MB",
        "jetstream {",
        `  store_dir: ${JSON.stringify(this.#store)}`,
        sync ? "  sync_interval: always" : "",
        "}",
        ...(mqtt === undefined ? [] : mqttLines(mqtt)),
        "",
      ].join("\n"),
    );
    const logFile = join(home, "nats-server.log");
    const output = openSync(logFile, "a");
    const child = spawn(binary, ["-c", file], { stdio: ["ignore", output, output] });
    closeSync(output);
    this.#child = child;
    this.#listening = false;
    this.#startedMs = performance.now();
    try {
      await this.#ready(child, ports, logFile);
    } catch (error) {
      await end(child);
      throw error;
    }
    this.#listening = true;
    if (this.#options.batchStaging !== "disk") this.#staging ??= BatchStaging.open(this.#store, this.#log);
    child.once("exit", (code, signal) => void this.#startAgain(code, signal));
    if (isOver(child)) void this.#startAgain(child.exitCode, child.signalCode);
  }

  /** Ends it, so that it is started again: for one that lives and does not work. */
  async restart(reason: string): Promise<void> {
    const child = this.#child;
    if (child === undefined || isOver(child)) return;
    this.#log.error({ reason }, "nats-server is restarted");
    await end(child);
  }

  /** SIGTERM lets it write what it has; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#child !== undefined) await end(this.#child);
    this.#staging?.stop();
  }

  get #home(): string {
    return resolve(this.#options.dataDir, "nats");
  }

  get #store(): string {
    return join(this.#home, "jetstream");
  }

  async #startAgain(code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    if (performance.now() - this.#startedMs > RAN_WELL_MS) this.#ends = 0;
    while (!this.#stopping) {
      // At once the first time: everybody waits for it.
      const waitMs =
        this.#ends === 0
          ? 0
          : Math.min(this.#options.againMaxMs ?? AGAIN_MAX_MS, AGAIN_FIRST_MS * 2 ** (this.#ends - 1));
      this.#ends += 1;
      this.#log.error({ code, signal, waitMs }, "nats-server went away; it is started again");
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (this.#stopping) return;
      try {
        return await this.start();
      } catch (error) {
        this.#log.error({ error }, "nats-server could not be started again");
      }
    }
  }

  async #ready(child: ChildProcess, ports: string, logFile: string): Promise<void> {
    const giveUpAt = Date.now() + START_TIMEOUT_MS;
    const file = join(ports, `nats-server_${child.pid}.ports`);
    const failed = new Promise<never>((_, reject) => {
      child.once("error", (error) => reject(new Error(`nats-server could not be run: ${error.message}`)));
    });
    // Whoever waits hears of it below; one that fails later is told by its end.
    failed.catch(() => undefined);
    while (Date.now() < giveUpAt && !isOver(child)) {
      if (existsSync(file)) {
        const { nats } = JSON.parse(readFileSync(file, "utf8") || "{}") as { nats?: string[] };
        const port = nats?.[0] && Number(new URL(nats[0]).port);
        if (port) {
          // Later starts keep the port: clients that reconnect must find it.
          this.#port = port;
          return;
        }
      }
      await Promise.race([failed, new Promise((again) => setTimeout(again, 20))]);
    }
    // There is no such program, or it may not be run: nothing of that is in its log.
    if (child.pid === undefined) await failed;
    const log = readFileSync(logFile, "utf8").split("\n").slice(-8).join("\n");
    throw new Error(`nats-server did not start; the end of ${logFile}:\n${log}`);
  }
}

function isOver({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

async function end(child: ChildProcess): Promise<void> {
  if (isOver(child)) return;
  const gone = new Promise<void>((done) => child.once("exit", () => done()));
  child.kill("SIGTERM");
  const kill = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await gone;
  clearTimeout(kill);
}

/** A killed parent leaves its server running, on its ports: two on the same files must never be. */
export async function stopLeftOver(dataDir: string): Promise<void> {
  const home = resolve(dataDir, "nats");
  const pidFile = join(home, "nats-server.pid");
  const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, "utf8")) : 0;
  const giveUpAt = Date.now() + START_TIMEOUT_MS;
  while (pid > 0 && isNatsServerOf(pid, home)) {
    if (Date.now() > giveUpAt) throw new Error(`an old nats-server, process ${pid}, does not stop: kill it`);
    process.kill(pid, "SIGTERM");
    await new Promise((again) => setTimeout(again, 50));
  }
}
