let lastMs = Number.NaN;
let last = "";

/** A time as RFC 3339, UTC. Made once for a millisecond: thousands of reports are looked at in each second. */
export function isoTime(ms: number): string {
  if (ms !== lastMs) {
    last = new Date(ms).toISOString();
    lastMs = ms;
  }
  return last;
}
