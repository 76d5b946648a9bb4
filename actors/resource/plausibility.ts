import { distanceMetres } from "../../runtime/places/place.ts";
import type { Position, PositionLimits } from "../../schema/resource.ts";

/** Why a fix does not move a unit. As Traccar's filters. */
export type Implausible = "in_future" | "older_than_last" | "duplicate" | "inaccurate" | "too_fast";

/** Clocks of trackers run a little ahead. */
const FUTURE_TOLERANCE_MS = 5_000;
/** Where an agency says nothing. */
const ACCURACY_MAX_METRES = 500;
const SPEED_MAX_KMH = 300;
const AIRBORNE_SPEED_MAX_KMH = 1_200;
const AIRBORNE: ReadonlySet<string> = new Set(["aircraft", "helicopter", "airplane", "drone"]);

/** It flies: roads are nothing to it. */
export function isAirborne(category: string | null): boolean {
  return category !== null && AIRBORNE.has(category);
}

/** @returns undefined for a fix that may move the unit */
export function plausible(
  fix: Position,
  last: Position | null,
  now: string,
  category: string | null = null,
  { speedMaxKmh, accuracyMaxMetres = ACCURACY_MAX_METRES }: PositionLimits = {},
): Implausible | undefined {
  const at = Date.parse(fix.at);
  if (at > Date.parse(now) + FUTURE_TOLERANCE_MS) return "in_future";
  if ((fix.accuracyMetres ?? 0) > accuracyMaxMetres) return "inaccurate";
  if (last === null) return;
  const elapsedMs = at - Date.parse(last.at);
  if (elapsedMs < 0) return "older_than_last";
  const metres = distanceMetres(fix, last);
  if (elapsedMs === 0) return metres === 0 ? "duplicate" : "too_fast";
  const kmh = (metres / elapsedMs) * 3_600;
  return kmh > (speedMaxKmh ?? (isAirborne(category) ? AIRBORNE_SPEED_MAX_KMH : SPEED_MAX_KMH))
    ? "too_fast"
    : undefined;
}
