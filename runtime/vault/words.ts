/** A word of more is cut off: nobody searches for it by its end. */
const LETTERS_MAX = 64;
/** A message of more different words is found by the first of them. */
const WORDS_MAX = 500;

/** The words of a text as they are searched for: without case, accents, signs; each once. Digits are words, too. */
export function wordsOf(text: string): readonly string[] {
  const plain = text
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .toLowerCase();
  const words = new Set<string>();
  for (const [word] of plain.matchAll(/[\p{L}\p{N}]+/gu)) {
    words.add([...word].slice(0, LETTERS_MAX).join(""));
    if (words.size === WORDS_MAX) break;
  }
  return [...words];
}
