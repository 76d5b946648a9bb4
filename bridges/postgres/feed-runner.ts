import type pg from "pg";
import { pause, within } from "../../runtime/pause.ts";
import type { Clock, Log } from "../../runtime/ports/index.ts";
import type { StreamEntry, StreamReading } from "../../runtime/stream-source.ts";
import { advance, type Checkpoint, Overtaken, startingPoint, WrongStream } from "./checkpoints.ts";
import { type Database, inSavepoint, inTransaction, isDataError, searchPath, withClient } from "./connection.ts";
import type { Feed, Part, Prepared } from "./feed.ts";
import { type Problem, textOf } from "./fold.ts";
import { quarantine } from "./quarantine.ts";

/** Between small batches: a transaction for every few entries would cost dispatch its processor. */
const LINGER_MS = 100;
/** What was kept longer ago than this is a backlog. */
const BEHIND_MS = 1_000;
const LOCK_EVERY_MS = 500;
const AGAIN_FIRST_MS = 200;
const AGAIN_MAX_MS = 5_000;
/** A server that has not done a batch by then is taken for gone: without a word from it, a system would wait for a quarter of an hour. */
const SILENT_MS = 120_000;
/** So that the lock of a process whose machine is gone is free soon: PostgreSQL would keep it for two hours. */
const NOTICE_WHO_IS_GONE =
  "set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 4";
/** A batch that PostgreSQL refuses is tried again in parts of this fraction, until the entry that is to blame stands alone; one that took too long, too. */
const SMALLER = 8;

export type FeedState = "starting" | "standby" | "running" | "down" | "refused";

export interface FeedStatus {
  readonly state: FeedState;
  /** Everything up to here is archived, as far as is known. */
  readonly sequence: number;
  /** When the oldest entry that is not yet archived was kept, as far as it has been seen. */
  readonly waitingSinceMs: number | null;
  readonly problem: string | null;
}

/**
 * Carries a stream into tables, for as long as the process lives. Of several that run only one works, the others stand by.
 * 1. Rows and checkpoint change in one transaction, and only from the checkpoint that was read: every entry lands once.
 * 2. While a batch is being written the next is prepared; batches grow with the backlog.
 * 3. Whatever fails begins anew from the checkpoint; nothing is remembered of what was not committed.
 */
export class FeedRunner {
  readonly #feed: Feed;
  readonly #database: Database;
  readonly #ready: () => Promise<void>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #silentMs: number;
  #status: FeedStatus = { state: "starting", sequence: 0, waitingSinceMs: null, problem: null };
  #batchMax: number;
  #stopped = false;
  #reading: StreamReading | undefined;
  #running: Promise<void> = Promise.resolve();

  /**
   * @param ready resolves once the tables are there; called before every attempt
   * @param silentMs how long PostgreSQL may take over a batch
   */
  constructor(
    feed: Feed,
    database: Database,
    ready: () => Promise<void>,
    clock: Clock,
    log: Log,
    silentMs = SILENT_MS,
  ) {
    this.#silentMs = silentMs;
    this.#feed = feed;
    this.#database = database;
    this.#ready = ready;
    this.#clock = clock;
    this.#log = log;
    this.#batchMax = feed.batchMax;
  }

  get status(): FeedStatus {
    return this.#status;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** What is being written is written to its end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#reading?.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let waitMs = AGAIN_FIRST_MS; !this.#stopped; ) {
      const before = this.#status.sequence;
      try {
        await this.#ready();
        await this.#session();
      } catch (error) {
        this.#failed(error);
      }
      this.#feed.forget();
      waitMs = this.#status.sequence > before ? AGAIN_FIRST_MS : Math.min(AGAIN_MAX_MS, waitMs * 2);
      if (!this.#stopped) await pause(this.#clock, isSmaller(this.#batchMax, this.#feed) ? 0 : waitMs);
    }
  }

  #failed(error: unknown): void {
    const problem = textOf(error);
    // A batch that is refused shows which entry it is by being cut smaller: no news.
    if (isDataError(error)) return;
    const state = error instanceof WrongStream ? "refused" : "down";
    const feed = this.#feed.name;
    if (error instanceof Overtaken) this.#log.info({ feed, problem }, "archiving begins anew from its checkpoint");
    else if (problem !== this.#status.problem) this.#log.warn({ feed, error }, "archiving is interrupted");
    this.#status = { ...this.#status, state, problem };
  }

