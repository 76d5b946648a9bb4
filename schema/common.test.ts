import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { raiseAlerts } from "./alert.ts";
import { createChannel, postMessage } from "./channel.ts";
import { said, timestamp } from "./common.ts";
import { sectionSchemas } from "./configuration.ts";
import { closeIncident, createIncident, escalateIncident } from "./incident.ts";
import { retireResource } from "./resource.ts";

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

describe("a text for people", () => {
  const BLANK = ["", " ", "   ", "\n\t", "\u00a0", "\u3000", "\u200b", "\u200e \u2060"];
  it.each(BLANK.map((text) => JSON.stringify(text)))("is not %s", (text) => {
    expect(said(20).safeParse(JSON.parse(text)).error?.issues).toHaveLength(1);
  });

  it.each(["Smoke", " Smoke ", "煙", "دخان", "🔥", "!", "1"])("may be %o, and is kept as it is", (text) => {
    expect(said(20).parse(text)).toBe(text);
  });

  it("says what is wrong with one that says nothing", () => {
    expect(said(20).safeParse("  ").error?.issues[0]?.message).toBe("more than blanks: it is for people to read");
  });

  const incident = { type: "fire", category: "fire" };
  const alert = { type: "smoke", severity: "high" };
  it.each([
    ["an incident's title", createIncident, (text: string) => ({ ...incident, title: text })],
    ["the reason of a priority", escalateIncident, (text: string) => ({ reason: text })],
    ["what an incident is closed with", closeIncident, (text: string) => ({ disposition: text })],
    ["the reason why a unit goes", retireResource, (text: string) => ({ reason: text })],
    ["an alert's title", raiseAlerts, (text: string) => ({ ...alert, title: text })],
    ["a channel's name", createChannel, (text: string) => ({ kind: "team", name: text })],
    ["a message", postMessage, (text: string) => ({ body: text })],
    ["a label of the agency's", sectionSchemas.dispositions, (text: string) => [{ code: "out", label: text }]],
  ])("is %s", (_what, schema, bodyWith) => {
    expect(schema.safeParse(bodyWith("Fire out")).success).toBe(true);
    expect(schema.safeParse(bodyWith(" \n ")).success).toBe(false);
  });
});
