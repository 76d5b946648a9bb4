import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Log } from "../../runtime/ports/index.ts";
import { isNatsServerOf } from "./nats-process.ts";

export interface NatsServerOptions {
  readonly binary: string;
  readonly dataDir: string;
  readonly port: number;
  readonly sync: boolean;
}

const START_TIMEOUT_MS = 15_000;

/** A nats-server as a child: started, started again when it dies, stopped with us. */
export class NatsServer {
  readonly #options: NatsServerOptions;
  readonly #log: Log;
  #child: ChildProcess | undefined;
  #stopping = false;
  #port: number;

  constructor(options: NatsServerOptions, log: Log) {
    this.#options = options;
    this.#log = log;
    this.#port = options.port;
  }

  get url(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** @throws when it does not come up, with what it logged */
  async start(): Promise<void> {
    const { binary, dataDir, sync } = this.#options;
    const home = resolve(dataDir, "nats");
    mkdirSync(home, { recursive: true });
    const pidFile = join(home, "nats-server.pid");
    await stopLeftOver(home, pidFile);
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
        `  store_dir: ${JSON.stringify(join(home, "jetstream"))}`,
        sync ? "  sync_interval: always" : "",
        "}",
        "",
      ].join("\n"),
    );
    const output = openSync(join(home, "nats-server.log"), "a");
    const child = spawn(binary, ["-c", file], { stdio: ["ignore", output, output] });
    this.#child = child;
    child.on("exit", (code, signal) => {
      if (this.#stopping || this.#child !== child) return;
      this.#log.error({ code, signal }, "nats-server went away; starting it again");
      void this.start().catch((error) => this.#log.error({ error }, "nats-server could not be started again"));
    });
    await this.#ready(child, ports, join(home, "nats-server.log"));
  }

  /** SIGTERM lets it write what it has; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((done) => child.once("exit", () => done()));
    child.kill("SIGTERM");
    await gone;
  }

  async #ready(child: ChildProcess, ports: string, logFile: string): Promise<void> {
    const giveUpAt = Date.now() + START_TIMEOUT_MS;
    const file = join(ports, `nats-server_${child.pid}.ports`);
    const failed = new Promise<never>((_, reject) => child.once("error", reject));
    while (Date.now() < giveUpAt && child.exitCode === null) {
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
    const log = readFileSync(logFile, "utf8").split("\n").slice(-8).join("\n");
    throw new Error(`nats-server did not start; the end of ${logFile}:\n${log}`);
  }
}

/** A killed parent leaves its server running: two on the same files must never be. */
async function stopLeftOver(home: string, pidFile: string): Promise<void> {
  const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, "utf8")) : 0;
  const giveUpAt = Date.now() + START_TIMEOUT_MS;
  while (pid > 0 && isNatsServerOf(pid, home)) {
    if (Date.now() > giveUpAt) throw new Error(`an old nats-server, process ${pid}, does not stop: kill it`);
    process.kill(pid, "SIGTERM");
    await new Promise((again) => setTimeout(again, 50));
  }
}
