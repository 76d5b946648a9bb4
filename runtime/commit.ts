import { Grouping } from "./grouping.ts";
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
  /** Below this many, single appends are faster than a group: it depends on where the server puts a batch together. */
  readonly groupMin: number;
  /** Groups under way at once: while the server writes one, the next ones' commands are decided. */
  readonly groupsMax: number;
  /** How long an uncertain outcome is looked into before the sender is told that it is not known. */
  readonly settleMs: number;
}

export const committerDefaults: CommitterOptions = {
  durability: "sync",
  groupMax: 512,
  groupMin: 24,
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
  /** Transactions of one append, and of several. */
  readonly #singles: Grouping<Transaction>;
  readonly #joints: Grouping<Transaction>;

  constructor(journal: Journal, clock: Clock, options: CommitterOptions) {
    this.#journal = journal;
    this.#clock = clock;
    this.#options = options;
    const { groupMin, groupsMax } = options;
    const groupMax = Math.min(options.groupMax, journal.maxBatch);
    const grouping = (groups: { readonly groupMin: number; readonly groupsMax: number }) =>
      new Grouping<Transaction>(
        clock,
        { ...groups, groupMax },
        { weigh: ({ appends }) => appends.length, newGroup: ofDifferentActors, write: (group) => this.#write(group) },
      );
    if (options.durability === "sync") this.#joints = this.#singles = grouping({ groupMin, groupsMax });
    else {
      // However many, one by one; all of a turn in one write to the socket.
      this.#singles = grouping({ groupMin: Number.POSITIVE_INFINITY, groupsMax: 1 });
      // Only these, dear one by one, share their batches then.
      this.#joints = grouping({ groupMin: 1, groupsMax: 1 });
    }
  }

  /** Transactions that are not done yet. */
  get pending(): number {
    return this.#singles.pending + (this.#joints === this.#singles ? 0 : this.#joints.pending);
  }

  /**
   * Appends all of a transaction or nothing.
   * @returns the sequences, or `ok: false` when somebody else had changed one of the actors
   * @throws UncertainOutcome when it could not be found out within `settleMs`
   */
  commit(appends: readonly Append[]): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      (appends.length === 1 ? this.#singles : this.#joints).add({ appends, resolve, reject });
    });
  }

  /** One fence that fails rejects its whole group, so each then goes by itself and finds out about itself. */
  async #write(group: readonly Transaction[]): Promise<void> {
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

/**
 * Two writes to one actor cannot share a batch: both would pass the same fence. (Normally there is one in flight, but a
 * participant that waited too long for its leader goes on while the leader's commit is still queued.)
 */
function ofDifferentActors(): (transaction: Transaction) => boolean {
  const subjects = new Set<string>();
  return ({ appends }) => {
    if (appends.some(({ subject }) => subjects.has(subject))) return false;
    for (const { subject } of appends) subjects.add(subject);
    return true;
  };
}

function isUncertain(error: unknown): boolean {
  return error instanceof UncertainOutcome || error instanceof PortUnavailable;
}
