import type { InhibitRule } from "../../schema/routing/document.ts";
import { allMatch, type CompiledMatcher, type Labels, labelValue } from "./matching.ts";

export interface CompiledInhibitRule {
  readonly path: string;
  readonly sources: readonly CompiledMatcher[];
  readonly targets: readonly CompiledMatcher[];
  readonly equal: readonly string[];
}

export interface Inhibitor {
  readonly id: string;
  readonly labels: Labels;
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

/**
 * The rule and the alert by which an alert is muted. One that matches both sides of a rule is not muted by another (nor by
 * itself) that matches both. Source: Alertmanager's `inhibit.Inhibitor.Mutes`.
 * @param firing every alert that fires, of the same agency
 */
export function inhibitedBy(
  rules: readonly CompiledInhibitRule[],
  labels: Labels,
  firing: () => Iterable<Inhibitor>,
): Inhibited | undefined {
  for (const { path, sources, targets, equal } of rules) {
    if (!allMatch(targets, labels)) continue;
    const twoSided = allMatch(sources, labels);
    for (const source of firing()) {
      if (!allMatch(sources, source.labels)) continue;
      if (!equal.every((name) => labelValue(source.labels, name) === labelValue(labels, name))) continue;
      if (twoSided && allMatch(targets, source.labels)) continue;
      return { by: "inhibition", alertId: source.id, rule: path };
    }
  }
  return undefined;
}
