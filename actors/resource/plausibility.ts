import type { Position } from "../../schema/resource.ts";

/** Why a fix does not move a unit. As Traccar's filters; the limits are the specification's defaults. */
export type Implausible = "in_future" | "older_than_last" | "duplicate" | "inaccurate" | "too_fast";

/** Clocks of trackers run a little ahead. */
const FUTURE_TOLERANCE_MS = 5_000;
const ACCURACY_MAX_METRES = 500;
const SPEED_MAX_MPS = 300_000 / 3_600;
const EARTH_RADIUS_METRES = 6_371_008.8;

/** @returns undefined for a fix that may move the unit */
export function plausible(fix: Position, last: Position | null, now: string): Implausible | undefined {
  const at = Date.parse(fix.at);
  if (at > Date.parse(now) + FUTURE_TOLERANCE_MS) return "in_future";
  if ((fix.accuracyMetres ?? 0) > ACCURACY_MAX_METRES) return "inaccurate";
  if (last === null) return;
  const elapsedMs = at - Date.parse(last.at);
  if (elapsedMs < 0) return "older_than_last";
  const metres = distanceMetres(fix, last);
  if (elapsedMs === 0) return metres === 0 ? "duplicate" : "too_fast";
  return metres / (elapsedMs / 1_000) > SPEED_MAX_MPS ? "too_fast" : undefined;
}

/** Great-circle distance (haversine), right across the antimeridian and at the poles. */
export function distanceMetres(
  a: { readonly lat: number; readonly lon: number },
  b: { readonly lat: number; readonly lon: number },
): number {
  const radians = Math.PI / 180;
  const sinLat = Math.sin(((b.lat - a.lat) * radians) / 2);
  const sinLon = Math.sin(((b.lon - a.lon) * radians) / 2);
  const h = sinLat * sinLat + Math.cos(a.lat * radians) * Math.cos(b.lat * radians) * sinLon * sinLon;
  return 2 * EARTH_RADIUS_METRES * Math.asin(Math.min(1, Math.sqrt(h)));
}
