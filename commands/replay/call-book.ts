import type { CallHead, CallRecord, UnitRun } from "./records.ts";

interface OpenCall {
  head: CallHead;
  readonly runs: Map<string, UnitRun>;
}

function compareHeads(a: CallHead, b: CallHead): number {
  return a.receivedAtMs - b.receivedAtMs || (a.key < b.key ? -1 : Number(a.key > b.key));
}

/** Room between two prunings, so that a small limit does not sort at every row. */
const PRUNE_SLACK = 1_000;

/**
 * Gathers the rows of each call, which may stand anywhere in a file. With a limit it holds the earliest calls alone, so
 * that a few can be taken from an export that is larger than memory.
 */
export class CallBook {
  readonly #calls = new Map<string, OpenCall>();
  readonly #limit: number;
  /** Once pruned, the last call kept: a call after it is not wanted any more. */
  #last: CallHead | undefined;

  /** @param limit calls to keep at most */
  constructor(limit: number = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  /** @returns false where the call has a row of this unit already */
  add(head: CallHead, run: UnitRun | undefined): boolean {
    const known = this.#calls.get(head.key);
    if (known) {
      if (!run || known.runs.has(run.callSign)) return false;
      known.runs.set(run.callSign, run);
      // A call is as old as the oldest of its rows says.
      if (head.receivedAtMs < known.head.receivedAtMs) known.head = head;
      return true;
    }
    if (this.#last && compareHeads(head, this.#last) > 0) return true;
    this.#calls.set(head.key, { head, runs: new Map(run ? [[run.callSign, run]] : []) });
    if (this.#calls.size > 2 * this.#limit + PRUNE_SLACK) this.#prune();
    return true;
  }

  /** The calls, earliest first, each with its units in the order of the record. */
  calls(): CallRecord[] {
    this.#prune();
    return [...this.#calls.values()]
      .sort((a, b) => compareHeads(a.head, b.head))
      .map(({ head, runs }) => ({
        ...head,
        runs: [...runs.values()].sort((a, b) => a.dispatchedAtMs - b.dispatchedAtMs || a.sequence - b.sequence),
      }));
  }

  #prune(): void {
    if (this.#calls.size <= this.#limit) return;
    const heads = [...this.#calls.values()].map((call) => call.head).sort(compareHeads);
    this.#last = heads[this.#limit - 1];
    for (const head of heads.slice(this.#limit)) this.#calls.delete(head.key);
  }
}
