import { DateTime } from "luxon";

/** What a wall-clock text may mean. */
export interface LocalTime {
  /** Milliseconds since the epoch: one, or two in the hour that the end of daylight-saving time repeats, earlier first. */
  readonly candidatesMs: readonly [number, ...number[]];
  /** The clock never showed this time: the change to daylight-saving time skipped it. It was moved on by the hour skipped. */
  readonly neverWas: boolean;
}

const CLOCK = String.raw`(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:\.\d{1,9})?)?`;

/** The spellings seen in published exports: the site's CSV over the years, its API, and ISO 8601. */
const SPELLINGS = [
  new RegExp(String.raw`^(?<month>\d{1,2})/(?<day>\d{1,2})/(?<year>\d{4}) ${CLOCK}(?: ?(?<half>[AP]M))?$`, "i"),
  new RegExp(String.raw`^(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})[T ]${CLOCK}$`),
  new RegExp(
    String.raw`^(?<year>\d{4})[ /](?<month>[a-z]{3}|\d{1,2})[ /](?<day>\d{1,2}) ${CLOCK}(?: ?(?<half>[AP]M))?$`,
    "i",
  ),
];
const WITH_OFFSET = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})$/;
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

function partsOf(text: string): Readonly<Record<string, string>> | undefined {
  for (const spelling of SPELLINGS) {
    const parts = spelling.exec(text)?.groups;
    if (parts) return parts;
  }
  return undefined;
}

function monthNumber(text: string): number {
  return /^\d/.test(text) ? Number(text) : MONTHS.indexOf(text.toLowerCase()) + 1;
}

/** 12 AM is midnight, 12 PM is noon; undefined for 0 AM or 13 PM, which no clock shows. */
function hourOfDay(hour: number, half: string | undefined): number | undefined {
  if (half === undefined) return hour;
  if (hour < 1 || hour > 12) return undefined;
  return (hour % 12) + (half.toUpperCase() === "PM" ? 12 : 0);
}

/** The instants at which a clock of the zone showed the start of this hour; undefined where there is no such day or hour. */
function readHour(zone: string, year: number, month: number, day: number, hour: number): LocalTime | undefined {
  const time = DateTime.fromObject({ year, month, day, hour }, { zone });
  if (!time.isValid) return undefined;
  const [first = time.toMillis(), ...later] = time
    .getPossibleOffsets()
    .map((possible) => possible.toMillis())
    .sort((a, b) => a - b);
  return { candidatesMs: [first, ...later], neverWas: time.hour !== hour };
}

export type ReadLocalTime = (text: string) => LocalTime | undefined;

/**
 * Makes a reader of a zone's wall-clock times. A text with its own offset is taken at its word; what is no time at all
 * reads as undefined.
 *
 * The zone's rules are asked once for each hour that occurs: large exports hold tens of millions of times. This is right
 * for zones that change their offset by whole hours on the hour, as all of the United States does.
 * @param zone IANA name
 */
export function localTimeReader(zone: string): ReadLocalTime {
  const hours = new Map<number, LocalTime | undefined>();

  const hourOf = (year: number, month: number, day: number, hour: number) => {
    const key = ((year * 16 + month) * 100 + day) * 100 + hour;
    if (!hours.has(key)) hours.set(key, readHour(zone, year, month, day, hour));
    return hours.get(key);
  };

  return (text) => {
    if (WITH_OFFSET.test(text)) {
      const exact = DateTime.fromISO(text);
      return exact.isValid ? { candidatesMs: [exact.toMillis()], neverWas: false } : undefined;
    }
    const parts = partsOf(text);
    if (!parts) return undefined;
    const hour = hourOfDay(Number(parts["hour"]), parts["half"]);
    const minute = Number(parts["minute"]);
    const second = Number(parts["second"] ?? 0);
    if (hour === undefined || minute > 59 || second > 59) return undefined;
    const start = hourOf(Number(parts["year"]), monthNumber(parts["month"] ?? ""), Number(parts["day"]), hour);
    if (!start) return undefined;
    const pastMs = (minute * 60 + second) * 1000;
    const [first, ...later] = start.candidatesMs;
    return { candidatesMs: [first + pastMs, ...later.map((ms) => ms + pastMs)], neverWas: start.neverWas };
  };
}
