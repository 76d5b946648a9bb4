import type { Clock, Numbers } from "./ports/index.ts";

interface Stock {
  next: number;
  last: number;
  /** Numbers handed out since the last reservation: the size of the next one. */
  used: number;
  readonly waiting: { resolve(n: number): void; reject(error: unknown): void }[];
  reserving: boolean;
}

/** So many at once at the most: what a crash may leave unused. */
const RESERVE_MAX = 256;

/**
 * Hands out numbers of shared counters, each at most once in the whole cluster. It reserves as many at a time as were used
 * during the reservation before, so that a lone caller leaves no gap and a crowd does not wait. A crash, and a refused
 * command, may leave numbers unused: they are unique and rising, not without gaps.
 */
export class NumberDispenser {
  readonly #numbers: Numbers;
  readonly #clock: Clock;
  readonly #stocks = new Map<string, Stock>();

  constructor(numbers: Numbers, clock: Clock) {
    this.#numbers = numbers;
    this.#clock = clock;
  }

  next(counter: string): Promise<number> {
    let stock = this.#stocks.get(counter);
    if (stock === undefined) {
      stock = { next: 1, last: 0, used: 0, waiting: [], reserving: false };
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
    const left = stock.last - stock.next + 1;
    // Reserve ahead only under load: when the last reservation was used up by more than one.
    const wanted = stock.waiting.length > 0 || (stock.used > 8 && left < stock.used / 2);
    if (wanted && !stock.reserving) {
      stock.reserving = true;
      this.#clock.soon(() => void this.#reserve(counter, stock));
    }
  }

  async #reserve(counter: string, stock: Stock): Promise<void> {
    const ahead = stock.used > 8 ? stock.used : 0;
    const count = Math.max(1, Math.min(RESERVE_MAX, Math.max(stock.waiting.length, ahead)));
    stock.used = 0;
    try {
      const value = await this.#numbers.reserve(counter, count);
      if (stock.next > stock.last) {
        stock.next = value - count + 1;
        stock.last = value;
      } else if (stock.last + count === value) {
        stock.last = value;
      } else {
        // Another host reserved in between: what is left of the older range goes first to those who wait.
        const rest = stock.last - stock.next + 1;
        for (let n = 0; n < rest && stock.waiting.length > 0; n++) stock.waiting.shift()!.resolve(stock.next++);
        stock.next = value - count + 1;
        stock.last = value;
      }
    } catch (error) {
      for (const { reject } of stock.waiting.splice(0)) reject(error);
    } finally {
      stock.reserving = false;
      this.#serve(counter, stock);
    }
  }
}
