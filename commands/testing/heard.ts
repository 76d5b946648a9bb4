import type { Output } from "../replay/output.ts";

/** Keeps what a command says. */
export function heard() {
  const results: string[] = [];
  const notes: string[] = [];
  const out: Output = {
    result: (text) => void results.push(text),
    note: (text) => void notes.push(text),
    terminal: undefined,
  };
  return { out, said: () => ({ result: results.join("\n"), note: notes.join("\n") }) };
}
