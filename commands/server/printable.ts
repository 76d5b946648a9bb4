/**
 * Characters that a terminal obeys instead of showing, or that change the order of what it shows: C0 and C1 controls,
 * invisible formatting, line and paragraph separators, and halves of surrogate pairs.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const escaped = (character: string) =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
  ).join("");

/** Text from outside, as it may be sent to a terminal: what would move the cursor or colour the line is shown as its code. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** JSON that a terminal shows and a parser reads, whatever is in its strings. */
export function printableJson(value: unknown, indent?: number): string {
  // The line breaks between the parts are ours; those within strings are escaped already.
  return JSON.stringify(value, null, indent)
    .split("\n")
    .map((line) => printable(line))
    .join("\n");
}

/** Rows under their heads, in columns as wide as their widest part; the last column as wide as it likes. */
export function tableOf(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, ...rows];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line.map((part, column) => (column === heads.length - 1 ? part : part.padEnd(widths[column]!))).join("  "),
    )
    .join("\n");
}
