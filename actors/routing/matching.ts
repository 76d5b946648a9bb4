import { RE2JS } from "re2js";
import { parseMatcher } from "../../schema/routing/matcher.ts";

export type Labels = Readonly<Record<string, string>>;

export interface CompiledMatcher {
  readonly text: string;
  readonly matches: (labels: Labels) => boolean;
}

export function labelValue(labels: Labels, name: string): string {
  return Object.hasOwn(labels, name) ? labels[name]! : "";
}

/**
 * Patterns are RE2's, as Alertmanager's are: their time is linear in the value's length, so that a hostile one costs no more
 * than a long one. @returns what is wrong with it, where it cannot be compiled
 */
export function compileMatcher(text: string): CompiledMatcher | { readonly wrong: string } {
  const parsed = parseMatcher(text);
  if ("wrong" in parsed) return parsed;
  const { label, operator, value } = parsed;
  switch (operator) {
    case "=":
      return { text, matches: (labels) => labelValue(labels, label) === value };
    case "!=":
      return { text, matches: (labels) => labelValue(labels, label) !== value };
  }
  const pattern = compilePattern(value);
  if ("wrong" in pattern) return pattern;
  const wanted = operator === "=~";
  return { text, matches: (labels) => pattern.fits(labelValue(labels, label)) === wanted };
}

/** A pattern that has to fit the whole text. */
export function compilePattern(
  pattern: string,
): { readonly fits: (text: string) => boolean } | { readonly wrong: string } {
  try {
    const compiled = RE2JS.compile(pattern);
    return { fits: (text) => compiled.matches(text) };
  } catch (error) {
    return { wrong: error instanceof Error ? error.message.slice(0, 200) : "no regular expression" };
  }
}

export function allMatch(matchers: readonly CompiledMatcher[], labels: Labels): boolean {
  return matchers.every(({ matches }) => matches(labels));
}
