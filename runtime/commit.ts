import { pause } from "./pause.ts";
import type { Append, AppendResult, Clock, Journal } from "./ports/index.ts";
import { PortUnavailable, UncertainOutcome } from "./ports/index.ts";

/**
 * - `sync`: the server fsyncs before it acknowledges, so commits of many actors share one atomic batch, and one fsync.
 * - `replicated`: the server acknowledges from memory (and its replicas): single appends win throughout.
 */
export type Durability = "sync" | "replicated";

export interface CommitterOptions {
  readonly durability: Durability;
  /** Appends in one group. A server takes at most 1,000; half of it keeps the tail latency down. */
  readonly groupMax: number;
  /** Below this many, single appends are faster than a group (measured: an atomic batch costs about 2 ms of set-up). */
  readonly groupMin: number;
  /** Groups under way at once: while the server writes one, the next ones' commands are decided. */
  readonly groupsMax: number;
  /** How long an uncertain outcome is looked into before the sender is told that it is not known. */
  readonly settleMs: number;
}

export const committerDefaults: CommitterOptions = {
  durability: "sync",
  groupMax: 512,
  groupMin: 10,
  groupsMax: 2,
  settleMs: 30_000,
};

interface Transaction {
  readonly appends: readonly Append[];
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Turns transactions (one actor's append, or several actors' that belong together) into appends, grouped by load.
 *
 * What must never happen: an answer that guesses. A failed fence and an unanswered append are both settled by reading
 * what follows the fence: our own payload there means done, another's means refused, none means to try again; the fence
 * makes the repetition harmless.
 */
export class Committer {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #options: CommitterOptions;
  #queue: Transaction[] = [];
  #singlesInFlight = 0;
  #groupsInFlight = 0;
  /** Transactions in them. */
  #grouped = 0;
  #wakeUpSet = false;

  constructor(journal: Journal, clock: Clock, options: CommitterOptions) {
    this.#journal = journal;
    this.#clock = clock;
    this.#options = options;
  }

  /** Transactions that are not done yet. */
  get pending(): number {
    return this.#queue.length + this.#singlesInFlight + this.#groupsInFlight;
  }

  /**
   * Appends all of a transaction or nothing.
   * @returns the sequences, or `ok: false` when somebody else had changed one of the actors
   * @throws UncertainOutcome when it could not be found out within `settleMs`
   */
  commit(appends: readonly Append[]): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ appends, resolve, reject });
      this.#wakeUp();
    });
  }

  /** Looks at the queue once everything that arrived in this turn is in it: that is what fills a group. */
  #wakeUp(): void {
    if (this.#wakeUpSet || this.#queue.length === 0) return;
    this.#wakeUpSet = true;
    this.#clock.soon(() => {
      this.#wakeUpSet = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#options.durability === "sync") this.#pumpGrouping();
    else this.#pumpSingly();
  }

  /** A group at a time, or a few, while there is load; single appends at once while there is little. */
  #pumpGrouping(): void {
    const { groupMin, groupsMax } = this.#options;
    // Beside a large group a small one would come back alone, and leave the crowd to wait for both.
    if (this.#queue.length >= Math.max(groupMin, this.#grouped / 2)) {
      if (this.#singlesInFlight === 0 && this.#groupsInFlight < groupsMax) this.#sendGroup(this.#takeGroup());
      return;
    }
    if (this.#groupsInFlight > 0) return;
    while (this.#queue.length > 0 && this.#singlesInFlight < this.#options.groupMin)
      this.#sendSingle(this.#queue.shift()!);
  }

  /** Single appends at once; only transactions of several actors, dear one by one, share their batches. */
  #pumpSingly(): void {
    const joint = this.#queue.filter((transaction) => transaction.appends.length > 1);
    for (const transaction of this.#queue) if (transaction.appends.length === 1) this.#sendSingle(transaction);
    this.#queue = joint;
    if (this.#groupsInFlight === 0 && joint.length > 0) this.#sendGroup(this.#takeGroup());
  }

  #takeGroup(): Transaction[] {
    const most = Math.min(this.#options.groupMax, this.#journal.maxBatch);
    // Two writes to one actor cannot share a batch: both would pass the same fence. (Normally there is one in flight, but a
    // participant that waited too long for its leader goes on while the leader's commit is still queued.)
    const subjects = new Set<string>();
    let count = 0;
    for (const { appends } of this.#queue) {
      if (count > 0 && subjects.size + appends.length > most) break;
      if (appends.some(({ subject }) => subjects.has(subject))) break;
      for (const { subject } of appends) subjects.add(subject);
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  #sendSingle(transaction: Transaction): void {
    this.#singlesInFlight += 1;
    void this.#attempt(transaction).then(() => {
      this.#singlesInFlight -= 1;
      this.#wakeUp();
    });
  }

  #sendGroup(group: readonly Transaction[]): void {
    this.#groupsInFlight += 1;
    this.#grouped += group.length;
    void this.#attemptGroup(group).finally(() => {
      this.#groupsInFlight -= 1;
      this.#grouped -= group.length;
      this.#wakeUp();
    });
  }

  /** One fence that fails rejects its whole group, so each then goes by itself and finds out about itself. */
  async #attemptGroup(group: readonly Transaction[]): Promise<void> {
    if (group.length === 1) return this.#attempt(group[0]!);
    try {
      const result = await this.#journal.append(group.flatMap((transaction) => transaction.appends));
      if (result.ok) {
        let from = 0;
        for (const transaction of group) {
          const to = from + transaction.appends.length;
          transaction.resolve({ ok: true, sequences: result.sequences.slice(from, to) });
          from = to;
        }
        return;
      }
    } catch (error) {
      if (!isUncertain(error)) {
        for (const transaction of group) transaction.reject(error);
        return;
      }
    }
    await Promise.all(group.map((transaction) => this.#attempt(transaction)));
  }

  /** Never rejects: its sender hears of a failure. */
  #attempt({ appends, resolve, reject }: Transaction): Promise<void> {
    return this.#appendAndSettle(appends).then(resolve, reject);
  }

  async #appendAndSettle(appends: readonly Append[]): Promise<AppendResult> {
    const giveUpAt = this.#clock.monotonicMs() + this.#options.settleMs;
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await this.#journal.append(appends);
        if (result.ok) return result;
        const settled = await this.#whatFollowsTheFences(appends);
        if (settled !== "nothing") return settled;
      } catch (error) {
        if (!isUncertain(error)) throw error;
        if (this.#clock.monotonicMs() >= giveUpAt) throw new UncertainOutcome("the journal did not answer");
      }
      if (this.#clock.monotonicMs() >= giveUpAt)
        throw new UncertainOutcome("the journal kept refusing without a reason");
      await pause(this.#clock, Math.min(1_000, 10 * 2 ** attempt));
    }
  }

  async #whatFollowsTheFences(appends: readonly Append[]): Promise<AppendResult | "nothing"> {
    const sequences: number[] = [];
    let missing = 0;
    for (const { subject, expectedSequence, payload } of appends) {
      const [next] = await this.#journal.read(subject, expectedSequence, 1);
      if (next === undefined) missing += 1;
      else if (next.payload !== payload) return { ok: false };
      else sequences.push(next.sequence);
    }
    return missing > 0 ? "nothing" : { ok: true, sequences };
  }
}

function isUncertain(error: unknown): boolean {
  return error instanceof UncertainOutcome || error instanceof PortUnavailable;
}
