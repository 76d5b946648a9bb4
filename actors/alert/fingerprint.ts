import type { AlertContent } from "../../schema/alert.ts";

/** Reports without a key that fit together are one alert when no more than this lies between one and the next. */
export const FINGERPRINT_WINDOW_MS = 5 * 60_000;

/** About a metre. */
const PLACE_DIGITS = 5;

/**
 * What an alert without a key is known by, beside its source: its type, and its device or else its place. Two calls that
 * have neither may be about two emergencies: they are the same only when they say the same.
 */
export function fingerprintOf({ type, deviceId, location, title, description }: AlertContent): string {
  const about =
    deviceId !== null
      ? ["device", deviceId]
      : location !== null
        ? ["place", location.lat.toFixed(PLACE_DIGITS), location.lon.toFixed(PLACE_DIGITS)]
        : ["words", title, description];
  return JSON.stringify([type, ...about]);
}
