import type { Clock } from "./ports/index.ts";

/** Commands of users that a newcomer finds under way, on the average, from which on what can wait does. */
const HIGH = 8;
/** How much each newcomer changes the average: that of the last dozen or so. */
const SMOOTHING = 1 / 12;
/** Without a newcomer for so long nobody presses. */
const OVER_MS = 50;

/**
 * How hard users press. Their commits come in waves, so that the count of a moment tells little: none may be under way
 * between two waves of a flood. What counts is what each newcomer finds before it.
 */
export class Pressure {
  readonly #clock: Clock;
  #underWay = 0;
  #found = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isHigh(): boolean {
    return this.#found > HIGH && this.#clock.monotonicMs() - this.#lastMs < OVER_MS;
  }

  began(): void {
    this.#found += (this.#underWay - this.#found) * SMOOTHING;
    this.#underWay += 1;
    this.#lastMs = this.#clock.monotonicMs();
  }

  ended(): void {
    this.#underWay -= 1;
  }
}
