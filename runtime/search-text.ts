/**
 * What is searched is brought to the same form on both sides, in this one place, so that memory and any database find the
 * same: without case and accents, blanks as one.
 */
export function searchText(parts: readonly (string | null)[]): string {
  return normalised(parts.filter((part) => part !== null).join("\n"));
}

const WORDS_MAX = 10;

/** The words of a query: all of them have to be found, each as a part of any word. */
export function searchWords(query: string): readonly string[] {
  return [...new Set(normalised(query).split(" "))].filter((word) => word !== "").slice(0, WORDS_MAX);
}

export function containsAll(text: string, words: readonly string[]): boolean {
  return words.every((word) => text.includes(word));
}

function normalised(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[\s\p{C}]+/gu, " ")
    .trim();
}
