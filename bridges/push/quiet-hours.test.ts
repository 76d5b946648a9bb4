import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quietUntil } from "./quiet-hours.ts";

const quiet = (timeZone: string, from: string, to: string) => ({
  quietHours: { from, to, timeZone },
  messages: "all" as const,
});
const until = (timeZone: string, from: string, to: string, now: string) =>
  quietUntil(quiet(timeZone, from, to), Date.parse(now));

/** What a clock on the wall shows there. */
function clockIn(timeZone: string, ms: number): string {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return format.format(ms);
}

describe("quiet hours", () => {
  it.each([
    ["Berlin in winter", "Europe/Berlin", "2026-01-10T22:30:00Z", "2026-01-11T05:00:00.000Z"],
    ["Berlin in summer", "Europe/Berlin", "2026-07-10T22:30:00Z", "2026-07-11T04:00:00.000Z"],
    ["the night in which Berlin loses an hour", "Europe/Berlin", "2026-03-28T21:30:00Z", "2026-03-29T04:00:00.000Z"],
    ["the same night, after the change", "Europe/Berlin", "2026-03-29T01:30:00Z", "2026-03-29T04:00:00.000Z"],
    ["the night in which Berlin gains one", "Europe/Berlin", "2026-10-24T21:30:00Z", "2026-10-25T05:00:00.000Z"],
    ["the hour that comes twice, the first time", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T05:00:00.000Z"],
    ["the second time", "Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T05:00:00.000Z"],
    ["New York, in autumn", "America/New_York", "2026-11-01T03:00:00Z", "2026-11-01T11:00:00.000Z"],
    ["Sydney, where spring comes in October", "Australia/Sydney", "2026-10-03T13:00:00Z", "2026-10-03T19:00:00.000Z"],
    ["Lord Howe, half an hour at a time", "Australia/Lord_Howe", "2026-10-03T13:00:00Z", "2026-10-03T19:00:00.000Z"],
    ["Kathmandu, which has never changed", "Asia/Kathmandu", "2026-10-24T18:00:00Z", "2026-10-25T00:15:00.000Z"],
  ])("last until six in the morning there: %s", (_name, zone, now, end) => {
    expect(until(zone, "22:00", "06:00", now)).toBe(end);
  });

  it.each([
    ["Europe/Berlin", "2026-03-28T20:59:59.999Z", "2026-03-28T21:00:00Z"],
    ["Europe/Berlin", "2026-10-24T19:59:59.999Z", "2026-10-24T20:00:00Z"],
  ])("begin to the second in %s, and end so", (zone, before, from) => {
    expect(until(zone, "22:00", "06:00", before)).toBeUndefined();
    const end = until(zone, "22:00", "06:00", from)!;
    expect(clockIn(zone, Date.parse(end))).toBe("06:00");
    expect(until(zone, "22:00", "06:00", new Date(Date.parse(end) - 1).toISOString())).toBe(end);
    expect(until(zone, "22:00", "06:00", end)).toBeUndefined();
  });

  it("hold where the clock says so, in any zone at any time, but for the hour that a change takes or gives", () => {
    const zones = ["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"];
    const clock = fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map((parts) => parts.map((part) => String(part).padStart(2, "0")).join(":"));
    const [first, last] = [Date.parse("2025-01-01T00:00:00Z"), Date.parse("2030-01-01T00:00:00Z")];
    const HOUR_MS = 3_600_000;
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        clock,
        clock,
        fc.integer({ min: first, max: last }),
        (zone, from, to, now) => {
          fc.pre(from !== to);
          const shown = clockIn(zone, now);
          const inside = from < to ? from <= shown && shown < to : shown >= from || shown < to;
          // A day as long as any other: what happens around a change is told by the examples.
          const noon = clockIn(zone, now - 30 * HOUR_MS) === clockIn(zone, now + 42 * HOUR_MS);
          fc.pre(noon);
          const end = quietUntil(quiet(zone, from, to), now);
          expect(end !== undefined).toBe(inside);
          if (end === undefined) return;
          expect(clockIn(zone, Date.parse(end))).toBe(to);
          expect(Date.parse(end)).toBeGreaterThan(now);
          expect(Date.parse(end) - now).toBeLessThanOrEqual(24 * HOUR_MS);
        },
      ),
    );
  });

  it("of nobody, or of a zone that there is none of any more, hold nothing back", () => {
    expect(quietUntil({ quietHours: null, messages: "all" }, 0)).toBeUndefined();
    expect(until("Mars/Olympus", "00:00", "23:59", "2026-01-01T12:00:00Z")).toBeUndefined();
  });
});
