import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BenchReport, Cell, Table } from "./case.ts";
import type { Machine } from "./machine.ts";

/** One file of results. */
export interface BenchResult {
  readonly name: string;
  readonly describe: string;
  /** RFC 3339, of the end of the case. */
  readonly date: string;
  readonly machine: Machine;
  readonly options: { readonly seconds: number; readonly rounds: number; readonly quick: boolean };
  readonly report: BenchReport;
}

export async function writeResult(folder: string, result: BenchResult): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${result.name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

/** The page of all results in the folder, those of earlier runs included, in the order of `names`. */
export async function writePage(folder: string, names: readonly string[]): Promise<void> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".json"));
  const results = await Promise.all(
    files.map(async (file): Promise<BenchResult> => JSON.parse(await readFile(join(folder, file), "utf8"))),
  );
  const place = ({ name }: BenchResult) => (names.includes(name) ? names.indexOf(name) : names.length);
  results.sort((a, b) => place(a) - place(b) || a.name.localeCompare(b.name));
  const page = [
    "# Bench results",
    "",
    "Made by `npm run bench`; do not edit. What each bench does, and how to run them: [../README.md](../README.md). The JSON files",
    "beside this page hold every round.",
    "",
    ...results.flatMap(section),
  ];
  await writeFile(join(folder, "README.md"), `${page.join("\n").trimEnd()}\n`);
}

function section({ name, describe, date, machine, options, report }: BenchResult): readonly string[] {
  const quick = options.quick ? " **A quick run: to see that it works, not for its figures.**" : "";
  return [
    `## ${name}`,
    "",
    `${describe}${quick}`,
    "",
    `${date.slice(0, 10)}: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}, ${machine.filesystem}; ` +
      `Node ${machine.node}, nats-server ${machine.natsServer}.`,
    "",
    ...report.tables.flatMap((table) => [`### ${table.title}`, "", ...markdown(table), ""]),
    ...report.failures.map((failure) => `- **${failure}**`),
    ...report.notes.map((note) => `- ${note}`),
    "",
    "Not measured:",
    "",
    ...report.notMeasured.map((what) => `- ${what}`),
    "",
  ];
}

function markdown({ columns, rows }: Table): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const isNumber = (column: number) => rows.some((row) => typeof row[column] === "number");
  return [
    line(columns),
    line(columns.map((_, column) => (isNumber(column) ? "---:" : "---"))),
    ...rows.map((row) => line(row.map(shown))),
  ];
}

/** The same for a terminal. */
export function plainTable({ title, columns, rows }: Table): string {
  const lines = [columns, ...rows.map((row) => row.map(shown))];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const isNumber = (column: number) => rows.some((row) => typeof row[column] === "number");
  const pad = (cell: string, column: number) =>
    isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0);
  return [title, ...lines.map((line) => `  ${line.map(pad).join("  ")}`.trimEnd())].join("\n");
}

const shown = (cell: Cell): string =>
  cell === undefined
    ? "not measured"
    : typeof cell === "number"
      ? cell.toLocaleString("en-GB", { maximumFractionDigits: 3 })
      : cell;
