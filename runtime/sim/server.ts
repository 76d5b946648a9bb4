import type { KeptRecord, TelemetryRecord } from "../../schema/telemetry.ts";
import {
  type Append,
  type AppendResult,
  type DeadLetter,
  type Journal,
  type JournalEntry,
  type KeyValue,
  type KeyValueEntry,
  NoResponder,
  PortUnavailable,
  type Put,
  type PutResult,
  type TelemetryStream,
  type Timer,
  UncertainOutcome,
} from "../ports/index.ts";
import { SimArchive } from "./archive.ts";
import { SimIntake } from "./intake.ts";
import { SIM_TIMEOUT_MS, type World } from "./world.ts";

/** Bugs that a test plants to prove that the simulator finds them. */
export interface Planted {
  readonly fenceOff?: boolean;
}

/** What outlives every process: the server's streams and buckets, in memory. */
export class SimServer {
  readonly world: World;
  readonly planted: Planted;
  readonly journal: SimJournal;
  readonly telemetry: SimTelemetry;
  readonly intake: SimIntake;
  readonly archive: SimArchive;
  readonly buckets = new Map<string, SimBucket>();
  readonly counters = new Map<string, number>();
  readonly deadLetters: (DeadLetter & { sequence: number })[] = [];
  deadLettersEver = 0;
  readonly timers = new Map<string, Timer>();
  readonly ringers = new Set<(payload: string) => Promise<void>>();
  readonly services = new Map<string, Set<(payload: string) => Promise<string>>>();
  readonly hearers = new Set<Hearer>();

  constructor(world: World, planted: Planted = {}) {
    this.world = world;
    this.planted = planted;
    this.journal = new SimJournal(this);
    this.telemetry = new SimTelemetry(this);
    this.intake = new SimIntake(this);
    this.archive = new SimArchive(this);
  }

  bucket(name: string): SimBucket {
    const known = this.buckets.get(name) ?? new SimBucket(this);
    this.buckets.set(name, known);
    return known;
  }

  /** A request over a network that loses, delays, doubles and reorders; the action runs on the server. */
  call<T>(action: () => T): Promise<T> {
    const { world } = this;
    return new Promise((settle, reject) => {
      let waiting = true;
      const resolve = (result: T) => {
        waiting = false;
        settle(result);
      };
      // An error is dear to make, for its stack, and nearly every call is answered.
      world.at(SIM_TIMEOUT_MS, () => waiting && reject(new UncertainOutcome("simulated: no answer")));
      const arrive = () => {
        try {
          const result = action();
          if (!world.chance(world.faults.answerLost)) world.at(world.latenessMs(), () => resolve(result));
        } catch (error) {
          reject(error);
        }
      };
      if (!world.chance(world.faults.requestLost)) world.at(world.latenessMs(), arrive);
      if (world.chance(world.faults.doubled)) world.at(world.latenessMs(), arrive);
    });
  }

  /** A read: it may fail, but never wrongly. */
  ask<T>(action: () => T): Promise<T> {
    const { world } = this;
    return new Promise((resolve, reject) => {
      const fails = world.chance(world.faults.readFails);
      world.at(world.latencyMs(), () => {
        if (fails) reject(new PortUnavailable("simulated: the read failed"));
        else resolve(action());
      });
    });
  }

  ring(timer: Timer): void {
    const key = `${timer.kind}.${timer.id}.${timer.name}`;
    this.timers.set(key, timer);
    const again = () => {
      if (this.timers.get(key) !== timer) return;
      const handlers = [...this.ringers];
      if (handlers.length === 0) return void this.world.at(500, again);
      const handler = this.world.pick(handlers);
      if (this.world.chance(this.world.faults.doubled)) void handler(timer.payload).catch(() => undefined);
      // A process that dies while it handles a ring never answers: the server rings again.
      let answered = false;
      this.world.at(RING_AGAIN_MS, () => {
        if (!answered) again();
      });
      handler(timer.payload).then(
        () => {
          answered = true;
          if (this.timers.get(key) === timer) this.timers.delete(key);
        },
        () => {
          if (!answered) this.world.at(1_000, again);
          answered = true;
        },
      );
    };
    this.world.at(Date.parse(timer.at) - EPOCH_MS - this.world.nowMs, again);
  }

  tell(subject: string, payload: string): void {
    const { world } = this;
    for (const hearer of this.hearers) {
      if (!fits(hearer.subject, subject) || world.chance(world.faults.requestLost)) continue;
      world.at(world.latencyMs(), () => this.hearers.has(hearer) && hearer.handler(payload));
    }
  }

