import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readText } from "./file-text.ts";
import { planReplay } from "./plan.ts";
import { readCalls } from "./read-calls.ts";

/** Published records, kept beside the project and not in it. */
const folder = fileURLToPath(new URL("../../../shared/data/", import.meta.url));

describe.skipIf(!existsSync(folder))("published records (skipped where ../shared/data is not there)", () => {
  const read = (file: string) => readCalls(readText(folder + file));
  const unitsOf = (calls: Awaited<ReturnType<typeof read>>["calls"]) => planReplay(calls).units.size;

  it("two weeks of San Francisco", async () => {
    const { rowCount, calls, badRows, repairs } = await read(
      "sf-fire-calls/sf_fire_calls_2020-04-07_to_2020-04-20.csv.gz",
    );
    expect([rowCount, calls.length, unitsOf(calls), badRows.total]).toEqual([10_410, 5_292, 199, 0]);
    expect(repairs.get("time_out_of_order")).toBe(17);
    expect(new Date(calls[0]?.receivedAtMs ?? 0).toISOString()).toBe("2020-04-07T07:01:25.000Z");
    expect(new Date(calls.at(-1)?.receivedAtMs ?? 0).toISOString()).toBe("2020-04-21T06:54:07.000Z");
  });

  it("ten years of San Francisco's fires in one neighbourhood", async () => {
    const { rowCount, calls, badRows, repairs } = await read(
      "sf-fire-calls/sf_fire_structure_and_outside_fires_2009_to_2019.csv.gz",
    );
    expect([rowCount, calls.length, unitsOf(calls), badRows.total]).toEqual([4_329, 900, 119, 0]);
    expect(repairs.get("time_out_of_order")).toBe(11);
    expect(Math.max(...calls.map((call) => call.runs.length))).toBe(36);
  });

  it("half a year of Montgomery County", { timeout: 30_000 }, async () => {
    const { rowCount, calls, badRows } = await read("montco-911/montco_911_2016-02-15_to_2016-08-24.csv.gz");
    expect([rowCount, calls.length, badRows.total]).toEqual([73_016, 73_016, 0]);
    expect(calls.filter((call) => call.runs.length === 0)).toHaveLength(25_562);
  });
});
