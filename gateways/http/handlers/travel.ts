import { flightSeconds, quickestFirst } from "../../../actors/resource/travel.ts";
import type { Place } from "../../../runtime/places/place.ts";
import { TravelTimesUnavailable } from "../../../runtime/travel-times.ts";
import type { Sendable } from "./availability.ts";
import type { Services } from "./call.ts";

/** Whoever may be sent, with how long it takes; undefined: nobody was asked, null: it is not known of this one. */
export type Reachable = Sendable & { readonly travelSeconds?: number | null };

export interface Ranked {
  readonly candidates: readonly Reachable[];
  /** Why they are ranked by distance although travel times are configured. */
  readonly travelTimesMissing?: string;
}

/**
 * Quickest first where travel times are configured and can be had; as they came, nearest first, otherwise. Only so many of
 * the nearest are asked about as the provider takes at once: by air they are nearer than all others.
 */
export async function ranked(
  { travelTimes }: Services,
  to: Place | null,
  candidates: readonly Sendable[],
): Promise<Ranked> {
  if (travelTimes === undefined || to === null) return { candidates };
  const flights = candidates.map(({ state, distanceMetres }) => flightSeconds(state.category, distanceMetres ?? 0));
  const driving = candidates
    .flatMap(({ position }, index) => (position === null || flights[index] !== undefined ? [] : [{ index, position }]))
    .slice(0, travelTimes.placesMax);
  try {
    const from = driving.map(({ position: { lat, lon } }) => ({ lat, lon }));
    const seconds = await travelTimes.secondsTo(to, from);
    const drives = new Map(driving.map(({ index }, which) => [index, seconds[which]!]));
    const reachable = candidates.map((one, index) => ({
      ...one,
      travelSeconds: flights[index] ?? drives.get(index) ?? null,
    }));
    return { candidates: reachable.sort(quickestFirst) };
  } catch (error) {
    if (!(error instanceof TravelTimesUnavailable)) throw error;
    return { candidates, travelTimesMissing: error.message };
  }
}
