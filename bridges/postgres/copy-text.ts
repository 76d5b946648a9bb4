import type { ColumnKind, Row, Table } from "../../runtime/projection.ts";
import { cleanJson, cleanText } from "./clean.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those that mean something to COPY
const SPECIAL = /[\\\t\n\r\u0000]/;
const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** The smallest number of a `real` with all its digits: what is nearer to nothing is refused by PostgreSQL, and is nothing. */
const REAL_MIN = 2 ** -126;

/** Rows in the text format of COPY. */
export function copyText(table: Pick<Table, "columns">, rows: readonly Row[]): string {
  const columns = Object.entries<ColumnKind>(table.columns);
  let text = "";
  for (const row of rows) {
    for (let index = 0; index < columns.length; index++) {
      const [name, kind] = columns[index]!;
      const value = row[name];
      const field = value === null || value === undefined ? "\\N" : fieldOf(value, kind);
      text += index === 0 ? field : `\t${field}`;
    }
    text += "\n";
  }
  return text;
}

function fieldOf(value: unknown, kind: ColumnKind): string {
  if (typeof value === "number") return String(kind === "real" && Math.abs(value) < REAL_MIN ? 0 : value);
  if (kind === "json") return escaped(cleanJson(value));
  if (kind === "list") return escaped(listLiteral(value as readonly string[]));
  return escaped(typeof value === "string" ? value : String(value));
}

function escaped(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return cleanText(text).replace(/[\\\t\n\r]/g, (character) => ESCAPES[character]!);
}

function listLiteral(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replace(/["\\]/g, "\\$&")}"`).join(",")}}`;
}
