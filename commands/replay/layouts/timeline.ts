import type { Repair } from "../records.ts";
import type { ReadLocalTime } from "./local-time.ts";

/** A time in a row that cannot be read: the row is bad. */
export class UnparsableTime extends Error {
  override name = "UnparsableTime";
}

/**
 * Reads the times of one row in the order in which the steps must have happened.
 *
 * Each step is at or after the one before it. Where the wall clock showed a time twice (the end of daylight-saving time),
 * the earlier of the two is taken unless it would go before the step before it. A step still earlier than the one before
 * it is moved to that one's time.
 */
export class Timeline {
  readonly repairs = new Set<Repair>();
  readonly #read: ReadLocalTime;
  #latestMs = Number.NEGATIVE_INFINITY;

  constructor(read: ReadLocalTime) {
    this.#read = read;
  }

  /** @throws UnparsableTime */
  next(column: string, text: string): number | undefined {
    const candidates = this.#parse(column, text);
    if (!candidates) return undefined;
    const inOrder = candidates.find((ms) => ms >= this.#latestMs);
    if (inOrder === undefined) this.repairs.add("time_out_of_order");
    else this.#latestMs = inOrder;
    return this.#latestMs;
  }

  /**
   * A time beside the chain of steps: neither moved nor moving others.
   * @throws UnparsableTime
   */
  aside(column: string, text: string): number | undefined {
    return this.#parse(column, text)?.[0];
  }

  #parse(column: string, text: string): readonly [number, ...number[]] | undefined {
    if (text === "") return undefined;
    const time = this.#read(text);
    if (!time) throw new UnparsableTime(`${column}: "${text.slice(0, 60)}"`);
    if (time.neverWas) this.repairs.add("time_never_was");
    return time.candidatesMs;
  }
}
