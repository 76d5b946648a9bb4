/** A text's features as the model counts them: its words, pairs of neighbours, and the four-letter parts of longer words. */

/** What somebody says of an emergency comes first: the rest of a long text adds little. */
const TEXT_CHARACTERS_MAX = 2_048;

export function featuresOf(text: string): readonly string[] {
  const words =
    text
      .slice(0, TEXT_CHARACTERS_MAX)
      .normalize("NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  const features: string[] = [];
  let before = "";
  for (const whole of words) {
    const word = whole.slice(0, 30);
    features.push(word);
    if (before !== "") features.push(`${before} ${word}`);
    // Parts survive a slip of the pen, and an ending.
    if (word.length > 5) for (let at = 0; at + 4 <= word.length; at++) features.push(`~${word.slice(at, at + 4)}`);
    before = word;
  }
  return features;
}
