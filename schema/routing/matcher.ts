import { z } from "zod";

/**
 * One condition on one label, written as in Prometheus Alertmanager: `severity="critical"`, `type=~"smoke|gas"`,
 * `team!=ops`, `floor!~"[0-3]"`. A label that is missing is as good as an empty one; a pattern has to fit the whole value.
 */
export interface Matcher {
  readonly label: string;
  readonly operator: "=" | "!=" | "=~" | "!~";
  readonly value: string;
}

/** Longer ones are not written by people, and every alert pays for them. */
const MATCHER_CHARACTERS_MAX = 600;

const SHAPE = /^\s*([A-Za-z_:][A-Za-z0-9_:.-]*)\s*(=~|=|!=|!~)\s*(.*?)\s*$/s;

/** Source: Alertmanager's `pkg/labels.ParseMatcher`. @returns what is wrong with it, where it is none */
export function parseMatcher(text: string): Matcher | { readonly wrong: string } {
  const [, label, operator, raw] = SHAPE.exec(text) ?? [];
  if (label === undefined || operator === undefined || raw === undefined) {
    return { wrong: 'a label, one of = != =~ !~, and a value, such as severity="critical"' };
  }
  const quoted = raw.startsWith('"');
  if (quoted && (raw.length < 2 || !raw.endsWith('"'))) return { wrong: "the value's quotes are not closed" };
  const value = unescaped(quoted ? raw.slice(1, -1) : raw);
  if (value === undefined) return { wrong: 'a " within a value is written \\"' };
  return { label, operator: operator as Matcher["operator"], value };
}

/** @returns undefined when a quote stands in it unescaped. A backslash before anything else stands for itself. */
function unescaped(raw: string): string | undefined {
  if (/(?<!\\)(?:\\\\)*"/.test(raw) || /(?<!\\)(?:\\\\)*\\$/.test(raw)) return undefined;
  return raw.replace(/\\(["\\n])/g, (_, character: string) => (character === "n" ? "\n" : character));
}

export const matcher = z
  .string()
  .min(1)
  .max(MATCHER_CHARACTERS_MAX)
  .superRefine((text, context) => {
    const parsed = parseMatcher(text);
    if ("wrong" in parsed) context.addIssue({ code: "custom", message: `no matcher: ${parsed.wrong}` });
  })
  .meta({
    id: "Matcher",
    description: 'a condition on a label: `=`, `!=`, `=~` or `!~` (RE2, of the whole value), such as type=~"smoke|gas"',
    examples: ['severity="critical"'],
  });
