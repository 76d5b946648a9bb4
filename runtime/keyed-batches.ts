export interface Batching<Item> {
  /** What a batch holds at the most, and weighs; a single item may weigh more. */
  readonly itemsMax: number;
  readonly weightMax: number;
  /** Behind so many of a higher rank that came before it for its key an item waits; it passes the others. */
  readonly passesAfter: number;
  weigh(item: Item): number;
  /** False for what is done alone. */
  joins(item: Item): boolean;
  /** How many batches of a rank may be under way now; asked whenever something comes or ends. */
  room(rank: number): number;
  /** Never rejects. */
  work(items: readonly Item[]): Promise<void>;
}

interface Waiting<Item> {
  readonly item: Item;
  readonly rank: number;
  readonly done: () => void;
}

interface Rank {
  /** Keys of which something waits and nothing is under way, the one that waits longest first. */
  readonly ready: Set<string>;
  underWay: number;
}

/**
 * Does what has the same key one after the other, and the rest side by side, as much as there is room for. What comes for a
 * key meanwhile waits, and is then done together with all of its rank that waits behind it; what finds room, and nothing of
 * its key under way, begins at once. A key of which something of a lower rank waits goes before the others.
 */
export class KeyedBatches<Item> {
  readonly #of: Batching<Item>;
  readonly #waiting = new Map<string, Waiting<Item>[]>();
  readonly #busy = new Set<string>();
  readonly #ranks: readonly Rank[];
  #weight = 0;
  #isStopped = false;

  constructor(ranks: number, of: Batching<Item>) {
    this.#of = of;
    this.#ranks = Array.from({ length: ranks }, () => ({ ready: new Set(), underWay: 0 }));
  }

  /** Of all that waits. */
  get weight(): number {
    return this.#weight;
  }

  /** Nothing is under way; something may wait. */
  get isIdle(): boolean {
    return this.#busy.size === 0;
  }

  /** Resolves once it is done. */
  run(key: string, item: Item, rank = 0): Promise<void> {
    return new Promise((done) => {
      this.#put(key, { item, rank, done });
      this.#weight += this.#of.weigh(item);
      if (!this.#busy.has(key)) this.#ranks[rank]!.ready.add(key);
      this.#begin();
    });
  }

  /** Begins no more. */
  stop(): void {
    this.#isStopped = true;
  }

  #put(key: string, one: Waiting<Item>): void {
    const line = this.#waiting.get(key);
    if (line === undefined) {
      this.#waiting.set(key, [one]);
      return;
    }
    let place = line.length;
    while (place > this.#of.passesAfter && line[place - 1]!.rank > one.rank) place -= 1;
    line.splice(place, 0, one);
  }

  #begin(): void {
    if (this.#isStopped) return;
    for (const [index, rank] of this.#ranks.entries()) {
      for (const key of rank.ready) {
        if (rank.underWay >= this.#of.room(index)) break;
        void this.#work(key, rank);
      }
    }
  }

  async #work(key: string, rank: Rank): Promise<void> {
    for (const { ready } of this.#ranks) ready.delete(key);
    this.#busy.add(key);
    rank.underWay += 1;
    const batch = this.#take(key);
    await this.#of.work(batch.map(({ item }) => item));
    rank.underWay -= 1;
    this.#busy.delete(key);
    for (const { rank: waits } of this.#waiting.get(key) ?? []) this.#ranks[waits]!.ready.add(key);
    for (const { done } of batch) done();
    this.#begin();
  }

  #take(key: string): readonly Waiting<Item>[] {
    const { itemsMax, weightMax, weigh, joins } = this.#of;
    const line = this.#waiting.get(key)!;
    let count = 0;
    let weight = 0;
    for (const { item, rank } of line) {
      const fits = count < itemsMax && weight + weigh(item) <= weightMax;
      if (count > 0 && !(fits && rank === line[0]!.rank && joins(line[0]!.item) && joins(item))) break;
      weight += weigh(item);
      count += 1;
    }
    this.#weight -= weight;
    if (count === line.length) this.#waiting.delete(key);
    return line.splice(0, count);
  }
}
