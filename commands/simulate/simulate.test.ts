import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readText } from "../replay/file-text.ts";
import { planReplay } from "../replay/plan.ts";
import { readCalls } from "../replay/read-calls.ts";
import { heard } from "../testing/heard.ts";
import { simulateDay } from "./day.ts";
import { readSimulateOptions } from "./options.ts";
import { seededRandom } from "./random.ts";
import { SF_EXPORT_HEADERS } from "./sf-export.ts";
import { runSimulate, simulateFile } from "./simulate.ts";

/** As examples/README.md says. */
const EXAMPLE_ARGS = ["--seed", "8"];
const example = fileURLToPath(new URL("../../examples/day.csv", import.meta.url));

function optionsOf(args: readonly string[]) {
  const options = readSimulateOptions(args);
  if (options === "help") throw new Error("not for help");
  return options;
}

async function run(args: readonly string[]) {
  const { out, said } = heard();
  const exitCode = await runSimulate(args, { env: {}, out });
  return { exitCode, ...said() };
}

describe("the example day", () => {
  it("is what the command makes of its options", async () => {
    expect(await readFile(example, "utf8")).toBe(simulateFile(optionsOf(EXAMPLE_ARGS)).text);
  });

  it("is small, has no bad rows, and asks no unit to be at two calls at once", async () => {
    const { rowCount, calls, badRows, repairs } = await readCalls(readText(example));
    expect((await readFile(example)).length).toBeLessThan(300 * 1024);
    expect([calls.length, badRows.total, repairs.size]).toEqual([300, 0, 0]);
    expect(rowCount).toBeGreaterThan(500);
    const held = new Map<string, number>();
    for (const { kind, call, run } of planReplay(calls).steps) {
      if (kind === "assign") {
        expect(held.has(run?.callSign ?? "")).toBe(false);
        held.set(run?.callSign ?? "", call);
      }
      if (kind === "clear") held.delete(run?.callSign ?? "");
    }
    expect(held.size).toBe(0);
  });
});

describe("a simulated day", () => {
  const { rows } = simulateDay({ seed: 3, calls: 500, hours: 24, stations: 6, start: "2024-06-03" });

  it("has the export's 34 columns, and says in every row that it is synthetic", () => {
    expect(SF_EXPORT_HEADERS).toHaveLength(34);
    for (const row of rows) {
      expect(Object.keys(row)).toEqual([...SF_EXPORT_HEADERS]);
      expect(row.City).toBe("SYNTHETIC");
      expect(row["Call Number"]).toMatch(/^99\d{7}$/);
      expect(row["Unit ID"]).toMatch(/^X/);
      expect(row.RowID).toBe(`${row["Call Number"]}-${row["Unit ID"]}`);
    }
    expect(new Set(rows.map((row) => row.RowID)).size).toBe(rows.length);
  });

  it("has big fires, transports, calls called off, and more calls by day than by night", () => {
    const calls = new Map(rows.map((row) => [row["Call Number"], row]));
    const most = Math.max(...[...calls.keys()].map((call) => rows.filter((row) => row["Call Number"] === call).length));
    expect(most).toBeGreaterThan(5);
    expect(rows.some((row) => row["Hospital DtTm"] !== "")).toBe(true);
    expect(rows.some((row) => row["On Scene DtTm"] === "")).toBe(true);
    const hour = (text: string) => (Number(text.slice(11, 13)) % 12) + (text.endsWith("PM") ? 12 : 0);
    const received = [...calls.values()].map((row) => hour(row["Received DtTm"]));
    const within = (from: number, to: number) => received.filter((at) => at >= from && at < to).length;
    expect(within(13, 19)).toBeGreaterThan(2 * within(0, 6));
  });

  it("is the same for the same seed, and another for another", () => {
    const day = (seed: number) =>
      simulateDay({ seed, calls: 20, hours: 3, stations: 2, start: "2024-06-03T06:00" }).rows;
    expect(day(5)).toEqual(day(5));
    expect(day(5)).not.toEqual(day(6));
  });

  it("gets as many calls as its stations and hours would bring", () => {
    const calls = (stations: number, hours: number, start: string) =>
      simulateDay({ seed: 1, calls: undefined, hours, stations, start }).calls;
    expect(calls(8, 24, "2024-06-03")).toBe(300);
    expect(calls(16, 24, "2024-06-03")).toBe(600);
    expect(calls(8, 2, "2024-06-03T03:00")).toBeLessThan(calls(8, 2, "2024-06-03T17:00"));
  });

  it("keeps whole through a night that the clock is changed in", async () => {
    for (const start of ["2024-03-10", "2024-11-03"]) {
      const { text } = simulateFile({ ...optionsOf([]), start, hours: 6, calls: 200, stations: 12 });
      const { calls, badRows, repairs } = await readCalls(
        (async function* () {
          yield text;
        })(),
      );
      expect([calls.length, badRows.total, repairs.get("time_never_was")]).toEqual([200, 0, undefined]);
    }
  });
});

describe("the command", () => {
  it("writes a file, or standard output", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tocsin-simulate-"));
    const file = join(folder, "day.csv");
    expect(await run(["--calls", "7", "--hours", "2", "--out", file])).toMatchObject({ exitCode: 0, result: "" });
    const { result } = await run(["--calls", "7", "--hours", "2"]);
    expect(await readFile(file, "utf8")).toBe(`${result}\n`);
    expect(
      new Set(
        result
          .split("\n")
          .slice(1)
          .map((line) => line.split(",")[0]),
      ).size,
    ).toBe(7);
    await rm(folder, { recursive: true });
    expect((await run(["--calls", "1", "--out", file])).exitCode).toBe(2);
  });

  it.each([
    ["--calls", "0"],
    ["--hours", "x"],
    ["--stations", "100"],
    ["--seed", "-1"],
    ["--start", "soon"],
    ["--wat"],
    ["x"],
  ])("refuses %s %s", async (...args) => {
    const { exitCode, note } = await run(args);
    expect(exitCode).toBe(2);
    expect(note).toContain("--help");
  });

  it("shows its help", async () => {
    expect((await run(["--help"])).result).toContain("Usage:");
  });
});

it("random numbers are the generator's own, whatever the machine", () => {
  const random = seededRandom(1);
  const first = [random.next(), random.next(), random.next()];
  expect(first.map((n) => n.toFixed(9))).toMatchInlineSnapshot(`
    [
      "0.627073941",
      "0.002735721",
      "0.527447040",
    ]
  `);
  expect(first.every((n) => n >= 0 && n < 1)).toBe(true);
});
