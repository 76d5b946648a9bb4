import { argumentsOf, UsageError } from "../usage.ts";

export const REPLAY_HELP = `Usage: npm run replay -- FILE [options]

Feeds recorded dispatch calls through the HTTP API of a running server: incidents are created with the
types, priorities and places of the record, units are created and assigned, statuses moved, incidents
resolved and closed, in the order of the record.

FILE is CSV, plain or gzipped, in one of these layouts (known by its first line):
  sf-fire-calls  San Francisco, "Fire Department Calls for Service", as DataSF exports it: one row for each
                 unit sent. A unit is assigned at Dispatch, en route at Response, on scene at On Scene,
                 transporting at Transport and available again at Available; when the last unit is available
                 the incident is resolved, and closed with the Call Final Disposition.
  montco-911     Montgomery County, Pennsylvania, "Emergency 911 Calls": one row for each call. The records
                 hold no unit times and no outcome: where a station is named it is assigned and, to be free
                 for its next call, resolved and closed at once; a call without a station is created and
                 cancelled. There are no priorities: the server's default holds.
No file at hand? examples/day.csv is a small synthetic day.

Options:
  --speed N|max      N times as fast as the records; max (default): as fast as the server answers.
                     At any speed the order of each call's and each unit's steps is kept.
  --limit N          only the N earliest calls. Without it all calls are held in memory (about 1 KB a row).
  --connections N    requests at the same moment, at most (default 32)
  --free-units       first make free those of the file's units that an incident holds: what a replay that
                     was stopped leaves behind. Without it they are refused as long as they are held.
  --json             print the summary as JSON on standard output, and all else on standard error
  --help             this text

Environment:
  TOCSIN_URL         the server (default http://127.0.0.1:$PORT, PORT default 8080)
  TOCSIN_TOKEN       the token (default: the contents of $DATA_DIR/admin.token, DATA_DIR default ./data)

Bad rows are counted and listed, never fatal. Requests that meet a busy or restarting server are sent again
for up to 30 s, with an Idempotency-Key, so that nothing is done twice. Ctrl-C stops and prints the summary.

Exit code: 0 done, 1 server errors or a server that went away, 2 could not begin.`;

export interface ReplayOptions {
  readonly file: string;
  /** Undefined: as fast as the server answers. */
  readonly speed: number | undefined;
  /** Undefined: all calls. */
  readonly limit: number | undefined;
  readonly connections: number;
  readonly freeUnits: boolean;
  readonly json: boolean;
}

const CONNECTIONS_DEFAULT = 32;
const CONNECTIONS_MAX = 1024;
const SPEED_MAX = 1_000_000;

function positiveInteger(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > max)
    throw new UsageError(`--${name} must be a whole number from 1 to ${max}, not "${text}"`);
  return value;
}

function speedOf(text: string): number | undefined {
  if (text === "max") return undefined;
  const value = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || value <= 0 || value > SPEED_MAX)
    throw new UsageError(`--speed must be "max" or a number above 0, up to ${SPEED_MAX}, not "${text}"`);
  return value;
}

function parse(args: readonly string[]) {
  return argumentsOf({
    args: [...args],
    allowPositionals: true,
    options: {
      speed: { type: "string", default: "max" },
      limit: { type: "string" },
      connections: { type: "string", default: String(CONNECTIONS_DEFAULT) },
      "free-units": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
}

/**
 * @returns "help" where help was asked for
 * @throws UsageError
 */
export function readReplayOptions(args: readonly string[]): ReplayOptions | "help" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  const [file, ...others] = positionals;
  if (file === undefined) throw new UsageError("which file? For a start: npm run replay -- examples/day.csv");
  if (others.length > 0) throw new UsageError(`one file at a time; what is "${others[0]}"?`);
  return {
    file,
    speed: speedOf(values.speed),
    limit: values.limit === undefined ? undefined : positiveInteger("limit", values.limit, Number.MAX_SAFE_INTEGER),
    connections: positiveInteger("connections", values.connections, CONNECTIONS_MAX),
    freeUnits: values["free-units"],
    json: values.json,
  };
}
