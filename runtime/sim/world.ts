import { randomOf } from "./random.ts";

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** How often, of a thousand, each fault happens. All zero: a quiet world. */
export interface Faults {
  readonly requestLost: number;
  readonly answerLost: number;
  readonly doubled: number;
  /** Arrives long after its sender has given up. */
  readonly late: number;
  readonly readFails: number;
}

export const noFaults: Faults = { requestLost: 0, answerLost: 0, doubled: 0, late: 0, readFails: 0 };

const LATENCY_MAX_MS = 5;
/** No message is under way for longer. */
export const LATE_MAX_MS = 8_000;
/** How long a sender waits for an answer that does not come. */
export const SIM_TIMEOUT_MS = 1_000;

/** Virtual time, one seeded source of chance, and nothing else: the same seed gives the same run, event by event. */
export class World {
  readonly random: () => number;
  faults: Faults = noFaults;
  nowMs = 0;
  #order = 0;
  /** A binary heap, soonest first. */
  readonly #events: Event[] = [];

  constructor(seed: number) {
    this.random = randomOf(seed);
  }

  at(delayMs: number, run: () => void): void {
    this.#events.push({ atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, run });
    this.#rise(this.#events.length - 1);
  }

  chance(perThousand: number): boolean {
    return this.random() * 1_000 < perThousand;
  }

  between(low: number, high: number): number {
    return low + Math.floor(this.random() * (high - low + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)]!;
  }

  latencyMs(): number {
    return this.random() * LATENCY_MAX_MS;
  }

  latenessMs(): number {
    return this.chance(this.faults.late) ? this.random() * LATE_MAX_MS : this.latencyMs();
  }

  /**
   * Lets time pass until `until()` holds.
   * @throws when virtual time runs past the limit: something waits for what never comes
   */
  async run(until: () => boolean, limitMs: number): Promise<void> {
    while (!until()) {
      const next = this.#pop();
      if (next === undefined) throw new Error(`nothing is left to happen at ${this.nowMs} ms, and it is not over`);
      if (next.atMs > limitMs) throw new Error(`not over after ${limitMs} ms of virtual time`);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
      // All promises that this settled run before anything else happens.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  #pop(): Event | undefined {
    const first = this.#events[0];
    const last = this.#events.pop();
    if (first === undefined || last === undefined) return;
    if (first !== last) {
      this.#events[0] = last;
      this.#sink(0);
    }
    return first;
  }

  #rise(from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#before(index, parent)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #sink(from: number): void {
    let index = from;
    for (;;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.#events.length && this.#before(child, least)) least = child;
      }
      if (least === index) return;
      this.#swap(index, least);
      index = least;
    }
  }

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#events[a]!, this.#events[b]!];
    return x.atMs < y.atMs || (x.atMs === y.atMs && x.order < y.order);
  }

  #swap(a: number, b: number): void {
    [this.#events[a], this.#events[b]] = [this.#events[b]!, this.#events[a]!];
  }
}
