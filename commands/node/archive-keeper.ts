import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { type ArchiveReport, readArchiveStatus } from "../../runtime/archive-status.ts";
import type { KeyValue, Log } from "../../runtime/ports/index.ts";
import { PostgresServer } from "../postgres/server.ts";
import type { Configuration } from "./configuration.ts";

const LOOK_EVERY_MS = 1_000;
/** A projector that works tells of itself more often than this. */
const SILENT_MS = 15_000;
const STOP_TIMEOUT_MS = 10_000;
const AGAIN_FIRST_MS = 200;
const AGAIN_MAX_MS = 10_000;
/** Dispatch goes before history. */
const NICENESS = 5;

/** Batches live just long enough to fill Node's usual nursery many times over, where collecting them takes half of all time. */
const NODE_OPTIONS = ["--max-semi-space-size=128"];

/** What the keeper looks at of the node. */
export interface Surroundings {
  readonly natsUrl: string;
  readonly config: KeyValue;
  /** Sequence of the journal's newest entry. */
  readonly journalSequence: () => number;
  readonly log: Log;
}

/**
 * PostgreSQL (unless one is given) and the projector, as children of this node: started, started again when they die, stopped
 * with it. Nothing of dispatch waits for either; what they are at is told by `details`.
 */
export class ArchiveKeeper {
  readonly #configuration: Configuration;
  readonly #around: Surroundings;
  readonly #server: PostgresServer | undefined;
  #url: string | undefined;
  #projector: ChildProcess | undefined;
  #report: ArchiveReport | undefined;
  #trouble: string | null = null;
  #stopping = false;
  readonly #waiting = new Set<() => void>();
  #started: Promise<void> = Promise.resolve();

  constructor(configuration: Configuration, around: Surroundings) {
    this.#configuration = configuration;
    this.#around = around;
    this.#url = configuration.DATABASE_URL;
    if (this.#url === undefined) this.#server = new PostgresServer({ dataDir: configuration.DATA_DIR }, around.log);
  }

  /** Returns at once: the archive comes up by itself. */
  start(): void {
    this.#started = this.#startServer();
    void this.#look();
  }

  /** Where the database is; undefined while ours has not yet started for the first time. */
  get url(): string | undefined {
    return this.#url;
  }

  /** Everything of the journal up to here is archived, as far as this node has heard. */
  get archivedSequence(): number {
    return this.#report?.feeds["events"]?.sequence ?? 0;
  }

  /** For `/health/ready`: what is in use, and how far it is. It never makes the node unready. */
  details(): object {
    const { journalSequence } = this.#around;
    const report = this.#report;
    const silent = report === undefined || Date.now() - Date.parse(report.at) > SILENT_MS;
    const feeds = { ...report?.feeds };
    const events = feeds["events"] ?? { state: "starting", sequence: 0, behind: 0, behindMs: 0, problem: null };
    // Whoever is silent does not know how much has come since.
    const behind = Math.max(silent ? 0 : events.behind, journalSequence() - events.sequence, 0);
    feeds["events"] = { ...events, ...(silent ? { state: "silent" } : {}), behind };
    return {
      database: this.#server === undefined ? "DATABASE_URL" : "embedded",
      postgresql: report?.server ?? null,
      positions: report?.server?.["timescaledb"] ? "hypertable" : "partitions",
      places: report?.server?.["postgis"] ? "postgis" : "earthdistance",
      ...(this.#trouble === null ? {} : { trouble: this.#trouble }),
      feeds,
    };
  }

  get pids(): { readonly postgres: number | undefined; readonly projector: number | undefined } {
    return { postgres: this.#server?.pid, projector: this.#projector?.pid };
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const over of this.#waiting) over();
    await this.#started;
    const projector = this.#projector;
    if (projector !== undefined && projector.exitCode === null && projector.signalCode === null) {
      const gone = new Promise<void>((done) => projector.once("exit", () => done()));
      projector.kill("SIGTERM");
      // What it leaves half done is not done at all.
      const tooLong = setTimeout(() => projector.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await gone;
      clearTimeout(tooLong);
    }
    await this.#server?.stop();
  }

  async #look(): Promise<void> {
    while (!this.#stopping) {
      this.#report = await readArchiveStatus(this.#around.config).catch(() => this.#report);
      await this.#wait(LOOK_EVERY_MS);
    }
  }

  async #startServer(): Promise<void> {
    for (let waitMs = AGAIN_FIRST_MS; !this.#stopping; waitMs = Math.min(AGAIN_MAX_MS, waitMs * 2)) {
      try {
        await this.#server?.start();
        this.#url ??= this.#server?.url;
        this.#trouble = null;
        if (!this.#stopping) this.#startProjector(AGAIN_FIRST_MS);
        return;
      } catch (error) {
        this.#trouble = error instanceof Error ? error.message : String(error);
        this.#around.log.error({ error }, "PostgreSQL could not be started; dispatch goes on without the archive");
        await this.#wait(waitMs);
      }
    }
  }

  #startProjector(waitMs: number): void {
    const { LOG_LEVEL, REPLICAS, LOCATION_RETENTION_DAYS } = this.#configuration;
    const startedMs = performance.now();
    const child = spawn(process.execPath, [...NODE_OPTIONS, programFile()], {
      env: {
        ...process.env,
        NATS_URL: this.#around.natsUrl,
        DATABASE_URL: this.#url,
        LOG_LEVEL,
        REPLICAS: String(REPLICAS),
        LOCATION_RETENTION_DAYS: String(LOCATION_RETENTION_DAYS),
      },
      // By the channel it notices when we are gone.
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#projector = child;
    if (child.pid !== undefined) setPriority(child.pid, NICENESS);
    const ended = () => {
      if (this.#stopping || this.#projector !== child) return;
      this.#projector = undefined;
      this.#around.log.warn(
        { code: child.exitCode, signal: child.signalCode },
        "the projector ended; starting it again",
      );
      const lasted = performance.now() - startedMs > AGAIN_MAX_MS;
      const nextMs = lasted ? AGAIN_FIRST_MS : Math.min(AGAIN_MAX_MS, waitMs * 2);
      void this.#wait(waitMs).then(() => {
        if (!this.#stopping) this.#startProjector(nextMs);
      });
    };
    child.once("error", ended);
    child.once("exit", ended);
  }

  /** Ends early when all is stopped. */
  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const over = () => {
        clearTimeout(timer);
        this.#waiting.delete(over);
        resolve();
      };
      const timer = setTimeout(over, delayMs);
      this.#waiting.add(over);
    });
  }
}

/** The built program, also where this runs from its source. */
function programFile(): string {
  let folder = new URL("./", import.meta.url);
  while (!existsSync(new URL("package.json", folder))) folder = new URL("../", folder);
  return fileURLToPath(new URL("dist/commands/archive.main.js", folder));
}
