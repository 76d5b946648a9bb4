import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { timestamp } from "./common.ts";

const issuesOf = (value: unknown) => timestamp.safeParse(value).error?.issues.map(({ message }) => message) ?? [];

describe("a timestamp", () => {
  it.each([
    "2026-03-01T14:05:00Z",
    "2024-02-29T00:00:00.123456789+00:00",
    "1900-01-01T00:00:00+23:59",
    "2199-12-31T23:59:59-23:59",
  ])("may be %s", (said) => expect(issuesOf(said)).toEqual([]));

  it.each(["0000-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"])(
    "is not %s: that is no year of dispatch",
    (said) => expect(issuesOf(said)).toEqual(["a time in the years 1900 to 2199"]),
  );

  it.each([
    "2025-02-29T00:00:00Z",
    "2026-03-01T24:00:00Z",
    "2026-03-01T14:05:00",
    "2026-03-01",
    "+012026-03-01T14:05:00Z",
  ])("is not %s, which is no time as in RFC 3339", (said) =>
    expect(issuesOf(said)).toContain("a time as in RFC 3339, with an offset or Z: 2026-03-01T14:05:00Z"),
  );

  it("has no more digits than anybody measures", () => {
    expect(issuesOf(`2026-03-01T14:05:00.${"1".repeat(1_000)}Z`)).toHaveLength(1);
  });

  it("is, where it is accepted, one that every server knows", () => {
    const digits = (min: number, max: number) =>
      fc.integer({ min, max }).map((one) => String(one).padStart(String(max).length, "0"));
    const parts = fc.tuple(
      digits(1880, 2220),
      digits(1, 12),
      digits(1, 31),
      digits(0, 23),
      digits(0, 59),
      digits(0, 60),
    );
    const zone = fc.oneof(fc.constant("Z"), fc.tuple(fc.constantFrom("+", "-"), digits(0, 23), digits(0, 59)));
    fc.assert(
      fc.property(parts, zone, ([year, month, day, hour, minute, second], at) => {
        const offset = at === "Z" ? at : `${at[0]}${at[1]}:${at[2]}`;
        const said = `${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`;
        if (!timestamp.safeParse(said).success) return;
        expect(new Date(said).toISOString()).toMatch(/^(?:1899|19\d\d|20\d\d|21\d\d|2200)-/);
      }),
    );
  });
});
