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
  new RegExp(String.raw`^(?<year>\d{4})[ /](?<month>[a-z]{3}|\d{1,2})[ /](?<day>\d{1,2}) ${CLOCK}(?: ?(?<half>[AP]M))?$`, "i"),
];
const WITH_OFFSET = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})$/;
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

function monthNumber(text: string): number {
  return /^\d/.test(text) ? Number(text) : MONTHS.indexOf(text.toLowerCase()) + 1;
}

/** 12 AM is midnight, 12 PM is noon; undefined for 0 AM or 13 PM, which no clock shows. */
function hourOfDay(hour: number, half: string | undefined): number | undefined {
  if (half === undefined) return hour;
  if (hour < 1 || hour > 12) return undefined;
  return (hour % 12) + (half.toUpperCase() === "PM" ? 12 : 0);
}

/**
 * Reads a wall-clock time of a zone. A text with its own offset is taken at its word.
 * @param zone IANA name
 * @returns undefined where the text is no time
 */
export function parseLocalTime(text: string, zone: string): LocalTime | undefined {
  if (WITH_OFFSET.test(text)) {
    const exact = DateTime.fromISO(text);
    return exact.isValid ? { candidatesMs: [exact.toMillis()], neverWas: false } : undefined;
  }
  for (const spelling of SPELLINGS) {
    const parts = spelling.exec(text)?.groups;
    if (!parts) continue;
    const hour = hourOfDay(Number(parts["hour"]), parts["half"]);
    if (hour === undefined) return undefined;
    const minute = Number(parts["minute"]);
    const time = DateTime.fromObject(
      {
        year: Number(parts["year"]),
        month: monthNumber(parts["month"] ?? ""),
        day: Number(parts["day"]),
        hour,
        minute,
        second: Number(parts["second"] ?? 0),
      },
      { zone },
    );
    if (!time.isValid) return undefined;
    const [first = time.toMillis(), ...later] = time
      .getPossibleOffsets()
      .map((possible) => possible.toMillis())
      .sort((a, b) => a - b);
    return { candidatesMs: [first, ...later], neverWas: time.hour !== hour || time.minute !== minute };
  }
  return undefined;
}
