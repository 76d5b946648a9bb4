import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Api } from "./api.ts";
import { until } from "./until.ts";

export interface HostProcessOptions {
  readonly dataDir: string;
  readonly port: number;
  readonly environment: Readonly<Record<string, string>>;
}

/** A host in a process of its own, as `npm start` runs it. It may be started again after its end. */
export class HostProcess extends Api {
  readonly url: string;
  readonly #options: HostProcessOptions;
  #child: ChildProcess | undefined;

  constructor(options: HostProcessOptions) {
    super();
    this.#options = options;
    this.url = `http://127.0.0.1:${options.port}`;
  }

  /** The admin token that it has written. */
  get token(): string {
    return readFileSync(join(this.#options.dataDir, "admin.token"), "utf8").trim();
  }

  /** @param behindMs how far its wall clock runs behind */
  start(behindMs = 0): void {
    const { dataDir, port, environment } = this.#options;
    mkdirSync(dataDir, { recursive: true });
    const log = openSync(join(dataDir, "host.log"), "a");
    const clock = behindMs === 0 ? [] : ["--import", "./test/support/clock-behind.mjs"];
    this.#child = spawn(process.execPath, [...clock, "dist/commands/start.main.js"], {
      env: {
        ...process.env,
        LOG_LEVEL: "error",
        ARCHIVE: "off",
        MQTT: "off",
        ...environment,
        DATA_DIR: dataDir,
        PORT: String(port),
        CLOCK_BEHIND_MS: String(behindMs),
      },
      stdio: ["ignore", "ignore", log],
    });
    closeSync(log);
  }

  /** Resolves when it serves. @throws with the end of its log when it ends instead */
  ready(): Promise<void> {
    return until(`${this.url} is ready`, async () => {
      if (!this.#running) throw new Error(`the host ended; the end of its log:\n${this.#endOfLog()}`);
      return (await this.health())?.["ready"] === true;
    });
  }

  /** What `/health/ready` tells; undefined while nobody answers. */
  async health(): Promise<Readonly<Record<string, unknown>> | undefined> {
    return this.get("/health/ready").then(
      ({ body }) => body,
      () => undefined,
    );
  }

  /** Resolves when it is gone. @returns its exit code; null after a signal that leaves no choice */
  kill(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || !this.#running) return Promise.resolve(child?.exitCode ?? null);
    const gone = new Promise<number | null>((resolve) => child.once("exit", resolve));
    child.kill(signal);
    return gone;
  }

  get #running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  #endOfLog(): string {
    return readFileSync(join(this.#options.dataDir, "host.log"), "utf8").split("\n").slice(-10).join("\n");
  }
}
