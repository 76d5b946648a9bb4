import { isAirborne } from "./plausibility.ts";

/** What helicopters of emergency services cruise at, 216 km/h: which way the roads go is nothing to them. */
const CRUISE_MPS = 60;

/** Who flies there, in a straight line; undefined for whoever takes the road. */
export function flightSeconds(category: string | null, distanceMetres: number): number | undefined {
  return isAirborne(category) ? distanceMetres / CRUISE_MPS : undefined;
}

interface Reach {
  readonly distanceMetres: number | null;
  /** Null where it is not known. */
  readonly travelSeconds: number | null;
}

/** Who is there first goes first. Of whom that is not known go after them, as near as they are. */
export function quickestFirst(a: Reach, b: Reach): number {
  const unknown = Number.POSITIVE_INFINITY;
  const [seconds, others] = [a.travelSeconds ?? unknown, b.travelSeconds ?? unknown];
  if (seconds !== others) return seconds - others;
  return (a.distanceMetres ?? 0) - (b.distanceMetres ?? 0);
}
