import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { TextClassifier } from "../../actors/classification/text-classifier.ts";
import { textModel } from "../../schema/text-model.ts";
import { runClassifier } from "./classifier.ts";

const folder = mkdtempSync(join(tmpdir(), "tocsin-classifier-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SHIPPED = new URL("../../models/synthetic-calls.json", import.meta.url);
/** As the shipped model was made: see models/README.md. */
const SHIPPED_BY = ["--synthetic", "6000", "--seed", "1", "--date", "2026-01-01"];

async function run(...args: string[]) {
  const written: string[] = [];
  const note = (text: string) => void written.push(text);
  const out = { result: note, note, terminal: undefined };
  const code = await runClassifier(args, { env: {}, out, today: "2026-05-05" });
  return { code, text: written.join("\n") };
}

it("the shipped model is what the command makes, to the byte", async () => {
  const out = join(folder, "again.json");
  const { code, text } = await run(...SHIPPED_BY, "--out", out);
  expect([code, text]).toEqual([0, expect.stringMatching(/right: 9\d\.\d %; always naming .* would be 7\d\.\d %/)]);
  expect(readFileSync(out, "utf8")).toBe(readFileSync(SHIPPED, "utf8"));
});

it("the shipped model understands what a caller says", () => {
  const classifier = new TextClassifier(textModel.parse(JSON.parse(readFileSync(SHIPPED, "utf8"))));
  const meant = (text: string) => classifier.classify(text)?.label;
  expect(meant("There is a strong smell of gas in our hallway")).toBe("gas_leak_natural_and_lp_gases");
  expect(meant("my grandfather has chest pain and cannot breathe")).toBe("medical_incident");
  expect(meant("the kitchen is on fire, flames everywhere in the house")).toBe("structure_fire");
  expect(meant("we are stuck in the elevator")).toBe("elevator_escalator_rescue");
});

it("texts with labels are learned from a file of two columns", async () => {
  const file = join(folder, "calls.csv");
  const rows = Array.from({ length: 40 }, (_, n) =>
    n % 2 ? `"fire, house ${n}",Structure Fire` : `ill person ${n},medical`,
  );
  writeFileSync(file, ["text,label", ...rows].join("\n"));
  const out = join(folder, "own.json");
  expect((await run(file, "--out", out)).text).toContain("right: 100.0 %");
  const model = textModel.parse(JSON.parse(readFileSync(out, "utf8")));
  expect(model).toMatchObject({ name: "calls.csv", date: "2026-05-05", seed: 1 });
  expect(model.classes.map(({ label }) => label)).toEqual(["medical", "structure_fire"]);
});

it("dispatch records are learned from by their titles", async () => {
  const { code, text } = await run("examples/day.csv", "--label", "category");
  expect(code).toBe(0);
  expect(text).toContain("always naming the most frequent class");
});

it.each([
  [[], "a FILE, or --synthetic N"],
  [["a.csv", "--synthetic", "50"], "a FILE, or --synthetic N"],
  [["--synthetic", "5"], "--synthetic must be a whole number"],
  [["a.csv", "--label", "mood"], "--label must be"],
  [["a.csv", "--date", "today"], "--date must be a day"],
  [["/nowhere/at/all.csv"], "ENOENT"],
  [["package.json"], "names none of the layouts known"],
])("%j is refused with what would be right", async (args, why) => {
  const { code, text } = await run(...args);
  expect([code, text]).toEqual([2, expect.stringContaining(why)]);
});
