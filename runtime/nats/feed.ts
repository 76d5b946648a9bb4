import type { Subscription } from "@nats-io/transport-node";
import { type JournalEntry, PortUnavailable } from "../ports/index.ts";
import type { NatsContext } from "./context.ts";
import { followStream } from "./follow.ts";

/** An entry of ours that waits for the one before it this long means: that one is not ours. */
const GAP_MS = 20;
/** How often it is looked at whether others write. */
const LOOK_EVERY_MS = 1_000;
/** More of our own that wait for what comes before them are read from the server instead. */
const WAITING_MAX = 10_000;

export type Following = "alone" | "reading";

interface Follower {
  position: number;
  readonly onEntry: (entry: JournalEntry) => void;
}

/**
 * A stream as it grows, for all in this process who follow it: every entry once, in order, without a gap.
 *
 * What this process appends it knows already: it need not come back from the server, which costs as much as a third of
 * the append. So while nobody else writes, nothing is read. That somebody else does is known by any of these:
 * 1. a hint: a message on the stream's subjects that is not ours (the writing connection has no echo);
 * 2. a gap: an entry of ours waits for the one before it;
 * 3. a doubt: an append without an answer, or a connection that broke;
 * 4. a look: now and then the server is asked for its last sequence.
 * Then the stream is read from where we are, until nothing came for a while that was not ours.
 */
export class StreamFeed {
  readonly #nats: NatsContext;
  readonly #stream: { readonly name: string; readonly subjects: readonly string[] };
  readonly #followers = new Set<Follower>();
  /** Ours, by sequence, whose forerunner is not here yet. */
  readonly #waiting = new Map<number, JournalEntry>();
  /** Read from the server, and not known to be ours: those of this look, and those of the one before. */
  #strange = new Set<number>();
  #strangeBefore = new Set<number>();
  /** Everything up to here was handed over. */
  #position = 0;
  #started: Promise<void> | undefined;
  #stopReading: (() => void) | undefined;
  #hints: Subscription[] = [];
  /** While reading: the last sequence when the hints were subscribed to. */
  #hintedFrom: number | undefined;
  #lastSeenByLook = 0;
  #gapSet = false;
  #stopped = false;
  #cancelLook: () => void = () => undefined;

  constructor(nats: NatsContext, stream: { readonly name: string; readonly subjects: readonly string[] }) {
    this.#nats = nats;
    this.#stream = stream;
  }

  get following(): Following {
    return this.#stopReading === undefined ? "alone" : "reading";
  }

