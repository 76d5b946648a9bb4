import type { Clock } from "../../runtime/ports/index.ts";

/** As long for every feed, so that each gets as much of the processor as another. */
const TURN_MS = 5;

/** Long work on one thread, beside other work: what is being written meanwhile goes on, and feeds take turns. */
export class Turns {
  readonly #clock: Clock;
  #sinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.monotonicMs();
  }

  /** To be called between small pieces. Returns at once while this turn lasts. */
  async next(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#sinceMs < TURN_MS) return;
    await new Promise<void>((resolve) => this.#clock.soon(resolve));
    this.#sinceMs = this.#clock.monotonicMs();
  }
}
