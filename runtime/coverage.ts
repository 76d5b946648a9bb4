/**
 * Which journal entries the snapshots do not cover yet. The point up to which they cover everything is what a board may
 * start from: all snapshots, then the journal after that point.
 *
 * It is told of every entry in the journal's order, whoever wrote it, and of every snapshot that was written.
 */
export class Coverage {
  /** First uncovered and newest sequence of each actor that has any; in order of the first. */
  readonly #uncovered = new Map<string, { first: number; newest: number }>();
  #seen: number;
  /** The map's order is that of the first sequences, unless a snapshot has moved one. */
  #moved = false;

  constructor(seen: number) {
    this.#seen = seen;
  }

  /** The journal is told from after this one on. */
  startAfter(sequence: number): void {
    this.#seen = sequence;
  }

  entry(key: string, sequence: number): void {
    if (sequence <= this.#seen) return;
    this.#seen = sequence;
    const known = this.#uncovered.get(key);
    if (known === undefined) this.#uncovered.set(key, { first: sequence, newest: sequence });
    else known.newest = sequence;
  }

  snapshot(key: string, sequence: number): void {
    const known = this.#uncovered.get(key);
    if (known === undefined || sequence < known.first) return;
    this.#uncovered.delete(key);
    // Which entries lie between the snapshot and the newest one is not kept: the actor counts as uncovered from right
    // after the snapshot. Put back at the end it may be out of order, which only `coveredUpTo` has to know.
    if (sequence < known.newest) {
      this.#uncovered.set(key, { first: sequence + 1, newest: known.newest });
      this.#moved = true;
    }
  }

  /** Every entry up to here is in a snapshot. */
  get coveredUpTo(): number {
    let least = this.#seen;
    for (const { first } of this.#uncovered.values()) {
      least = Math.min(least, first - 1);
      if (!this.#moved) break;
    }
    if (this.#uncovered.size === 0) this.#moved = false;
    return least;
  }

  /** Actors without a snapshot of their newest state, longest first. */
  oldest(count: number): readonly string[] {
    const keys: string[] = [];
    for (const key of this.#uncovered.keys()) {
      if (keys.length >= count) break;
      keys.push(key);
    }
    return keys;
  }

  get size(): number {
    return this.#uncovered.size;
  }
}
