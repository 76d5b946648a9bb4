import {
  type ClassifiableAlert,
  type ClassificationDocument,
  type ClassificationRule,
  defaultModelUse,
} from "../../schema/classification.ts";
import { compileExpression, type Expression, PATTERN_INSTRUCTIONS_MAX, variablesOf } from "./expression.ts";
import type { TextClassifier } from "./text-classifier.ts";

/** What is made of an alert, and why. */
export interface Verdict {
  readonly category: string;
  readonly severity: ClassifiableAlert["severity"];
  readonly priority: number;
  readonly incidentType: string;
  /** In the order in which it was decided. */
  readonly reasons: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
}

export interface CompiledRules {
  readonly rules: readonly { readonly rule: ClassificationRule; readonly expression: Expression }[];
  readonly model: { readonly types: readonly string[]; readonly minimumConfidence: number };
}

export interface RuleFlaw {
  readonly path: string;
  readonly message: string;
}

/** @returns everything that is wrong with it, as far as the schema does not tell */
export function compileRules({
  rules,
  model = defaultModelUse,
}: ClassificationDocument): CompiledRules | { readonly flaws: readonly RuleFlaw[] } {
  const flaws: RuleFlaw[] = [];
  const names = new Set<string>();
  let instructions = 0;
  const compiled = rules.flatMap((rule, index) => {
    if (names.has(rule.name))
      flaws.push({ path: `rules[${index}].name`, message: `there is a ${rule.name} before it` });
    names.add(rule.name);
    const expression = compileExpression(rule.when);
    if ("wrong" in expression) {
      flaws.push({ path: `rules[${index}].when`, message: expression.wrong });
      return [];
    }
    instructions += expression.patternInstructions;
    return [{ rule, expression }];
  });
  if (instructions > PATTERN_INSTRUCTIONS_MAX) {
    const message = `all patterns together have ${instructions} instructions, ${PATTERN_INSTRUCTIONS_MAX} at most`;
    flaws.push({ path: "rules", message });
  }
  return flaws.length > 0 ? { flaws } : { rules: compiled, model };
}

/** What the rules and the model stand under, so that it can be said later what they were. */
export interface Revisions {
  readonly rules: number;
}

/**
 * What the sender says, then what the model says where it is sure enough, then what the rules say: each over the ones before.
 * @param said what is made of the alert by its sender's words alone
 */
export function classify(
  alert: ClassifiableAlert,
  said: Verdict,
  { rules, model }: CompiledRules,
  revisions: Revisions,
  classifier?: TextClassifier,
): Verdict {
  const reasons = [...said.reasons];
  const versions: Record<string, string> = { ...said.versions };
  const { severity } = said;
  let { category, priority, incidentType } = said;
  if (classifier !== undefined && model.types.includes(alert.type)) {
    const { name, date, dataHash } = classifier.model;
    versions["model"] = `${name} ${date} ${dataHash.slice(0, 12)}`;
    const opinion = classifier.classify(`${alert.title}\n${alert.description ?? ""}`);
    if (opinion === undefined) reasons.push("the model knows none of its words");
    else {
      const sure = opinion.confidence >= model.minimumConfidence;
      const percent = Math.round(opinion.confidence * 100);
      reasons.push(`the model says ${opinion.label} (${percent} %${sure ? "" : ": too unsure to follow"})`);
      if (sure) {
        incidentType = opinion.label;
        category = opinion.category ?? category;
        priority = opinion.priority ?? priority;
      }
    }
  }
  if (rules.length === 0) return { category, severity, priority, incidentType, reasons, versions };
  versions["rules"] = String(revisions.rules);
  const variables = variablesOf(alert);
  const set: Record<string, string | number> = {};
  for (const { rule, expression } of rules) {
    const holds = tried(expression, variables);
    if (typeof holds === "string") reasons.push(`rule ${rule.name} cannot be asked: ${holds}`);
    if (holds !== true) continue;
    const fresh = Object.entries(rule.set).filter(([field]) => !Object.hasOwn(set, field));
    if (fresh.length === 0) continue;
    Object.assign(set, Object.fromEntries(fresh));
    reasons.push(`rule ${rule.name}: ${fresh.map(([field, value]) => `${field} ${value}`).join(", ")}`);
  }
  return { category, severity, priority, incidentType, ...set, reasons: reasons.slice(0, REASONS_MAX), versions };
}

const REASONS_MAX = 50;

/** @returns why it cannot be said, where it cannot: a rule about a label is none about alerts without it */
function tried(expression: Expression, variables: ReturnType<typeof variablesOf>): boolean | string {
  try {
    return expression.holds(variables);
  } catch (error) {
    const message = error instanceof Error ? error.message.split("\n")[0]! : "";
    return message.startsWith("No such key") ? false : message.slice(0, 100);
  }
}