  #session(): Promise<void> {
    const { name, schema } = this.#feed;
    return withClient(this.#database, `projector ${name}`, async (client) => {
      client.on("end", () => this.#reading?.stop());
      await client.query(searchPath(schema));
      // A transaction that a crash takes back takes its checkpoint with it: nothing is lost by not waiting for the disk.
      await client.query(
        `set synchronous_commit = off; set idle_in_transaction_session_timeout = '60s'; ${NOTICE_WHO_IS_GONE}`,
      );
      if (!(await this.#untilLeader(client)) || this.#stopped) return;
      await this.#feed.begin?.();
      const stream = await this.#feed.source.state();
      const from = await startingPoint(client, this.#feed, stream);
      if (from.sequence > 0 && stream.first > from.sequence + 1) {
        const lost = stream.first - from.sequence - 1;
        this.#log.error({ feed: name, lost }, "the stream has forgotten entries before they were archived");
      }
      this.#status = { ...this.#status, state: "running", sequence: from.sequence, problem: null };
      await withClient(this.#database, `projector ${name}, looking ahead`, async (ahead) => {
        ahead.on("end", () => this.#reading?.stop());
        await ahead.query(searchPath(schema));
        const reading = this.#feed.source.read(from.sequence);
        this.#reading = reading;
        // Whoever stops us while there was nothing to stop yet has said so.
        if (this.#stopped) reading.stop();
        try {
          await this.#carry(client, ahead, reading, from);
        } finally {
          reading.stop();
        }
      });
    });
  }

  /** The lock belongs to the connection: whoever dies loses it. It only saves work; the checkpoint is what makes it safe. */
  async #untilLeader(client: pg.ClientBase): Promise<boolean> {
    const { name, schema } = this.#feed;
    while (!this.#stopped) {
      const { rows } = await client.query("select pg_try_advisory_lock(hashtext($1)) as leads", [`${schema}.${name}`]);
      if (rows[0].leads === true) return true;
      this.#status = { ...this.#status, state: "standby", problem: null };
      await pause(this.#clock, LOCK_EVERY_MS);
    }
    return false;
  }

  async #carry(client: pg.ClientBase, ahead: pg.ClientBase, reading: StreamReading, from: Checkpoint): Promise<void> {
    let position = from;
    let writing: Promise<void> = Promise.resolve();
    for (;;) {
      const entries = await reading.next(this.#batchMax);
      if (entries.length === 0) return writing;
      if (this.#status.waitingSinceMs === null) {
        this.#status = { ...this.#status, waitingSinceMs: entries[0]!.keptMs };
      }
      const start = position;
      const prepared = await this.#inTime(entries, this.#feed.prepare(ahead, entries));
      await writing;
      writing = this.#inTime(entries, this.#write(client, entries, prepared, start));
      // Met when it is awaited, after the next batch has been prepared.
      writing.catch(() => undefined);
      position = { ...position, sequence: entries.at(-1)!.sequence };
      if (entries.length >= this.#batchMax || this.#isBehind(entries)) continue;
      await writing;
      await pause(this.#clock, LINGER_MS);
    }
  }

  /** @throws when nothing was heard of it in time; the connection is then given up, and smaller batches are tried */
  #inTime<T>(entries: readonly StreamEntry[], work: Promise<T>): Promise<T> {
    return within(this.#clock, this.#silentMs, work, () => {
      this.#batchMax = this.#smaller(entries);
      throw new Error(`PostgreSQL has not done a batch of ${entries.length} in ${this.#silentMs / 1_000} s`);
    });
  }

  #smaller(entries: readonly StreamEntry[]): number {
    return Math.max(1, Math.floor(Math.min(entries.length, this.#batchMax) / SMALLER));
  }

  /** Then the next batch is prepared at once, and grows while this one is being written. */
  #isBehind(entries: readonly StreamEntry[]): boolean {
    return this.#clock.now() - entries.at(-1)!.keptMs > BEHIND_MS;
  }

  async #write(
    client: pg.ClientBase,
    entries: readonly StreamEntry[],
    prepared: Prepared,
    from: Checkpoint,
  ): Promise<void> {
    const { sequence } = entries.at(-1)!;
    try {
      await inTransaction(client, async () => {
        await prepared.write(client);
        await this.#quarantine(client, prepared.problems);
        await advance(client, this.#feed.name, from, sequence);
      });
    } catch (error) {
      if (!isDataError(error)) throw error;
      if (entries.length > 1) {
        this.#batchMax = this.#smaller(entries);
        throw error;
      }
      const { parts, problems } = prepared;
      const whole = { entry: entries[0]!, problem: textOf(error) };
      await inTransaction(client, async () => {
        const refused = parts === undefined ? [whole] : [...problems, ...(await writeParts(client, parts()))];
        await this.#quarantine(client, refused);
        await advance(client, this.#feed.name, from, sequence);
      });
      this.#status = { ...this.#status, sequence };
      // What was prepared meanwhile had this entry in mind, and is not written yet: all begins anew behind it.
      throw error;
    }
    this.#batchMax = Math.min(this.#feed.batchMax, this.#batchMax * 2);
    this.#status = { state: "running", sequence, waitingSinceMs: null, problem: null };
  }

  async #quarantine(client: pg.ClientBase, problems: readonly Problem[]): Promise<void> {
    const feed = this.#feed.name;
    for (const { entry, problem } of problems) {
      this.#log.error({ feed, sequence: entry.sequence, problem }, "an entry could not be archived");
    }
    await quarantine(client, "quarantine", feed, problems);
  }
}

/** Writes what PostgreSQL takes of an entry that it has refused, within a transaction. @returns what it does not, and why */
async function writeParts(client: pg.ClientBase, parts: AsyncIterable<Part>): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  // What would be looked at when it is committed would be refused as a whole once more.
  await client.query("set constraints all immediate");
  for await (const { entry, write } of parts) {
    try {
      await inSavepoint(client, () => write(client));
    } catch (error) {
      if (!isDataError(error)) throw error;
      problems.push({ entry, problem: textOf(error) });
    }
  }
  return problems;
}

function isSmaller(batchMax: number, feed: Feed): boolean {
  return batchMax < feed.batchMax;
}
