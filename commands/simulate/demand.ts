import type { DateTime } from "luxon";
import type { Random } from "./random.ts";

/** How busy each hour of the day is, from midnight: quiet before dawn, busiest in the late afternoon. */
const BUSY_BY_HOUR = [
  0.55, 0.48, 0.42, 0.36, 0.33, 0.36, 0.5, 0.75, 0.95, 1.1, 1.2, 1.25, 1.3, 1.28, 1.25, 1.25, 1.3, 1.35, 1.35, 1.3, 1.2,
  1.05, 0.9, 0.7,
] as const;

const HOUR_MS = 3_600_000;

/** A day's calls that one station's crews can carry. */
const CALLS_PER_STATION_AND_DAY = 37.5;

function busyHours(start: DateTime, hours: number) {
  return Array.from({ length: hours }, (_, passed) => {
    const hour = start.plus({ hours: passed });
    return { startMs: hour.toMillis(), weight: BUSY_BY_HOUR[hour.hour] ?? 1 };
  });
}

/** How many calls so many stations would get in that time. */
export function expectedCalls(start: DateTime, hours: number, stations: number): number {
  const sum = (weights: readonly number[]) => weights.reduce((total, weight) => total + weight, 0);
  const share = sum(busyHours(start, hours).map(({ weight }) => weight)) / sum(BUSY_BY_HOUR);
  return Math.max(1, Math.round(stations * CALLS_PER_STATION_AND_DAY * share));
}

/** The whole seconds at which calls come in, milliseconds since the epoch, in order. */
export function drawArrivals(start: DateTime, hours: number, calls: number, random: Random): number[] {
  const slots = busyHours(start, hours);
  return Array.from({ length: calls }, () => {
    const { startMs } = random.weighted(slots);
    return startMs + Math.floor(random.between(0, HOUR_MS) / 1000) * 1000;
  }).sort((a, b) => a - b);
}
