import { DateTime } from "luxon";
import {
  type Range,
  type Recurrence,
  readDaysOfMonth,
  readMonths,
  readTime,
  readWeekdays,
  readYears,
} from "../../schema/routing/time-interval.ts";

/**
 * Whether a moment (RFC 3339) belongs to one of these, by the wall clock of each one's time zone.
 * Source: Alertmanager's `timeinterval.ContainsTime`.
 */
export function contains(recurrences: readonly Recurrence[], at: string): boolean {
  return recurrences.some((recurrence) => containsOne(recurrence, at));
}

function containsOne({ times, weekdays, daysOfMonth, months, years, timeZone = "UTC" }: Recurrence, at: string) {
  const time = DateTime.fromISO(at, { zone: timeZone });
  const minutes = time.hour * 60 + time.minute;
  const inTimes = times?.some(
    ({ startTime, endTime }) => minutes >= readTime(startTime)! && minutes < readTime(endTime)!,
  );
  return (
    inTimes !== false &&
    // Luxon's Sunday is 7, ours 0.
    isIn(weekdays, readWeekdays, time.weekday % 7) &&
    (daysOfMonth?.some((days) => isInMonth(readDaysOfMonth(days) as Range, time.day, time.daysInMonth!)) ?? true) &&
    isIn(months, readMonths, time.month) &&
    isIn(years, readYears, time.year)
  );
}

function isIn(texts: readonly string[] | undefined, read: (text: string) => Range | string, value: number): boolean {
  if (texts === undefined) return true;
  return texts.some((text) => {
    const { from, to } = read(text) as Range;
    return value >= from && value <= to;
  });
}

/** A range is cut at the month's end; one that begins after it has no day in that month. */
function isInMonth({ from, to }: Range, day: number, daysInMonth: number): boolean {
  const fromStart = (dayOrEnd: number) => (dayOrEnd < 0 ? daysInMonth + dayOrEnd + 1 : dayOrEnd);
  return day >= fromStart(from) && day <= fromStart(to) && fromStart(from) <= daysInMonth;
}
