import type { Place } from "./places/place.ts";

/** Knows how long units take on the roads. */
export interface TravelTimes {
  /** Places that are asked about at once, at most. */
  readonly placesMax: number;
  /**
   * @returns seconds from each of these places, in their order; null where no way is known
   * @throws TravelTimesUnavailable, soon: somebody waits for a unit
   */
  secondsTo(to: Place, from: readonly Place[]): Promise<readonly (number | null)[]>;
}

/** They are not known just now. Its message may be shown to users. */
export class TravelTimesUnavailable extends Error {
  override name = "TravelTimesUnavailable";
}
