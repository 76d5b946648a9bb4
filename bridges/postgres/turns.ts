import { setImmediate as othersTurn } from "node:timers/promises";

/** As long for every feed, so that each gets as much of the processor as another. */
const TURN_MS = 5;

/** Long work on one thread, beside other work: what is being written meanwhile goes on, and feeds take turns. */
export class Turns {
  #sinceMs = performance.now();

  /** To be called between small pieces. Returns at once while this turn lasts. */
  async next(): Promise<void> {
    if (performance.now() - this.#sinceMs < TURN_MS) return;
    await othersTurn();
    this.#sinceMs = performance.now();
  }
}
