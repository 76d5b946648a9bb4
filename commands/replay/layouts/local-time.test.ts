import { describe, expect, it } from "vitest";
import { localTimeReader } from "./local-time.ts";
import { Timeline } from "./timeline.ts";

const read = localTimeReader("America/Los_Angeles");
const iso = (text: string) => read(text)?.candidatesMs.map((ms) => new Date(ms).toISOString());

describe("wall-clock times", () => {
  it.each([
    ["01/15/2024 12:00:00 AM", "2024-01-15T08:00:00.000Z"],
    ["01/15/2024 12:00:00 PM", "2024-01-15T20:00:00.000Z"],
    ["06/03/2024 01:02:03 pm", "2024-06-03T20:02:03.000Z"],
    ["2024-06-03 13:02:03", "2024-06-03T20:02:03.000Z"],
    ["2024-06-03T13:02:03.999", "2024-06-03T20:02:03.000Z"],
    ["2024-06-03T13:02:03+02:00", "2024-06-03T11:02:03.000Z"],
  ])("%s is %s", (text, expected) => expect(iso(text)).toEqual([expected]));

  it.each([
    "",
    "13/01/2024 01:00:00 PM",
    "02/29/2023 01:00:00 PM",
    "06/03/2024 13:00:00 PM",
    "06/03/2024 00:00:00 AM",
    "2024-06-03 24:61:00",
    "06/03/24 01:00:00 PM",
    "2024 Foo 03 01:00:00 PM",
  ])("%j is none", (text) => expect(read(text)).toBeUndefined());

  it("moves a time that the change in spring skipped on by an hour, and says so", () => {
    expect(iso("03/10/2024 02:30:00 AM")).toEqual(["2024-03-10T10:30:00.000Z"]);
    expect(iso("03/10/2024 03:30:00 AM")).toEqual(["2024-03-10T10:30:00.000Z"]);
    expect(read("03/10/2024 02:30:00 AM")?.neverWas).toBe(true);
    expect(read("03/10/2024 03:30:00 AM")?.neverWas).toBe(false);
  });

  it("knows both times of the hour that autumn repeats", () => {
    expect(iso("11/03/2024 01:30:00 AM")).toEqual(["2024-11-03T08:30:00.000Z", "2024-11-03T09:30:00.000Z"]);
  });
});

describe("a row's timeline", () => {
  it("takes the later of two times where the earlier would go back", () => {
    const timeline = new Timeline(read);
    timeline.next("Received", "11/03/2024 01:50:00 AM");
    expect(new Date(timeline.next("Dispatch", "11/03/2024 01:05:00 AM") ?? 0).toISOString()).toBe(
      "2024-11-03T09:05:00.000Z",
    );
    expect([...timeline.repairs]).toEqual([]);
  });
});
