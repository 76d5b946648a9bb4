import type { Clock } from "../../runtime/ports/index.ts";

const WINDOW_MS = 1_000;

/** How much each of many may do in a second. */
export class Quota {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #perSecond: number;
  /** How often each was here in this window. */
  readonly #counts = new Map<string, number>();
  #window = 0;

  constructor(clock: Pick<Clock, "monotonicMs">, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
  }

  /** @returns false where it was here too often */
  allows(key: string): boolean {
    const window = Math.floor(this.#clock.monotonicMs() / WINDOW_MS);
    if (window !== this.#window) this.#counts.clear();
    this.#window = window;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count <= this.#perSecond;
  }
}
