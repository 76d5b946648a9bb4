import { DateTime } from "luxon";
import { CALL_KINDS, type CallKind, type Outcome } from "./call-kinds.ts";
import { drawArrivals, expectedCalls } from "./demand.ts";
import { Fleet } from "./fleet.ts";
import { type Random, seededRandom } from "./random.ts";
import { degrees, drawScene, nearest, REGION_NAME, type Scene } from "./region.ts";
import { Response, type UnitResponse } from "./response.ts";
import type { SfExportRow } from "./sf-export.ts";

/** The layout's wall clock. */
export const EXPORT_TIME_ZONE = "America/Los_Angeles";

export interface DayOptions {
  readonly seed: number;
  /** Undefined: as many as the stations would get in that time. */
  readonly calls: number | undefined;
  readonly hours: number;
  readonly stations: number;
  /** A date, or a date and time, ISO 8601, by the wall clock of the layout's zone. */
  readonly start: string;
}

export interface SimulatedDay {
  readonly calls: number;
  readonly units: number;
  readonly rows: readonly SfExportRow[];
}

/** A watch begins at 8 in the morning. */
const WATCH_BEGINS_HOUR = 8;
const SECOND_MS = 1_000;

interface SimulatedCall {
  readonly number: number;
  readonly kind: CallKind;
  readonly outcome: Outcome;
  readonly scene: Scene;
  readonly priorities: readonly [string, string, string];
  readonly receivedMs: number;
  readonly entryMs: number;
  readonly responses: readonly UnitResponse[];
}

function simulateCall(number: number, receivedMs: number, fleet: Fleet, random: Random): SimulatedCall {
  const kind = random.weighted(CALL_KINDS);
  const outcome = random.weighted(kind.outcomes);
  const scene = drawScene(random);
  const entryMs = receivedMs + (20 + random.below(60)) * SECOND_MS;
  const dispatchMs = entryMs + (8 + random.below(50)) * SECOND_MS;
  const priorities = random.pick(kind.priorities);
  const responses = new Response(fleet, random, scene.place, outcome).run(random.pick(kind.sent), dispatchMs);
  return { number, kind, outcome, scene, priorities, receivedMs, entryMs, responses };
}

const local = (ms: number) => DateTime.fromMillis(ms, { zone: EXPORT_TIME_ZONE, locale: "en-US" });
const date = (ms: number) => local(ms).toFormat("MM/dd/yyyy");
const time = (ms: number | undefined) => (ms === undefined ? "" : local(ms).toFormat("MM/dd/yyyy hh:mm:ss a"));
const watchDate = (ms: number) => local(ms).minus({ hours: WATCH_BEGINS_HOUR }).toFormat("MM/dd/yyyy");

/** Every row says that it is made up: by its city, its box, its neighbourhood and its numbers, which begin with 99. */
function rowsOf(call: SimulatedCall, fleet: Fleet): SfExportRow[] {
  const { kind, scene, responses, receivedMs } = call;
  const dayOfYear = String(local(receivedMs).ordinal).padStart(3, "0");
  const callNumber = `99${dayOfYear}${String(call.number).padStart(4, "0")}`;
  const station = String(nearest(fleet.units, scene.place, (unit) => unit.home)?.station ?? 1).padStart(2, "0");
  const { lat, lon } = degrees(scene.place);
  return responses.map((response, index) => ({
    "Call Number": callNumber,
    "Unit ID": response.unit.callSign,
    "Incident Number": `99${String(call.number).padStart(6, "0")}`,
    "Call Type": kind.type,
    "Call Date": date(receivedMs),
    "Watch Date": watchDate(receivedMs),
    "Received DtTm": time(receivedMs),
    "Entry DtTm": time(call.entryMs),
    "Dispatch DtTm": time(response.dispatchMs),
    "Response DtTm": time(response.responseMs),
    "On Scene DtTm": time(response.onSceneMs),
    "Transport DtTm": time(response.transportMs),
    "Hospital DtTm": time(response.hospitalMs),
    "Call Final Disposition": call.outcome.disposition,
    "Available DtTm": time(response.availableMs),
    Address: scene.address,
    City: "SYNTHETIC",
    "Zipcode of Incident": "00000",
    Battalion: "XB01",
    "Station Area": station,
    Box: "SYN",
    "Original Priority": call.priorities[0],
    Priority: call.priorities[1],
    "Final Priority": call.priorities[2],
    "ALS Unit": String(response.unit.kind === "MEDIC" || response.unit.kind === "ENGINE"),
    "Call Type Group": kind.group,
    "Number of Alarms": call.outcome.secondAlarm ? "2" : "1",
    "Unit Type": response.unit.kind,
    "Unit sequence in call dispatch": String(index + 1),
    "Fire Prevention District": "None",
    "Supervisor District": "None",
    "Neighborhooods - Analysis Boundaries": `${REGION_NAME} (synthetic)`,
    Location: `(${lat.toFixed(6)}, ${lon.toFixed(6)})`,
    RowID: `${callNumber}-${response.unit.callSign}`,
  }));
}

/** @returns undefined where the text is no date */
export function startOf(text: string): DateTime | undefined {
  const start = DateTime.fromISO(text, { zone: EXPORT_TIME_ZONE });
  return start.isValid ? start : undefined;
}

/**
 * Makes up calls, and sends units to them: the nearest free ones, which drive, work, take patients to hospital and drive
 * home. The same options give the same rows, on every machine.
 * @throws RangeError where the start is no date
 */
export function simulateDay({ seed, hours, stations, ...options }: DayOptions): SimulatedDay {
  const start = startOf(options.start);
  if (!start) throw new RangeError(`"${options.start}" is no date`);
  const random = seededRandom(seed);
  const fleet = new Fleet(stations);
  const arrivals = drawArrivals(start, hours, options.calls ?? expectedCalls(start, hours, stations), random);
  const calls = arrivals.map((receivedMs, index) => simulateCall(index + 1, receivedMs, fleet, random));
  return { calls: calls.length, units: fleet.units.length, rows: calls.flatMap((call) => rowsOf(call, fleet)) };
}
