import { parse } from "csv-parse/sync";
import type { BadRowReason } from "./records.ts";

/** One line of the file that is not blank, as a record or with what is wrong with it. */
export interface CsvLine {
  /** From 1, as an editor counts. */
  readonly lineNumber: number;
  /** Empty where there is a fault. */
  readonly cells: readonly string[];
  readonly fault: { readonly reason: BadRowReason; readonly detail: string } | undefined;
}

/** A longer line is no record of either layout: a file that is not CSV must not fill the memory. */
const LINE_LENGTH_MAX = 65_536;
const DETAIL_LENGTH_MAX = 80;

/** Cells plain or quoted as RFC 4180 has it; each alternative starts with another character, so matching is linear. */
const WELL_FORMED = /^(?:"(?:[^"]|"")*"|[^",]*)(?:,(?:"(?:[^"]|"")*"|[^",]*))*$/;

function faultOf(line: string): BadRowReason | undefined {
  if (line.length > LINE_LENGTH_MAX) return "line_too_long";
  return WELL_FORMED.test(line) ? undefined : "broken_quotes";
}

function parseLines(lines: readonly { lineNumber: number; line: string }[]): CsvLine[] {
  const faults = lines.map(({ line }) => faultOf(line));
  const good = lines.filter((_, index) => faults[index] === undefined).map(({ line }) => line);
  const records: string[][] = parse(good.join("\n"), { record_delimiter: "\n", relax_column_count: true });
  if (records.length !== good.length) throw new Error("a well-formed line must be one record");
  let next = 0;
  return lines.map(({ lineNumber, line }, index) => {
    const reason = faults[index];
    if (reason) return { lineNumber, cells: [], fault: { reason, detail: line.slice(0, DETAIL_LENGTH_MAX) } };
    const cells = records[next] ?? [];
    next += 1;
    return { lineNumber, cells, fault: undefined };
  });
}

/** Splits text into lines without their ends; blank ones are counted and left out. */
async function* numberedLines(text: AsyncIterable<string>) {
  let rest = "";
  let lineNumber = 0;
  const number = (raw: string) => {
    lineNumber += 1;
    return { lineNumber, line: raw.endsWith("\r") ? raw.slice(0, -1) : raw };
  };
  for await (const chunk of text) {
    const lines = (rest + chunk).split("\n");
    // Cut, but long enough to be seen as too long once its end arrives.
    rest = (lines.pop() ?? "").slice(0, LINE_LENGTH_MAX + 2);
    yield lines.map(number).filter(({ line }) => line.trim() !== "");
  }
  if (rest.trim() !== "") yield [number(rest)];
}

/**
 * The lines of a CSV file, some at a time. A line is a record: no cell of the known layouts holds a line break, so a quote
 * left open costs its own line and not the rest of the file.
 * @param text without a byte-order mark
 */
export async function* csvLines(text: AsyncIterable<string>): AsyncGenerator<readonly CsvLine[]> {
  for await (const lines of numberedLines(text)) if (lines.length > 0) yield parseLines(lines);
}
