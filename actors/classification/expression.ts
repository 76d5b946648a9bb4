import { type ASTNode, Environment, serialize } from "@marcbachmann/cel-js";
import { RE2JS } from "re2js";
import type { ClassifiableAlert } from "../../schema/classification.ts";

/**
 * Rules are CEL, the expression language that Kubernetes and others use for such things: typed, without loops of its own,
 * and checked before it is ever evaluated. What is left that could cost much is bounded here: the size of an expression,
 * the functions it may call (none that makes long texts or lists), one comprehension, no pattern within it, and patterns
 * that are RE2's, as CEL says, and not JavaScript's, which the library would take.
 */
const LIMITS = { maxAstNodes: 150, maxDepth: 24, maxListElements: 200, maxMapEntries: 0, maxCallArguments: 4 };
const TEXT_CHARACTERS_MAX = 2_048;
/** Instructions of all patterns of a document, by which their cost is bounded: about a microsecond each at the worst. */
export const PATTERN_INSTRUCTIONS_MAX = 5_000;

const FUNCTIONS: ReadonlySet<string> = new Set([
  ...["contains", "startsWith", "endsWith", "matches", "size", "lowerAscii", "upperAscii", "trim"],
  ...["has", "exists", "all", "exists_one", "int", "double", "string", "bool"],
]);
const COMPREHENSIONS: ReadonlySet<string> = new Set(["exists", "all", "exists_one"]);

/** Patterns by their text: every one was compiled when the expression was. */
const patterns = new Map<string, RE2JS>();
const PATTERNS_KEPT_MAX = 2_000;

function patternOf(text: string): RE2JS {
  let pattern = patterns.get(text);
  if (pattern === undefined) {
    pattern = RE2JS.compile(text);
    if (patterns.size >= PATTERNS_KEPT_MAX) patterns.clear();
    patterns.set(text, pattern);
  }
  return pattern;
}

const environment = new Environment({ unlistedVariablesAreDyn: false, limits: LIMITS })
  .registerVariable({
    name: "alert",
    schema: {
      type: "string",
      severity: "string",
      title: "string",
      description: "string",
      source: "string",
      deviceId: "string",
      labels: "map<string, string>",
    },
  })
  // As CEL's own `matches`, which finds the pattern anywhere in the text.
  .registerFunction("string.matchesRe2(string): bool", (text: string, pattern: string) =>
    patternOf(pattern).matcher(text).find(),
  );

export interface Expression {
  /** @throws where it cannot be said, such as of a label that is missing */
  readonly holds: (alert: AlertVariables) => boolean;
  readonly patternInstructions: number;
}

export interface AlertVariables {
  readonly alert: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

/** What expressions see of an alert. */
export function variablesOf(alert: ClassifiableAlert): AlertVariables {
  const { type, severity, title, description, source, deviceId, labels } = alert;
  return {
    alert: {
      type,
      severity,
      title,
      description: (description ?? "").slice(0, TEXT_CHARACTERS_MAX),
      source: source ?? "",
      deviceId: deviceId ?? "",
      labels: labels ?? {},
    },
  };
}

/** @returns what is wrong with it, where it cannot be used */
export function compileExpression(text: string): Expression | { readonly wrong: string } {
  try {
    const { ast } = environment.parse(text);
    const cost = { patternInstructions: 0 };
    const wrong = look(ast, false, cost);
    if (wrong !== undefined) return { wrong };
    const expression = environment.parse(serialize(ast));
    const { valid, type, error } = expression.check();
    if (!valid) return { wrong: firstLine(error?.message ?? "it does not fit together") };
    if (type !== "bool") return { wrong: `it is a ${type}, and has to be true or false` };
    return { holds: (variables) => expression(variables) === true, ...cost };
  } catch (error) {
    return { wrong: firstLine(error instanceof Error ? error.message : "no expression") };
  }
}

/** Looks at every part; `matches` becomes the safe one. @returns what is wrong with it */
function look(node: ASTNode, within: boolean, cost: { patternInstructions: number }): string | undefined {
  const { op, args } = node as { op: string; args: unknown };
  const name = op === "call" || op === "rcall" ? ((args as [string])[0] as string) : undefined;
  let isWithin = within;
  if (name !== undefined) {
    if (!FUNCTIONS.has(name)) return `there is no function ${name} here; there are ${[...FUNCTIONS].join(", ")}`;
    if (COMPREHENSIONS.has(name)) {
      if (within) return `${name} within another one costs too much`;
      isWithin = true;
    }
    if (name === "matches") {
      const wrong = lookAtPattern(args as [string, ASTNode, ASTNode[]], within, cost);
      if (wrong !== undefined) return wrong;
    }
  }
  for (const part of partsOf(args)) {
    const wrong = look(part, isWithin, cost);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function lookAtPattern(args: [string, ASTNode, ASTNode[]], within: boolean, cost: { patternInstructions: number }) {
  if (within) return "a pattern within exists or all costs too much";
  const [pattern] = Array.isArray(args[2]) ? args[2] : [];
  const { op, args: value } = (pattern ?? {}) as { op?: string; args?: unknown };
  if (op !== "value" || typeof value !== "string") return "a pattern has to be written out, in quotes";
  try {
    cost.patternInstructions += patternOf(value).programSize();
  } catch (error) {
    return firstLine(error instanceof Error ? error.message : "no pattern");
  }
  args[0] = "matchesRe2";
  return undefined;
}

function* partsOf(value: unknown): Generator<ASTNode> {
  if (Array.isArray(value)) for (const one of value) yield* partsOf(one);
  else if (typeof value === "object" && value !== null && "op" in value) yield value as ASTNode;
}

function firstLine(message: string): string {
  return message.split("\n")[0]!.slice(0, 200);
}
