import type { ColumnKind, Row, Table } from "../../runtime/projection.ts";
import { cleanJson, cleanText } from "./clean.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those that mean something to COPY
const SPECIAL = /[\\\t\n\r\u0000]/;
const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** The smallest number of a `real` with all its digits: what is nearer to nothing is refused by PostgreSQL, and is nothing. */
const REAL_MIN = 2 ** -126;

/** How a value of each kind is written, where there is one. */
const FIELDS: Readonly<Record<ColumnKind, (value: unknown) => string>> = {
  plain: (value) =>
    typeof value === "number" ? String(value) : escaped(typeof value === "string" ? value : String(value)),
  real: (value) => String(Math.abs(value as number) < REAL_MIN ? 0 : value),
  json: (value) => escaped(cleanJson(value)),
  list: (value) => escaped(listLiteral(value as readonly string[])),
};

/** Rows in the text format of COPY. */
export function copyText(table: Pick<Table, "columns">, rows: readonly Row[]): string {
  const names = Object.keys(table.columns);
  const fields = names.map((name) => FIELDS[table.columns[name]!]);
  let text = "";
  for (const row of rows) {
    for (let index = 0; index < names.length; index++) {
      const value = row[names[index]!];
      if (index > 0) text += "\t";
      text += value === null || value === undefined ? "\\N" : fields[index]!(value);
    }
    text += "\n";
  }
  return text;
}

function escaped(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return cleanText(text).replace(/[\\\t\n\r]/g, (character) => ESCAPES[character]!);
}

function listLiteral(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replace(/["\\]/g, "\\$&")}"`).join(",")}}`;
}
