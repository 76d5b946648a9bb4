/**
 * All that the runtime needs from outside. Two families implement it: runtime/nats (the real one) and runtime/sim (in
 * memory, seeded, faulty). test/conformance runs on both.
 */

import type { Address } from "../../schema/subjects.ts";
import type { KeptRecord, TelemetryRecord } from "../../schema/telemetry.ts";

/** Time, and what waits for it. */
export interface Clock {
  /** Milliseconds since the epoch, by the wall clock: may jump. */
  now(): number;
  /** Milliseconds that never jump: for leases and time-outs. */
  monotonicMs(): number;
  /** Calls back once after this long; the answer cancels it. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls back once all that has arrived at this moment has been handled. */
  soon(callback: () => void): void;
}

export interface Ids {
  /** A UUIDv7: sorts by the time it was made. */
  uuidV7(): string;
  /** A short random token, for host names and batches. */
  token(): string;
  /** 0 <= n < 1, for jitter. */
  random(): number;
}

export interface Append {
  readonly subject: string;
  readonly payload: string;
  /** Sequence of the subject's last message, 0 for none: the fence. */
  readonly expectedSequence: number;
}

export type AppendResult =
  | { readonly ok: true /** one per append, in order */; readonly sequences: readonly number[] }
  /** A fence failed, or an id was known: nothing was written. */
  | { readonly ok: false };

export interface JournalEntry {
  readonly sequence: number;
  readonly subject: string;
  readonly payload: string;
}

/** It cannot be known whether the write happened. The caller reads the journal to find out. */
export class UncertainOutcome extends Error {
  override name = "UncertainOutcome";
}

/** The port cannot be reached or did not answer; nothing was changed, the same may be tried again. */
export class PortUnavailable extends Error {
  override name = "PortUnavailable";
}

/** The append-only truth. */
export interface Journal {
  /**
   * Appends all or nothing, each with its own fence. At most `maxBatch` at once.
   * @throws UncertainOutcome
   */
  append(appends: readonly Append[]): Promise<AppendResult>;
  readonly maxBatch: number;
  /** Entries of a subject (`*` stands for any agency, or any id) with a sequence above `after`, in order; at most `limit`. */
  read(subject: string, after: number, limit?: number): Promise<readonly JournalEntry[]>;
  /**
   * Entries of any of these subjects (`*` stands for any one token; none may cover another), with `after` < sequence
   * <= `until`, in order: for many of them, in pages, read at the pace of the reader.
   * @throws PortUnavailable when it breaks off
   */
  scan(subjects: readonly string[], after: number, until: number): AsyncIterable<readonly JournalEntry[]>;
  /** The entry with this very sequence. */
  entryAt(sequence: number): Promise<JournalEntry | undefined>;
  /** Tells this journal from every other one, such as one that was made anew: sequences mean something only within it. */
  identity(): Promise<string>;
  /** Sequence of the newest entry of all, 0 for none. */
  lastSequence(): Promise<number>;
  /** Takes away a subject's entries below the sequence of one of them, which must be kept elsewhere by then. */
  forget(subject: string, below: number): Promise<void>;
  /**
   * Hands over every entry after `after`, in order and without a gap, until stopped; recovers by itself.
   * `caughtUp` is called once, after the entries that existed at the start.
   */
  follow(after: number, onEntry: (entry: JournalEntry) => void, caughtUp: () => void): Promise<() => void>;
}

/** What is measured: kept in order, without a fence, for a while. */
export interface TelemetryStream {
  readonly maxBatch: number;
  /**
   * Keeps them all, in order.
   * @returns their sequences
   * @throws UncertainOutcome: some may be kept; keeping them again does no harm
   */
  append(records: readonly TelemetryRecord[]): Promise<readonly number[]>;
  /**
   * Hands over at least what was kept in the time before the newest record, then everything that comes; `caughtUp` is called
   * between the two.
   */
  follow(replayMs: number, onRecord: (record: KeptRecord) => void, caughtUp: () => void): Promise<() => void>;
}

export interface IntakeEntry extends JournalEntry {
  /** Milliseconds since the epoch, by the intake's own clock: one for all who write to it. */
  readonly atMs: number;
  /** Entries that wait behind it, as far as it was known when it was handed over. */
  readonly pending: number;
}

export type Incoming = Pick<JournalEntry, "subject" | "payload">;

/** What is sent again under its id within some minutes is not kept again. */
export interface Repeatable extends Incoming {
  readonly id: string;
}

/** What comes from outside and waits to be worked on: kept in order, for a while. */
export interface Intake {
  /**
   * Keeps them all, in order, or none.
   * @returns their sequences
   * @throws UncertainOutcome: they may be kept
   */
  append(entries: readonly Incoming[]): Promise<readonly number[]>;
  /**
   * Keeps them all, in order, or none: `ok: false` where one of them was there before, or two have the same id.
   * @throws UncertainOutcome: they may be kept; their ids make it safe to send them again
   */
  appendOnce(entries: readonly Repeatable[]): Promise<AppendResult>;
  /**
   * Hands over every entry of the subject (`>` at its end stands for any) after `after`, in order and without a gap, until
   * stopped; recovers by itself. The next one comes once the handler is done with the one before.
   */
  follow(subject: string, after: number, onEntry: (entry: IntakeEntry) => Promise<void>): Promise<() => void>;
}