  async request(subject: string, payload: string): Promise<string> {
    const { world } = this;
    await new Promise<void>((resolve) => world.at(world.latencyMs(), resolve));
    const partition = subject.split(".")[2];
    const handlers = [...(this.services.get(`cmd.${partition}`) ?? [])];
    if (handlers.length === 0) throw new NoResponder(subject);
    const handler = world.pick(handlers);
    return new Promise((settle, reject) => {
      let waiting = true;
      const resolve = (answer: string) => {
        waiting = false;
        settle(answer);
      };
      world.at(SIM_TIMEOUT_MS * 5, () => waiting && reject(new UncertainOutcome("simulated: no reply")));
      const arrive = () =>
        void handler(payload).then((answer) => {
          if (!world.chance(world.faults.answerLost)) world.at(world.latenessMs(), () => resolve(answer));
        });
      if (!world.chance(world.faults.requestLost)) world.at(world.latenessMs(), arrive);
      if (world.chance(world.faults.doubled)) world.at(world.latenessMs(), arrive);
    });
  }
}

/** One who hears what is told at the moment. */
export interface Hearer {
  readonly subject: string;
  readonly handler: (payload: string) => void;
}

/** Virtual time 0 is this moment. */
export const EPOCH_MS = Date.parse("2026-01-01T00:00:00Z");
const RING_AGAIN_MS = 30_000;

export class SimJournal implements Journal {
  readonly maxBatch = 1_000;
  readonly entries: JournalEntry[] = [];
  readonly #server: SimServer;
  readonly #byActor = new Map<string, JournalEntry[]>();
  readonly #gone = new Set<JournalEntry>();
  readonly #feed: Feed<JournalEntry>;

  constructor(server: SimServer) {
    this.#server = server;
    this.#feed = new Feed(server.world, this.entries, (entry) => this.#gone.has(entry));
  }

  /** How many entries have left it. */
  get forgotten(): number {
    return this.#gone.size;
  }

  append(appends: readonly Append[]): Promise<AppendResult> {
    return this.#server.call(() => this.#append(appends));
  }

  #append(appends: readonly Append[]): AppendResult {
    if (this.#server.planted.fenceOff !== true) {
      // As the real server does: a subject twice in one batch fails the second fence.
      if (new Set(appends.map(({ subject }) => subject)).size < appends.length) return { ok: false };
      for (const { subject, expectedSequence } of appends) {
        const all = this.#byActor.get(actorOf(subject));
        if ((all?.[all.length - 1]?.sequence ?? 0) !== expectedSequence) return { ok: false };
      }
    }
    const sequences = appends.map(({ subject, payload }) => {
      const entry = { sequence: this.entries.length + 1, subject, payload };
      this.entries.push(entry);
      const actor = actorOf(subject);
      this.#byActor.set(actor, [...(this.#byActor.get(actor) ?? []), entry]);
      return entry.sequence;
    });
    this.#feed.wake();
    return { ok: true, sequences };
  }

  read(subject: string, after: number, limit = Number.POSITIVE_INFINITY): Promise<readonly JournalEntry[]> {
    return this.#server.ask(() =>
      this.#entriesOf(actorOf(subject))
        .filter(({ sequence }) => sequence > after)
        .slice(0, limit),
    );
  }

  async *scan(subjects: readonly string[], after: number, until: number): AsyncIterable<readonly JournalEntry[]> {
    const isWanted = ({ subject }: JournalEntry) => subjects.some((wanted) => fits(wanted, subject));
    yield await this.#server.ask(() =>
      this.entries.filter((entry) => entry.sequence > after && entry.sequence <= until && isWanted(entry)),
    );
  }

  entryAt(sequence: number): Promise<JournalEntry | undefined> {
    return this.#server.ask(() => this.entries[sequence - 1]);
  }

  identity(): Promise<string> {
    return this.#server.ask(() => "SIMULATED");
  }

  #entriesOf(actor: string): readonly JournalEntry[] {
    if (!actor.endsWith(".*")) return this.#byActor.get(actor) ?? [];
    return this.entries.filter(({ subject }) => actorOf(subject).startsWith(actor.slice(0, -1)));
  }

  lastSequence(): Promise<number> {
    return this.#server.ask(() => this.entries.length);
  }

  forget(subject: string, below: number): Promise<void> {
    return this.#server.call(() => {
      const actor = actorOf(subject);
      const kept = (this.#byActor.get(actor) ?? []).filter(({ sequence }) => sequence >= below);
      this.#byActor.set(actor, kept);
      for (const entry of this.entries) if (entry.subject === subject && entry.sequence < below) this.#gone.add(entry);
    });
  }

  follow(after: number, onEntry: (entry: JournalEntry) => void, caughtUp: () => void): Promise<() => void> {
    return this.#feed.follow(after, onEntry, caughtUp);
  }
}

export class SimTelemetry implements TelemetryStream {
  readonly maxBatch = 1_000;
  readonly records: KeptRecord[] = [];
  readonly #server: SimServer;
  /** When each was kept. */
  readonly #keptMs: number[] = [];
  readonly #feed: Feed<KeptRecord>;

  constructor(server: SimServer) {
    this.#server = server;
    this.#feed = new Feed(server.world, this.records);
  }

