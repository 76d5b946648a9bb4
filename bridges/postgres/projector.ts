import type { Registry } from "../../runtime/actor.ts";
import {
  type ArchiveReport,
  type FeedReport,
  readArchiveStatus,
  tellArchiveStatus,
} from "../../runtime/archive-status.ts";
import { pause } from "../../runtime/pause.ts";
import type { Clock, KeyValue, Log } from "../../runtime/ports/index.ts";
import type { Projections, Row, Table, TelemetryProjection } from "../../runtime/projection.ts";
import type { StreamSource } from "../../runtime/stream-source.ts";
import { type Database, schemas, searchPath, withClient } from "./connection.ts";
import { EventsFeed } from "./events-feed.ts";
import type { ServerFeatures } from "./extensions.ts";
import type { Feed } from "./feed.ts";
import { FeedRunner } from "./feed-runner.ts";
import { textOf } from "./fold.ts";
import { LocationsFeed } from "./locations-feed.ts";
import { keepLocations } from "./locations-upkeep.ts";
import { migrate } from "./migrate.ts";
import { addToMinutes } from "./minutes.ts";
import { fillNewTables } from "./new-tables.ts";
import { HypertableChunks, NativePartitions, type Partitions } from "./partitions.ts";
import { ReportsFeed } from "./reports-feed.ts";

export interface ProjectorOptions {
  readonly database: Database;
  readonly sources: Readonly<Record<"events" | "locations" | "alerts", StreamSource>>;
  readonly config: KeyValue;
  readonly registry: Registry;
  readonly projections: Projections;
  readonly track: { readonly projection: TelemetryProjection<Fix>; readonly columns: Table<Fix>["columns"] };
  /** Positions older than this go; 0: none ever do. */
  readonly retentionDays: number;
  /** How long PostgreSQL may take over a batch before its connection is given up. */
  readonly silentMs?: number;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever a fix's row has beside its time
type Fix = Row & { readonly at: string } & Readonly<Record<string, any>>;

const REPORT_EVERY_MS = 1_000;
const UPKEEP_EVERY_MS = 3_600_000;
const MINUTES_EVERY_MS = 10_000;
/** Positions that have waited for so long come before their minutes. */
const MINUTES_BEHIND_MS = 10_000;

/** All feeds of one process, what they need of the tables, and what is told of them. */
export class Projector {
  readonly #options: ProjectorOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #runners = new Map<Feed, FeedRunner>();
  #server: ServerFeatures | undefined;
  #migrating: Promise<void> | undefined;
  #stopped = false;
  readonly #waiting = new Map<string, number>();
  #told = "";

  constructor(options: ProjectorOptions, clock: Clock, log: Log) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
  }

  start(): void {
    const { database, sources, registry, projections, track, silentMs } = this.#options;
    const fill = () => fillNewTables(database, registry, projections, this.#clock, this.#log);
    const feeds: readonly Feed[] = [
      new EventsFeed(sources.events, schemas.history, registry, projections, fill, this.#clock),
      new ReportsFeed(sources.alerts, this.#clock),
      new LocationsFeed(sources.locations, track.projection, track.columns, this.#partitions, this.#clock),
    ];
    for (const feed of feeds) {
      const runner = new FeedRunner(feed, database, () => this.#migrated(), this.#clock, this.#log, silentMs);
      this.#runners.set(feed, runner);
      runner.start();
    }
    void this.#every(REPORT_EVERY_MS, () => this.#report());
    void this.#every(UPKEEP_EVERY_MS, () => this.#keep());
    void this.#every(MINUTES_EVERY_MS, () => this.#addToMinutes());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#runners.values()].map((runner) => runner.stop()));
  }

  /** Which it is, is known once the tables are there. */
  readonly #partitions: Partitions = (() => {
    const native = new NativePartitions();
    const chunks = new HypertableChunks();
    const those = () => (this.#server?.timescaledb == null ? native : chunks);
    return {
      make: (client, days) => those().make(client, days),
      forget: () => those().forget(),
      makeAhead: (client, nowMs) => those().makeAhead(client, nowMs),
      dropBefore: (client, timeMs) => those().dropBefore(client, timeMs),
    };
  })();

  /** Once a process; when it fails, whoever needs it tries again. */
  #migrated(): Promise<void> {
    this.#migrating ??= migrate(this.#options.database, this.#log).then(
      (server) => {
        this.#server = server;
      },
      (error) => {
        this.#migrating = undefined;
        throw error;
      },
    );
    return this.#migrating;
  }

  async #keep(): Promise<void> {
    await this.#migrated();
    const { database, retentionDays } = this.#options;
    await keepLocations(database, this.#partitions, this.#server!, retentionDays, this.#clock.now(), this.#log);
  }

  /** By the one that works, once it is not far behind: what it does not come to is told from the positions themselves meanwhile. */
  async #addToMinutes(): Promise<void> {
    const [, runner] = [...this.#runners].find(([{ name }]) => name === "locations")!;
    const { state, waitingSinceMs } = runner.status;
    const behindMs = waitingSinceMs === null ? 0 : this.#clock.now() - waitingSinceMs;
    if (state !== "running" || behindMs > MINUTES_BEHIND_MS) return;
    await withClient(this.#options.database, "minutes", async (client) => {
      await client.query(`${searchPath(schemas.positions)}; set synchronous_commit = off`);
      await addToMinutes(client);
    });
  }

  /** Whoever only stands by leaves the telling to the one that works. */
  async #report(): Promise<void> {
    const statuses = [...this.#runners].map(([{ name, source }, runner]) => ({ name, source, status: runner.status }));
    if (statuses.every(({ status }) => status.state === "standby")) return;
    const before = (await readArchiveStatus(this.#options.config))?.feeds ?? {};
    const feeds: Record<string, FeedReport> = { ...before };
    for (const { name, source, status } of statuses) {
      if (status.state === "standby") continue;
      const { last } = await source.state();
      const sequence = Math.max(status.sequence, status.state === "running" ? 0 : (before[name]?.sequence ?? 0));
      const behind = Math.max(0, last - sequence);
      const behindMs = this.#waited(name, behind, status.waitingSinceMs);
      feeds[name] = { state: status.state, sequence, behind, behindMs, problem: status.problem };
    }
    const report = { server: this.#server === undefined ? null : { ...this.#server }, feeds };
    const text = JSON.stringify(report);
    if (text === this.#told) return;
    const at = new Date(this.#clock.now()).toISOString();
    await tellArchiveStatus(this.#options.config, { at, ...report } satisfies ArchiveReport);
    this.#told = text;
  }

  /** What is waiting may not have been seen, with PostgreSQL away: then it has waited since it was known to be there. */
  #waited(feed: string, behind: number, sinceMs: number | null): number {
    const now = this.#clock.now();
    if (behind === 0) {
      this.#waiting.delete(feed);
      return 0;
    }
    const since = Math.min(sinceMs ?? now, this.#waiting.get(feed) ?? now);
    this.#waiting.set(feed, since);
    return sinceMs === null ? Math.round(now - since) : Math.max(0, Math.round(now - sinceMs));
  }

  async #every(everyMs: number, action: () => Promise<void>): Promise<void> {
    for (; !this.#stopped; await pause(this.#clock, everyMs)) {
      await action().catch((error) => this.#log.warn({ error: textOf(error) }, "the archive's upkeep was interrupted"));
    }
  }
}