export interface KeyValueEntry {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
}

export interface Put {
  readonly key: string;
  readonly value: string;
  /** Revision of the key's last value, 0 for none; left out: whatever it is. */
  readonly expectedRevision?: number;
}

export type PutResult = { readonly ok: true; readonly revisions: readonly number[] } | { readonly ok: false };

/** A bucket of keys. */
export interface KeyValue {
  get(key: string): Promise<KeyValueEntry | undefined>;
  /** Puts all or nothing. @throws UncertainOutcome */
  put(puts: readonly Put[]): Promise<PutResult>;
  /** Puts a key that does not exist and goes away by itself after `ttlMs`, unless put again. */
  putExpiring(put: Required<Put>, ttlMs: number): Promise<PutResult>;
  delete(key: string): Promise<void>;
  /** Takes away the value of this revision, without a marker; a newer one stays. */
  forget(key: string, revision: number): Promise<void>;
  /** Every entry, in no order. */
  entries(): AsyncIterable<KeyValueEntry>;
  /**
   * Hands over every entry that is and every change that comes; `undefined` for a key that went. One that
   * was overtaken by a newer one of its key may be skipped.
   * Resolves once the entries that existed at the start were handed over.
   */
  watch(onChange: (key: string, entry: KeyValueEntry | undefined) => void): Promise<() => void>;
}

export interface Timer {
  /** Replaces an earlier timer with this key: two tokens and a name, `<kind>.<id>.<name>`. */
  readonly kind: string;
  readonly id: string;
  readonly name: string;
  readonly partition: number;
  /** RFC 3339, UTC. In the past: at once. */
  readonly at: string;
  readonly payload: string;
}

/** Durable alarm clocks: they ring though everything that set them is gone. */
export interface Timers {
  /** All or nothing. @throws UncertainOutcome (set them again: that does no harm) */
  set(timers: readonly Timer[]): Promise<void>;
  /** Hands over what is due, at least once; what the handler rejects comes again. */
  onDue(handler: (payload: string) => Promise<void>): Promise<() => void>;
}

/** Nobody serves this address just now: the message was not handled. */
export class NoResponder extends Error {
  override name = "NoResponder";
}

/** Messages between processes. */
export interface Transport {
  /** @throws NoResponder when surely not handled; UncertainOutcome when it may have been. */
  request(subject: string, payload: string, timeoutMs: number): Promise<string>;
  /** Answers what comes on a subject (one token may be `*`). */
  serve(subject: string, handler: (payload: string) => Promise<string>): () => void;
  /** Says something to all who hear it at this moment, ourselves included. It is kept nowhere: who cannot hear it now never will. */
  tell(subject: string, payload: string): void;
  /** Hears what is told on a subject (one token may be `*`). */
  hear(subject: string, handler: (payload: string) => void): () => void;
}

/** Counters without doubles. */
export interface Numbers {
  /** Adds `count` and returns the new value: the caller owns the `count` numbers up to it. */
  reserve(subject: string, count: number): Promise<number>;
  /** The value as it is, 0 for a counter that never counted. */
  value(subject: string): Promise<number>;
}

export interface DeadLetter {
  readonly kind: string;
  readonly id: string;
  readonly reason: string;
  readonly at: string;
  readonly requestId: string;
  readonly message: unknown;
}

export interface KeptLetter extends DeadLetter {
  readonly sequence: number;
}

/** What could not be done, with why. */
export interface DeadLetters {
  put(letter: DeadLetter): Promise<void>;
  /** The oldest with a sequence above `after` (default 0), in order; at most `limit`. */
  list(limit: number, after?: number): Promise<readonly KeptLetter[]>;
  remove(sequence: number): Promise<void>;
}

export interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** Keeps what has left the journal. */
export interface Archive {
  /**
   * An actor's entries with a sequence between these two, in order; from its first one on with `after` 0.
   * @throws PortUnavailable
   */
  read(of: Address, after: number, below: number): Promise<readonly JournalEntry[]>;
  /** Resolves when all that `read` has told will be there after a power cut. @throws PortUnavailable */
  onDisk(): Promise<void>;
}

export interface Ports {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly journal: Journal;
  /** Where there is one. */
  readonly archive?: Archive;
  readonly telemetry: TelemetryStream;
  /** Reports to the alert engine. */
  readonly intake: Intake;
  /** Snapshots of actors. */
  readonly state: KeyValue;
  /** The last of each actor's telemetry. */
  readonly readings: KeyValue;
  readonly leases: KeyValue;
  readonly config: KeyValue;
  /** What an Idempotency-Key was first used for; entries expire by themselves. */
  readonly requests: KeyValue;
  /** Keys of channels, each under the master key. */
  readonly keys: KeyValue;
  /** Who is there by which gateway; entries expire by themselves. */
  readonly presence: KeyValue;
  readonly timers: Timers;
  readonly transport: Transport;
  readonly numbers: Numbers;
  readonly deadLetters: DeadLetters;
  readonly log: Log;
}
