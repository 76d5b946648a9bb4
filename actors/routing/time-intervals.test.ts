import { describe, expect, it } from "vitest";
import { type Recurrence, recurrence } from "../../schema/routing/time-interval.ts";
import { contains } from "./time-intervals.ts";

const within = (fields: Recurrence, at: string) => contains([recurrence.parse(fields)], at);

describe("a time interval contains a moment", () => {
  // 2026-03-02 is a Monday.
  it.each<[string, Recurrence, string, boolean]>([
    ["that says nothing else: always", {}, "2026-03-02T12:00:00Z", true],
    ["at the minute it starts", { times: [{ startTime: "09:00", endTime: "17:00" }] }, "2026-03-02T09:00:00Z", true],
    ["not at the minute it ends", { times: [{ startTime: "09:00", endTime: "17:00" }] }, "2026-03-02T17:00:00Z", false],
    ["up to its last second", { times: [{ startTime: "09:00", endTime: "17:00" }] }, "2026-03-02T16:59:59Z", true],
    ["until midnight", { times: [{ startTime: "22:00", endTime: "24:00" }] }, "2026-03-02T23:59:59Z", true],
    ["on a weekday of a range", { weekdays: ["monday:friday"] }, "2026-03-06T00:00:00Z", true],
    ["not on one outside of it", { weekdays: ["monday:friday"] }, "2026-03-07T00:00:00Z", false],
    ["on Sunday, the first day of the week", { weekdays: ["sunday:monday"] }, "2026-03-01T00:00:00Z", true],
    ["on one of several days", { daysOfMonth: ["1:5", "20"] }, "2026-03-20T00:00:00Z", true],
    ["on the last day of a long month", { daysOfMonth: ["-1"] }, "2026-03-31T00:00:00Z", true],
    ["on the last day of February", { daysOfMonth: ["-1"] }, "2026-02-28T00:00:00Z", true],
    ["on the third last of a leap year's February", { daysOfMonth: ["-3:-1"] }, "2028-02-27T00:00:00Z", true],
    ["where a range is cut at the month's end", { daysOfMonth: ["28:31"] }, "2026-02-28T00:00:00Z", true],
    ["not where the range begins after it", { daysOfMonth: ["30:31"] }, "2026-02-28T00:00:00Z", false],
    ["from a day to one counted from the end", { daysOfMonth: ["25:-2"] }, "2026-03-30T00:00:00Z", true],
    ["not after that", { daysOfMonth: ["25:-2"] }, "2026-03-31T00:00:00Z", false],
    ["in a month by its name", { months: ["february:march"] }, "2026-03-02T00:00:00Z", true],
    ["in a month by its number", { months: ["4:12"] }, "2026-03-02T00:00:00Z", false],
    ["in a year", { years: ["2025:2026"] }, "2026-12-31T23:59:59Z", true],
    ["only where every field fits", { weekdays: ["monday"], months: ["april"] }, "2026-03-02T00:00:00Z", false],
    [
      "by the clock of its own zone",
      { weekdays: ["sunday"], timeZone: "America/Los_Angeles" },
      "2026-03-02T07:59:00Z",
      true,
    ],
    ["which is another one elsewhere", { weekdays: ["sunday"], timeZone: "Asia/Tokyo" }, "2026-03-02T07:59:00Z", false],
    [
      "not in the hour that the clocks skip in spring",
      { times: [{ startTime: "02:00", endTime: "03:00" }], timeZone: "America/New_York" },
      "2026-03-08T07:30:00Z",
      false,
    ],
    [
      "in both hours of that name in autumn",
      { times: [{ startTime: "01:00", endTime: "02:00" }], timeZone: "America/New_York" },
      "2026-11-01T06:30:00Z",
      true,
    ],
  ])("%s", (_, fields, at, expected) => expect(within(fields, at)).toBe(expected));
});

describe("a time interval is refused", () => {
  it.each<[string, unknown]>([
    ["over midnight", { times: [{ startTime: "22:00", endTime: "06:00" }] }],
    ["at 24:01", { times: [{ startTime: "22:00", endTime: "24:01" }] }],
    ["from Saturday to Sunday", { weekdays: ["saturday:sunday"] }],
    ["on day 0", { daysOfMonth: ["0"] }],
    ["from the end to a day", { daysOfMonth: ["-3:5"] }],
    ["backwards from the end", { daysOfMonth: ["-1:-3"] }],
    ["in month 13", { months: ["13"] }],
    ["backwards in years", { years: ["2027:2026"] }],
    ["in a zone that is none", { timeZone: "Mars/Olympus" }],
    ["of three parts", { months: ["1:2:3"] }],
  ])("%s", (_, fields) => expect(recurrence.safeParse(fields).success).toBe(false));
});
