import type { KeptLetter } from "../../runtime/ports/index.ts";
import { printable, printableJson, tableOf } from "../server/printable.ts";

/** A longer reason is shown whole by `show`. */
const REASON_MAX = 72;

const HEADS = ["seq", "when", "actor", "reason", "request id"];

export function actorOf({ kind, id }: Pick<KeptLetter, "kind" | "id">): string {
  return printable(`${kind}.${id}`);
}

export function lettersTable(letters: readonly KeptLetter[]): string {
  return tableOf(
    HEADS,
    letters.map((letter) => [
      String(letter.sequence),
      printable(letter.at),
      actorOf(letter),
      shortened(printable(letter.reason)),
      printable(letter.requestId),
    ]),
  );
}

function shortened(text: string): string {
  return text.length <= REASON_MAX ? text : `${text.slice(0, REASON_MAX - 1)}…`;
}

export function letterJson(letter: KeptLetter, indent?: number): string {
  try {
    return printableJson(letter, indent);
  } catch (error) {
    // Nested so deeply that it can be parsed but not written.
    if (!(error instanceof RangeError)) throw error;
    return printableJson({ ...letter, message: "nested too deeply to be shown" }, indent);
  }
}
