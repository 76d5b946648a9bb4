import { z } from "zod";
import { code } from "../common.ts";

/** Times that come again, as Alertmanager's `time_intervals`: every field given must fit, and of each any one entry. */

export const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const;
export const months = [
  ...["january", "february", "march", "april", "may", "june", "july"],
  ...["august", "september", "october", "november", "december"],
] as const;

/** Both ends belong to it. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

type ReadRange = (text: string) => Range | string;

/** `a` or `a:b`. */
function rangeOf(what: string, numberOf: (word: string) => number | undefined): ReadRange {
  return (text) => {
    const words = text.toLowerCase().split(":");
    const [from, to = from] = words.map((word) => numberOf(word.trim()));
    if (words.length > 2 || from === undefined || to === undefined) return `${what}, or two of them with : between`;
    return from > to ? `${text} ends before it begins` : { from, to };
  };
}

const whole = (least: number, most: number) => (word: string) => {
  const number = /^-?\d{1,4}$/.test(word) ? Number(word) : Number.NaN;
  return number >= least && number <= most ? number : undefined;
};
const named = (names: readonly string[], first: number) => (word: string) => {
  const index = names.indexOf(word);
  return index < 0 ? undefined : index + first;
};

export const readWeekdays = rangeOf("a weekday's English name", named(weekdays, 0));
export const readYears = rangeOf("a year", whole(1970, 9999));
export const readMonths = rangeOf("a month's English name or its number", (word) => {
  return named(months, 1)(word) ?? whole(1, 12)(word);
});

/** -1 is the last day of the month. */
export const readDaysOfMonth: ReadRange = (text) => {
  const words = text.split(":").map((word) => whole(-31, 31)(word.trim()));
  const [from, to = from] = words;
  if (words.length > 2 || !from || !to) return "a day from 1 to 31, or from -31 to -1 counted from the month's end";
  if (from < 0 && to > 0) return "what begins counted from the month's end has to end so";
  // Of a range from the 5th to the 3rd last, only the month knows whether it is one.
  if (from > 0 === to > 0 && from > to) return `${text} ends before it begins`;
  return { from, to };
};

/** Minutes since midnight. */
export function readTime(text: string): number | undefined {
  const [, hours, minutes] = /^(\d\d):(\d\d)$/.exec(text) ?? [];
  const total = Number(hours) * 60 + Number(minutes);
  return Number(minutes) < 60 && total <= 24 * 60 ? total : undefined;
}

const ranges = (read: ReadRange, example: string) =>
  z
    .array(
      z
        .string()
        .max(40)
        .superRefine((text, context) => {
          const range = read(text);
          if (typeof range === "string") context.addIssue({ code: "custom", message: range });
        })
        .meta({ examples: [example] }),
    )
    .min(1)
    .max(50)
    .optional();

const time = z
  .string()
  .max(5)
  .refine((text) => readTime(text) !== undefined, "HH:MM, 24:00 at the latest")
  .meta({ examples: ["09:00"] });

const timeRange = z
  .strictObject({ startTime: time.describe("inclusive"), endTime: time.describe("exclusive") })
  .refine(({ startTime, endTime }) => (readTime(startTime) ?? 0) < (readTime(endTime) ?? 1), {
    message: "it has to end after it begins; one over midnight is written as two",
    path: ["endTime"],
  });

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

export const recurrence = z
  .strictObject({
    times: z.array(timeRange).min(1).max(50).optional(),
    weekdays: ranges(readWeekdays, "monday:friday"),
    daysOfMonth: ranges(readDaysOfMonth, "-3:-1"),
    months: ranges(readMonths, "january:march"),
    years: ranges(readYears, "2026:2028"),
    timeZone: z
      .string()
      .max(60)
      .refine(isTimeZone, "a time zone's IANA name, such as America/Los_Angeles")
      .optional()
      .meta({ description: "default: UTC", examples: ["America/Los_Angeles"] }),
  })
  .meta({ id: "Recurrence" });
export type Recurrence = Readonly<z.infer<typeof recurrence>>;

export const timeInterval = z.strictObject({ name: code, intervals: z.array(recurrence).min(1).max(50) });