  /** Sequence of the newest entry, 0 for none. */
  async lastSequence(): Promise<number> {
    try {
      return (await this.#nats.jsm.streams.info(this.#stream.name)).state.last_seq;
    } catch (error) {
      throw new PortUnavailable(`the stream ${this.#stream.name} could not be asked: ${error}`);
    }
  }

  /**
   * @param start the sequence after which to begin, or the time
   * @param caughtUp called once, after the entries that exist now
   */
  async follow(
    { after, since }: { readonly after?: number; readonly since?: Date },
    onEntry: (entry: JournalEntry) => void,
    caughtUp: () => void,
  ): Promise<() => void> {
    this.#started ??= this.#start();
    await this.#started;
    const follower: Follower = { position: after ?? 0, onEntry };
    let told = false;
    let stopCatchingUp: () => void = () => undefined;
    /** From where the others are it goes on with them. */
    const join = () => {
      if (!told || follower.position < this.#position || this.#followers.has(follower)) return;
      this.#followers.add(follower);
      stopCatchingUp();
    };
    const from = {
      until: await this.lastSequence(),
      ...(after === undefined ? {} : { after }),
      ...(since && { since }),
    };
    stopCatchingUp = followStream(
      this.#nats,
      this.#stream.name,
      from,
      (entry) => {
        if (this.#followers.has(follower) || entry.sequence <= follower.position) return;
        follower.position = entry.sequence;
        onEntry(entry);
        join();
      },
      () => {
        follower.position = Math.max(follower.position, from.until);
        told = true;
        caughtUp();
        join();
      },
    );
    join();
    if (this.#followers.has(follower)) stopCatchingUp();
    return () => {
      stopCatchingUp();
      this.#followers.delete(follower);
    };
  }

  /** What this process has appended, acknowledged by the server. */
  appended(entries: readonly JournalEntry[]): void {
    if (this.#started === undefined) return;
    for (const entry of entries) {
      const { sequence } = entry;
      if (sequence === this.#position + 1) this.#hand(entry);
      else if (sequence > this.#position) this.#waiting.set(sequence, entry);
      else if (!this.#strange.delete(sequence)) this.#strangeBefore.delete(sequence);
    }
    if (this.#waiting.size > 0) this.#handWaiting();
  }

  /** Something may be in the stream that is ours and that we do not know of. */
  doubt(): void {
    if (this.#started !== undefined) this.#read();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelLook();
    this.#stopReading?.();
    this.#unsubscribe();
    this.#followers.clear();
  }

  async #start(): Promise<void> {
    this.#position = await this.lastSequence();
    this.#lastSeenByLook = this.#position;
    // Until the hints are there, the stream is read.
    this.#read();
    this.#look();
  }

  #hand(entry: JournalEntry): void {
    this.#position = entry.sequence;
    for (const follower of this.#followers) {
      if (entry.sequence <= follower.position) continue;
      follower.position = entry.sequence;
      try {
        follower.onEntry(entry);
      } catch (error) {
        this.#nats.log.error({ stream: this.#stream.name, sequence: entry.sequence, error }, "a follower failed");
      }
    }
  }

  #handWaiting(): void {
    for (const sequence of this.#waiting.keys()) {
      if (sequence > this.#position) break;
      this.#waiting.delete(sequence);
    }
    for (let next = this.#waiting.get(this.#position + 1); next !== undefined; ) {
      this.#waiting.delete(next.sequence);
      this.#hand(next);
      next = this.#waiting.get(this.#position + 1);
    }
    if (this.#waiting.size > WAITING_MAX) {
      this.#waiting.clear();
      this.#read();
    }
    if (this.#waiting.size === 0 || this.#gapSet || this.#stopReading !== undefined) return;
    this.#gapSet = true;
    const stuckAt = this.#position;
    this.#nats.clock.after(GAP_MS, () => {
      this.#gapSet = false;
      if (this.#waiting.size === 0) return;
      if (this.#position === stuckAt) this.#read();
      else this.#handWaiting();
    });
  }

  /** Reads the stream from where we are; while it is read already, it only goes on for longer. */
  #read(): void {
    this.#unsubscribe();
    if (this.#stopped || this.#stopReading !== undefined) return;
    const from = { after: this.#position, until: this.#position };
    this.#stopReading = followStream(
      this.#nats,
      this.#stream.name,
      from,
      (entry) => this.#fromServer(entry),
      () => undefined,
    );
  }

  #fromServer(entry: JournalEntry): void {
    if (this.#stopReading === undefined || entry.sequence <= this.#position) return;
    if (!this.#waiting.delete(entry.sequence)) this.#strange.add(entry.sequence);
    this.#hand(entry);
    if (this.#waiting.size > 0) this.#handWaiting();
  }

  #look(): void {
    this.#cancelLook = this.#nats.clock.after(LOOK_EVERY_MS, () => {
      void (this.#stopReading === undefined ? this.#lookWhileAlone() : this.#lookWhileReading())
        .catch((error: unknown) =>
          this.#nats.log.warn({ stream: this.#stream.name, error }, "a look at a stream failed"),
        )
        .finally(() => {
          if (!this.#stopped) this.#look();
        });
    });
  }

  /** What was the last entry a look ago must have been handed over by now. */
  async #lookWhileAlone(): Promise<void> {
    if (this.#position < this.#lastSeenByLook) this.#read();
    this.#lastSeenByLook = await this.lastSequence();
  }

  /** Nothing strange for a whole look, and hints that were there all the while: nobody else writes. */
  async #lookWhileReading(): Promise<void> {
    const alone =
      this.#hintedFrom !== undefined && this.#position >= this.#hintedFrom && this.#strangeBefore.size === 0;
    if (alone) {
      this.#stopReading?.();
      this.#stopReading = undefined;
      this.#hintedFrom = undefined;
      this.#strange.clear();
      this.#lastSeenByLook = this.#position;
      this.#handWaiting();
      return;
    }
    this.#strangeBefore = this.#strange;
    this.#strange = new Set();
    if (this.#hints.length === 0) await this.#subscribe();
  }

  async #subscribe(): Promise<void> {
    const { nc } = this.#nats.writer;
    this.#hints = this.#stream.subjects.map((subject) => nc.subscribe(subject, { callback: () => this.#read() }));
    const hints = this.#hints;
    await nc.flush();
    const last = await this.lastSequence();
    // A hint that came meanwhile has taken them away again.
    if (this.#hints === hints) this.#hintedFrom = last;
  }

  #unsubscribe(): void {
    for (const hint of this.#hints) hint.unsubscribe();
    this.#hints = [];
    this.#hintedFrom = undefined;
  }
}
