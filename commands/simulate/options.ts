import { argumentsOf, UsageError } from "../usage.ts";
import { type DayOptions, startOf } from "./day.ts";

export const SIMULATE_HELP = `Usage: npm run simulate -- [options]

Makes up dispatch records of Exampleton, a town that does not exist, in the layout of San Francisco's "Fire
Department Calls for Service" as DataSF exports it: calls by hour of the day and by type, the nearest free units
sent, driving, working, taking patients to hospital. Every row says that it is synthetic. The same options give
the same file. Feed it to a running server with: npm run replay -- FILE

Options:
  --seed N           another number, another day (default 1)
  --calls N          how many calls (default: what the stations would get in that time)
  --hours N          over how many hours (default 24)
  --stations N       how many stations, each with an engine and two ambulances (default 8)
  --start DATE       first day, or day and time, ISO 8601, San Francisco's wall clock (default 2024-06-03)
  --out FILE         where to write (default: standard output)
  --help             this text`;

export interface SimulateOptions extends DayOptions {
  /** Undefined: standard output. */
  readonly out: string | undefined;
}

/** The columns for numbers have four digits for a day's calls, and two for a station. */
const CALLS_MAX = 9_999;
const HOURS_MAX = 24 * 14;
const STATIONS_MAX = 99;
const SEED_MAX = 2 ** 32 - 1;

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new UsageError(`--${name} must be a whole number from ${min} to ${max}, not "${text}"`);
  return value;
}

function parse(args: readonly string[]) {
  return argumentsOf({
    args: [...args],
    options: {
      seed: { type: "string", default: "1" },
      calls: { type: "string" },
      hours: { type: "string", default: "24" },
      stations: { type: "string", default: "8" },
      start: { type: "string", default: "2024-06-03" },
      out: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  }).values;
}

/**
 * @returns "help" where help was asked for
 * @throws UsageError
 */
export function readSimulateOptions(args: readonly string[]): SimulateOptions | "help" {
  const values = parse(args);
  if (values.help) return "help";
  if (!startOf(values.start)) throw new UsageError(`--start must be a date such as 2024-06-03, not "${values.start}"`);
  return {
    seed: wholeNumber("seed", values.seed, 0, SEED_MAX),
    calls: values.calls === undefined ? undefined : wholeNumber("calls", values.calls, 1, CALLS_MAX),
    hours: wholeNumber("hours", values.hours, 1, HOURS_MAX),
    stations: wholeNumber("stations", values.stations, 1, STATIONS_MAX),
    start: values.start,
    out: values.out,
  };
}
