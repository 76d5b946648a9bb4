import { printable } from "../../server/printable.ts";
import type { RowRead } from "../records.ts";

export interface Column {
  /** Spellings of the header; compared without case, blanks and punctuation. */
  readonly names: readonly string[];
  /** Without it the file cannot be replayed. Any other column may be absent, and then reads as empty. */
  readonly required: boolean;
}

/** One published way to write dispatch records down. */
export interface Layout {
  readonly name: string;
  readonly title: string;
  readonly columns: Readonly<Record<string, Column>>;
  /** @param cell the row's text under a column of this layout, trimmed; empty where there is none */
  read(cell: (column: string) => string, lineNumber: number): RowRead;
}

/** A layout, and where this file has its columns. */
export interface MatchedLayout {
  readonly layout: Layout;
  readonly columnCount: number;
  readonly indexOf: ReadonlyMap<string, number>;
}

/** The file is none of the layouts known. The message is for a person at a terminal. */
export class UnknownLayout extends Error {
  override name = "UnknownLayout";
}

const normalise = (header: string) => header.toLowerCase().replaceAll(/[^a-z0-9]/g, "");

function locate(layout: Layout, headers: readonly string[]): { indexOf: Map<string, number>; missing: string[] } {
  const present = headers.map(normalise);
  const indexOf = new Map<string, number>();
  const missing: string[] = [];
  for (const [key, column] of Object.entries(layout.columns)) {
    const index = column.names.map((name) => present.indexOf(normalise(name))).find((at) => at >= 0);
    if (index !== undefined) indexOf.set(key, index);
    else if (column.required) missing.push(column.names[0] ?? key);
  }
  return { indexOf, missing };
}

/** @throws UnknownLayout naming every known layout and what each would still need */
export function matchLayout(layouts: readonly Layout[], headers: readonly string[]): MatchedLayout {
  const attempts = layouts.map((layout) => ({ layout, ...locate(layout, headers) }));
  const match = attempts.find((attempt) => attempt.missing.length === 0);
  if (match) return { layout: match.layout, columnCount: headers.length, indexOf: match.indexOf };
  throw new UnknownLayout(
    [
      "the first line names none of the layouts known:",
      ...attempts.map(
        ({ layout, missing }) => `  ${layout.name} (${layout.title})\n    missing: ${missing.join(", ")}`,
      ),
      `  columns found: ${printable(headers.slice(0, 40).join(", ").slice(0, 1000))}`,
    ].join("\n"),
  );
}
