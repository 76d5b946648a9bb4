import type { Clock, Numbers } from "./ports/index.ts";

interface Stock {
  next: number;
  last: number;
  /** Numbers handed out since the last reservation, which was made then. */
  used: number;
  reservedMs: number;
  readonly waiting: { resolve(n: number): void; reject(error: unknown): void }[];
  reserving: boolean;
}

/** A crowd's reservation lasts about so long: each costs a write to disk, which the commits could have used. */
const AHEAD_MS = 250;
/** So many at once at the most: what a crash may leave unused. */
const RESERVE_MAX = 2_048;
/** Fewer than these in `AHEAD_MS` are no crowd: each then takes its number when it needs it, and none is left unused. */
const CROWD_MIN = 8;

/**
 * Hands out numbers of shared counters, each at most once in the whole cluster. Under load it reserves ahead, as many as
 * the present rate uses up in a quarter of a second; a lone caller leaves no gap. A stop, a crash and a refused command may
 * leave numbers unused: they are unique and rising, not without gaps.
 */
export class NumberDispenser {
  readonly #numbers: Pick<Numbers, "reserve">;
  readonly #clock: Clock;
  readonly #stocks = new Map<string, Stock>();

  constructor(numbers: Pick<Numbers, "reserve">, clock: Clock) {
    this.#numbers = numbers;
    this.#clock = clock;
  }

  next(counter: string): Promise<number> {
    let stock = this.#stocks.get(counter);
    if (stock === undefined) {
      stock = { next: 1, last: 0, used: 0, reservedMs: this.#clock.monotonicMs(), waiting: [], reserving: false };
      this.#stocks.set(counter, stock);
    }
    const { waiting } = stock;
    const number = new Promise<number>((resolve, reject) => {
      waiting.push({ resolve, reject });
    });
    this.#serve(counter, stock);
    return number;
  }

  #serve(counter: string, stock: Stock): void {
    while (stock.waiting.length > 0 && stock.next <= stock.last) {
      stock.waiting.shift()!.resolve(stock.next++);
      stock.used += 1;
    }
    if (stock.reserving) return;
    const left = stock.last - stock.next + 1;
    if (stock.waiting.length > 0 || (left < stock.used && left < this.#ahead(stock) / 2)) {
      stock.reserving = true;
      this.#clock.soon(() => void this.#reserve(counter, stock));
    }
  }

  /** How many a crowd will use soon; 0 when it is no crowd. */
  #ahead({ used, reservedMs }: Stock): number {
    const elapsedMs = Math.max(1, this.#clock.monotonicMs() - reservedMs);
    const soon = (used * AHEAD_MS) / elapsedMs;
    return used < CROWD_MIN || soon < CROWD_MIN ? 0 : Math.min(RESERVE_MAX, Math.ceil(soon));
  }

  async #reserve(counter: string, stock: Stock): Promise<void> {
    const { waiting } = stock;
    const count = Math.min(RESERVE_MAX, Math.max(waiting.length, this.#ahead(stock), 1));
    try {
      const value = await this.#numbers.reserve(counter, count);
      if (stock.next > stock.last) stock.next = value - count + 1;
      else if (stock.last + count !== value) {
        // Another host reserved in between: what is left of the older range goes first, to those who wait.
        while (stock.next <= stock.last && waiting.length > 0) waiting.shift()!.resolve(stock.next++);
        stock.next = value - count + 1;
      }
      stock.last = value;
      stock.used = 0;
      stock.reservedMs = this.#clock.monotonicMs();
    } catch (error) {
      for (const { reject } of waiting.splice(0)) reject(error);
    } finally {
      stock.reserving = false;
      this.#serve(counter, stock);
    }
  }
}
