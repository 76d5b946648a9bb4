import type { InhibitRule } from "../../schema/routing/document.ts";
import { allMatch, type CompiledMatcher, type Labels, labelValue } from "./matching.ts";

export interface CompiledInhibitRule {
  readonly path: string;
  readonly sources: readonly CompiledMatcher[];
  readonly targets: readonly CompiledMatcher[];
  readonly equal: readonly string[];
}

export interface Inhibited {
  readonly by: "inhibition";
  /** The alert because of which. */
  readonly alertId: string;
  readonly rule: string;
}

export function compileInhibitRule(
  { equal = [] }: InhibitRule,
  path: string,
  sources: readonly CompiledMatcher[],
  targets: readonly CompiledMatcher[],
): CompiledInhibitRule {
  return { path, sources, targets, equal };
}

/** Sources of a rule that fire, by the values of its `equal` labels; and of each whether it is a target as well. */
type Sources = Map<string, Map<string, boolean>>;

/**
 * What fires, as inhibition sees it: an answer takes as long however many alerts fire.
 * Source of the rules: Alertmanager's `inhibit.Inhibitor.Mutes`.
 */
export class Inhibition {
  readonly #rules: readonly { readonly rule: CompiledInhibitRule; readonly sources: Sources }[];

  readonly rules: readonly CompiledInhibitRule[];

  constructor(rules: readonly CompiledInhibitRule[]) {
    this.rules = rules;
    this.#rules = rules.map((rule) => ({ rule, sources: new Map() }));
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** An alert fires. */
  add(id: string, labels: Labels): void {
    for (const { rule, sources } of this.#rules) {
      if (!allMatch(rule.sources, labels)) continue;
      const key = keyOf(rule, labels);
      const alike = sources.get(key) ?? new Map<string, boolean>();
      sources.set(key, alike.set(id, allMatch(rule.targets, labels)));
    }
  }

  /** It fires no more. The labels are those it was added with. */
  remove(id: string, labels: Labels): void {
    for (const { rule, sources } of this.#rules) {
      const key = keyOf(rule, labels);
      const alike = sources.get(key);
      if (alike?.delete(id) && alike.size === 0) sources.delete(key);
    }
  }

  /**
   * The rule and the alert by which an alert is muted. One that matches both sides of a rule is not muted by another (nor
   * by itself) that matches both.
   */
  mutes(labels: Labels): Inhibited | undefined {
    for (const { rule, sources } of this.#rules) {
      if (sources.size === 0 || !allMatch(rule.targets, labels)) continue;
      const twoSided = allMatch(rule.sources, labels);
      for (const [alertId, isTarget] of sources.get(keyOf(rule, labels)) ?? []) {
        if (twoSided && isTarget) continue;
        return { by: "inhibition", alertId, rule: rule.path };
      }
    }
    return undefined;
  }
}

function keyOf({ equal }: CompiledInhibitRule, labels: Labels): string {
  return JSON.stringify(equal.map((name) => labelValue(labels, name)));
}
