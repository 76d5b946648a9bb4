import type { Place } from "../../runtime/places/place.ts";
import type { Clock, Log } from "../../runtime/ports/index.ts";
import { type TravelTimes, TravelTimesUnavailable } from "../../runtime/travel-times.ts";

/** Longer nobody who sends a unit waits to hear which is quicker by some seconds. */
const TIMEOUT_MS = 1_000;
/** After a failure units are ranked without it for so long, at once: not each of them waits for it to fail again. */
const PAUSE_MS = 5_000;
/** The service takes 100 places by default, and one of them is where to. */
const PLACES_MAX = 99;
/** An answer is one number a place. */
const ANSWER_MAX_BYTES = 65_536;
/** Degrees with so many decimals are exact to a decimetre. */
const DECIMALS = 6;

/**
 * Travel times by the table service of OSRM's HTTP API (project-osrm.org, v1), which others speak as well:
 * `GET <url>/lon,lat;lon,lat?sources=…&destinations=…&annotations=duration` → `{code: "Ok", durations: [[seconds | null], …]}`.
 */
export class OsrmTravelTimes implements TravelTimes {
  readonly placesMax = PLACES_MAX;
  readonly #url: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #notBeforeMs = 0;

  /** @param url of the table with its profile: `http://127.0.0.1:5000/table/v1/driving` */
  constructor(url: string, clock: Clock, log: Log) {
    this.#url = url.replace(/\/+$/, "");
    this.#clock = clock;
    this.#log = log;
  }

  async secondsTo(to: Place, from: readonly Place[]): Promise<readonly (number | null)[]> {
    if (from.length === 0) return [];
    if (this.#clock.monotonicMs() < this.#notBeforeMs)
      throw new TravelTimesUnavailable("travel times have failed just now");
    const abort = new AbortController();
    const cancel = this.#clock.after(TIMEOUT_MS, () => abort.abort());
    try {
      const response = await fetch(this.#request(to, from), { signal: abort.signal, redirect: "error" });
      return secondsIn(await textOf(response), from.length);
    } catch (error) {
      this.#notBeforeMs = this.#clock.monotonicMs() + PAUSE_MS;
      this.#log.warn({ error }, "travel times cannot be had: units are ranked by distance");
      const why = abort.signal.aborted ? `did not come within ${TIMEOUT_MS} ms` : "could not be had";
      throw new TravelTimesUnavailable(`travel times ${why}`);
    } finally {
      cancel();
    }
  }

  #request(to: Place, from: readonly Place[]): string {
    const places = [...from, to].map(({ lat, lon }) => `${lon.toFixed(DECIMALS)},${lat.toFixed(DECIMALS)}`).join(";");
    const sources = from.map((_, index) => index).join(";");
    return `${this.#url}/${places}?sources=${sources}&destinations=${from.length}&annotations=duration`;
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > ANSWER_MAX_BYTES) throw new Error(`the answer has more than ${ANSWER_MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  if (!response.ok) throw new Error(`answered ${response.status}: ${text.slice(0, 200)}`);
  return text;
}

/** @throws when it is not the table that was asked for */
function secondsIn(text: string, count: number): readonly (number | null)[] {
  const { code, durations } = JSON.parse(text) as { readonly code?: unknown; readonly durations?: unknown };
  if (code !== "Ok" || !Array.isArray(durations) || durations.length !== count)
    throw new Error(`not a table of ${count} durations: ${text.slice(0, 200)}`);
  return durations.map((row: unknown) => {
    const seconds: unknown = Array.isArray(row) && row.length === 1 ? row[0] : undefined;
    if (seconds === null || (typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0)) return seconds;
    throw new Error(`not a duration: ${JSON.stringify(row).slice(0, 200)}`);
  });
}
