/** What was begun in the journal's order and may end in any: up to where all of it has ended. */
export class UnderWay {
  /** Sequences that were begun and have not ended; in order, as that of their beginning. */
  readonly #begun = new Set<number>();

  get size(): number {
    return this.#begun.size;
  }

  begin(sequence: number): void {
    this.#begun.add(sequence);
  }

  end(sequence: number): void {
    this.#begun.delete(sequence);
  }

  /** @param last up to where all was begun */
  endedUpTo(last: number): number {
    const [oldest] = this.#begun;
    return oldest === undefined ? last : oldest - 1;
  }
}
