import { build } from "hdr-histogram-js";

export interface InFlightResult {
  readonly asked: number;
  readonly askedPerSecond: number;
  readonly latencyMs: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number };
}

/** Microseconds; longer ones are recorded as this. */
const LONGEST_US = 60_000_000;

/**
 * Keeps a number of asks in flight for some seconds: each of `inFlight` lanes asks again when its last one has been answered.
 * Only asks answered within the span are counted.
 *
 * @param ask gets a number that grows by one with each call, over all lanes, from `first` on; it throws when it is refused
 * @returns also the first number that was not used
 */
export async function keepInFlight(
  ask: (index: number) => Promise<void>,
  { inFlight, seconds, first = 0 }: { inFlight: number; seconds: number; first?: number },
): Promise<InFlightResult & { readonly next: number }> {
  const histogram = build({ highestTrackableValue: LONGEST_US, numberOfSignificantValueDigits: 3 });
  let next = first;
  let asked = 0;
  const startedAt = performance.now();
  const endAt = startedAt + seconds * 1_000;
  const lane = async () => {
    for (let askedAt = performance.now(); askedAt < endAt; ) {
      await ask(next++);
      const answeredAt = performance.now();
      if (answeredAt <= endAt) {
        histogram.recordValue(Math.min(LONGEST_US, Math.round((answeredAt - askedAt) * 1_000)));
        asked++;
      }
      askedAt = answeredAt;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const ms = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1_000;
  return {
    asked,
    askedPerSecond: asked / seconds,
    latencyMs: { p50: ms(50), p90: ms(90), p99: ms(99), max: histogram.maxValue / 1_000 },
    next,
  };
}