  append(records: readonly TelemetryRecord[]): Promise<readonly number[]> {
    return this.#server.call(() => {
      const sequences = records.map(({ of, payload }) => {
        this.#keptMs.push(this.#server.world.nowMs);
        return this.records.push({ of, payload, sequence: this.records.length + 1 });
      });
      this.#feed.wake();
      return sequences;
    });
  }

  follow(replayMs: number, onRecord: (record: KeptRecord) => void, caughtUp: () => void): Promise<() => void> {
    const since = (this.#keptMs[this.#keptMs.length - 1] ?? 0) - replayMs;
    const older = this.#keptMs.findIndex((keptMs) => keptMs >= since);
    return this.#feed.follow(Math.max(0, older), onRecord, caughtUp);
  }
}

/** Hands a growing list over to whoever follows it, in order, each in its own time. */
class Feed<Entry> {
  readonly #world: World;
  readonly #entries: readonly Entry[];
  readonly #followers = new Set<() => void>();
  readonly #isGone: (entry: Entry) => boolean;

  constructor(world: World, entries: readonly Entry[], isGone: (entry: Entry) => boolean = () => false) {
    this.#world = world;
    this.#entries = entries;
    this.#isGone = isGone;
  }

  wake(): void {
    for (const follower of this.#followers) follower();
  }

  async follow(after: number, onEntry: (entry: Entry) => void, caughtUp: () => void): Promise<() => void> {
    let position = after;
    let stopped = false;
    let scheduled = false;
    const until = this.#entries.length;
    let told = position >= until;
    if (told) caughtUp();
    const deliver = () => {
      scheduled = false;
      while (!stopped && position < this.#entries.length) {
        const entry = this.#entries[position++]!;
        if (!this.#isGone(entry)) onEntry(entry);
      }
      if (!told && position >= until) {
        told = true;
        caughtUp();
      }
    };
    const wake = () => {
      if (scheduled) return;
      scheduled = true;
      this.#world.at(this.#world.latencyMs(), deliver);
    };
    this.#followers.add(wake);
    wake();
    return () => {
      stopped = true;
      this.#followers.delete(wake);
    };
  }
}

/** `*` stands for any one token. */
function fits(wanted: string, subject: string): boolean {
  const [ours, theirs] = [wanted.split("."), subject.split(".")];
  return ours.length === theirs.length && ours.every((token, at) => token === "*" || token === theirs[at]);
}

/** The subject without its agency. */
function actorOf(subject: string): string {
  return subject.split(".").slice(2).join(".");
}

export class SimBucket implements KeyValue {
  readonly #server: SimServer;
  readonly #entries = new Map<string, KeyValueEntry>();
  readonly #watchers = new Set<(key: string, entry: KeyValueEntry | undefined) => void>();
  #revision = 0;

  constructor(server: SimServer) {
    this.#server = server;
  }

  get(key: string): Promise<KeyValueEntry | undefined> {
    return this.#server.ask(() => this.#entries.get(key));
  }

  put(puts: readonly Put[]): Promise<PutResult> {
    return this.#server.call(() => this.#put(puts));
  }

  putExpiring(put: Required<Put>, ttlMs: number): Promise<PutResult> {
    return this.#server.call(() => {
      const result = this.#put([put]);
      if (result.ok) {
        this.#server.world.at(ttlMs, () => {
          if (this.#entries.get(put.key)?.revision === result.revisions[0]) this.#remove(put.key);
        });
      }
      return result;
    });
  }

  delete(key: string): Promise<void> {
    return this.#server.call(() => this.#remove(key));
  }

  forget(key: string, revision: number): Promise<void> {
    return this.#server.call(() => {
      if ((this.#entries.get(key)?.revision ?? 0) <= revision) this.#entries.delete(key);
    });
  }

  async *entries(): AsyncIterable<KeyValueEntry> {
    yield* await this.#server.ask(() => [...this.#entries.values()]);
  }

  async watch(onChange: (key: string, entry: KeyValueEntry | undefined) => void): Promise<() => void> {
    // In order, as a stream hands it over, though each change takes its time.
    let readyMs = 0;
    let stopped = false;
    const { world } = this.#server;
    const tell = (key: string, entry: KeyValueEntry | undefined) => {
      readyMs = Math.max(readyMs, world.nowMs + world.latencyMs());
      world.at(readyMs - world.nowMs, () => {
        if (!stopped) onChange(key, entry);
      });
    };
    for (const [key, entry] of this.#entries) onChange(key, entry);
    this.#watchers.add(tell);
    return () => {
      stopped = true;
      this.#watchers.delete(tell);
    };
  }

  #put(puts: readonly Put[]): PutResult {
    for (const { key, expectedRevision } of puts) {
      if (expectedRevision !== undefined && (this.#entries.get(key)?.revision ?? 0) !== expectedRevision)
        return { ok: false };
    }
    const revisions = puts.map(({ key, value }) => {
      const entry = { key, value, revision: ++this.#revision };
      this.#entries.set(key, entry);
      for (const watcher of this.#watchers) watcher(key, entry);
      return entry.revision;
    });
    return { ok: true, revisions };
  }

  #remove(key: string): void {
    if (!this.#entries.delete(key)) return;
    this.#revision += 1;
    for (const watcher of this.#watchers) watcher(key, undefined);
  }
}
