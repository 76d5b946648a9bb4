import type { JournalEntry } from "../../runtime/ports/index.ts";

/** An entry of the journal, and whom it concerns. */
export interface Told extends JournalEntry {
  readonly kind: string;
  readonly id: string;
  readonly agency: string;
  /** Agencies that it was shared with after it. */
  readonly guests: readonly string[];
  /** Agencies that it was shared with before it, and not any more. */
  readonly left: readonly string[];
}

/** The newest entries of the journal, without a gap: what a client that was away for seconds is told from. */
export class RecentEvents {
  readonly #max: number;
  readonly #maxCharacters: number;
  /** By sequence modulo `max`. */
  readonly #entries: Told[] = [];
  #first: number;
  #next: number;
  #characters = 0;

  /** @param after the journal's sequence that the first entry follows on */
  constructor(after: number, max = 100_000, maxCharacters = 64_000_000) {
    this.#max = max;
    this.#maxCharacters = maxCharacters;
    this.#first = after + 1;
    this.#next = after + 1;
  }

  /** Sequence of the newest entry of the journal that came by. */
  get sequence(): number {
    return this.#next - 1;
  }

  /** Every entry from here on is kept. */
  get first(): number {
    return this.#first;
  }

  push(told: Told): void {
    this.#entries[told.sequence % this.#max] = told;
    this.#next = told.sequence + 1;
    this.#characters += told.payload.length;
    while (this.#next - this.#first > this.#max || this.#characters > this.#maxCharacters) {
      this.#characters -= this.#at(this.#first).payload.length;
      this.#first += 1;
    }
  }

  /** Begins anew: what came before is not known to be whole. */
  clear(after: number): void {
    this.#entries.length = 0;
    this.#characters = 0;
    this.#first = after + 1;
    this.#next = after + 1;
  }

  get(sequence: number): Told | undefined {
    return sequence < this.#first || sequence >= this.#next ? undefined : this.#at(sequence);
  }

  #at(sequence: number): Told {
    return this.#entries[sequence % this.#max]!;
  }
}
