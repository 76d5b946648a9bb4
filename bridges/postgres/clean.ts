/** Half of a pair, or NUL: JSON may carry them, PostgreSQL's text cannot. */
const UNSTORABLE = /\\u(?:0000|d[89a-f])/i;
const IN_TEXT = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** The text with a mark in the place of what cannot be stored. */
export function cleanText(text: string): string {
  return text.replace(IN_TEXT, "\ufffd");
}

/** JSON that PostgreSQL takes, whatever is in it. */
export function cleanJson(value: unknown): string {
  const json = JSON.stringify(value);
  return UNSTORABLE.test(json) ? JSON.stringify(cleaned(value)) : json;
}

function cleaned(value: unknown): unknown {
  if (typeof value === "string") return cleanText(value);
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [cleanText(key), cleaned(one)]));
}
