import type { Clock } from "./ports/index.ts";

export interface GroupingOptions {
  /** What a group may weigh. */
  readonly groupMax: number;
  /** Lighter than this, one by one is faster than a group, and so many are written so at once. */
  readonly groupMin: number;
  /** Groups under way at once. */
  readonly groupsMax: number;
}

export interface Groupable<Item> {
  /** What counts against `groupMax`; one at least. */
  weigh(item: Item): number;
  /** @returns what says of each item, in their order, whether it may stand in one group with those before it */
  newGroup?(): (item: Item) => boolean;
  /** One item, or a group. Never rejects. */
  write(items: readonly Item[]): Promise<void>;
}

/**
 * What is written one by one while there is little of it, and in groups while there is much: a group costs more than a
 * single one to set up, and nothing more for each that is in it. Items are begun in the order in which they came, those that
 * go ahead before the others.
 */
export class Grouping<Item> {
  readonly #clock: Pick<Clock, "soon">;
  readonly #options: GroupingOptions;
  readonly #of: Groupable<Item>;
  #queue: Item[] = [];
  /** So many of its first ones go ahead of the others. */
  #ahead = 0;
  /** What is in the queue weighs so much, and what is in groups under way. */
  #queued = 0;
  #grouped = 0;
  #singlesInFlight = 0;
  #groupsInFlight = 0;
  #wakeUpSet = false;

  constructor(clock: Pick<Clock, "soon">, options: GroupingOptions, of: Groupable<Item>) {
    this.#clock = clock;
    this.#options = options;
    this.#of = of;
  }

  /** Items that wait, and writes that are under way. */
  get pending(): number {
    return this.#queue.length + this.#singlesInFlight + this.#groupsInFlight;
  }

  add(item: Item, goesAhead = false): void {
    if (goesAhead) this.#queue.splice(this.#ahead++, 0, item);
    else this.#queue.push(item);
    this.#queued += this.#of.weigh(item);
    this.#wakeUp();
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
    const { groupMin, groupsMax } = this.#options;
    // Beside a large group a small one would come back alone, and leave the crowd to wait for both.
    if (this.#queued >= Math.max(groupMin, this.#grouped / 2)) {
      if (this.#singlesInFlight === 0 && this.#groupsInFlight < groupsMax) this.#writeGroup(this.#take());
      return;
    }
    if (this.#groupsInFlight > 0) return;
    while (this.#queue.length > 0 && this.#singlesInFlight < groupMin) this.#writeSingle(this.#taken(1)[0]!);
  }

  #take(): readonly Item[] {
    const mayJoin = this.#of.newGroup?.() ?? (() => true);
    let count = 0;
    let weight = 0;
    for (const item of this.#queue) {
      const more = this.#of.weigh(item);
      if (count > 0 && weight + more > this.#options.groupMax) break;
      if (!mayJoin(item)) break;
      weight += more;
      count += 1;
    }
    return this.#taken(count);
  }

  #taken(count: number): readonly Item[] {
    this.#ahead = Math.max(0, this.#ahead - count);
    return this.#queue.splice(0, count);
  }

  #writeSingle(item: Item): void {
    this.#queued -= this.#of.weigh(item);
    this.#singlesInFlight += 1;
    void this.#of.write([item]).then(() => {
      this.#singlesInFlight -= 1;
      this.#wakeUp();
    });
  }

  #writeGroup(group: readonly Item[]): void {
    const weight = group.reduce((sum, item) => sum + this.#of.weigh(item), 0);
    this.#queued -= weight;
    this.#grouped += weight;
    this.#groupsInFlight += 1;
    void this.#of.write(group).then(() => {
      this.#grouped -= weight;
      this.#groupsInFlight -= 1;
      this.#wakeUp();
    });
  }
}
