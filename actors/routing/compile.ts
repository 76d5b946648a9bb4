import {
  ALL_LABELS,
  type EscalationChain,
  type Receiver,
  ROUTE_DEPTH_MAX,
  ROUTES_MAX,
  ROUTING_BYTES_MAX,
  type Route,
  type RoutingDocument,
} from "../../schema/routing/document.ts";
import type { Recurrence } from "../../schema/routing/time-interval.ts";
import { type CompiledInhibitRule, compileInhibitRule } from "./inhibition.ts";
import { type CompiledMatcher, compileMatcher } from "./matching.ts";
import { type CompiledRoute, compileTree } from "./tree.ts";

/** A document made ready for use: names resolved, patterns compiled. */
export interface CompiledRouting {
  readonly root: CompiledRoute;
  readonly receivers: ReadonlyMap<string, Receiver>;
  readonly escalations: ReadonlyMap<string, EscalationChain>;
  readonly timeIntervals: ReadonlyMap<string, readonly Recurrence[]>;
  readonly inhibitRules: readonly CompiledInhibitRule[];
}

export interface Flaw {
  /** Where in the document, such as `route.routes[2].receivers[0]`. */
  readonly path: string;
  readonly message: string;
}

/** @returns everything that is wrong with it, as far as the schema does not tell */
export function compileRouting(document: RoutingDocument): CompiledRouting | { readonly flaws: readonly Flaw[] } {
  const flaws: Flaw[] = [];
  const flaw = (path: string, message: string) => void flaws.push({ path, message });
  if (new TextEncoder().encode(JSON.stringify(document)).length > ROUTING_BYTES_MAX) {
    return { flaws: [{ path: "", message: `at most ${ROUTING_BYTES_MAX} bytes of JSON` }] };
  }
  const size = sizeOf(document.route);
  if (size.depth > ROUTE_DEPTH_MAX) flaw("route", `at most ${ROUTE_DEPTH_MAX} routes deep`);
  if (size.routes > ROUTES_MAX) flaw("route", `at most ${ROUTES_MAX} routes`);
  if (flaws.length > 0) return { flaws };

  const receivers = byName(document.receivers, "receivers", flaw);
  const escalations = byName(document.escalations ?? [], "escalations", flaw);
  const intervals = byName(document.timeIntervals ?? [], "timeIntervals", flaw);
  for (const [index, { escalation }] of document.receivers.entries()) {
    if (escalation !== undefined && !escalations.has(escalation)) {
      flaw(`receivers[${index}].escalation`, `${escalation} is not among the escalations`);
    }
  }
  const matchers = (texts: readonly string[] = [], path: string): readonly CompiledMatcher[] =>
    texts.flatMap((text, index) => {
      const compiled = compileMatcher(text);
      if (!("wrong" in compiled)) return [compiled];
      flaw(`${path}[${index}]`, compiled.wrong);
      return [];
    });
  const root = compileTree(document.route, (route, path) => {
    checkRoute(route, path, { receivers, intervals }, flaw);
    return matchers(route.matchers, `${path}.matchers`);
  });
  checkRoot(document.route, flaw);
  checkLifeSafety(root, document.route, flaw);
  const inhibitRules = (document.inhibitRules ?? []).map((rule, index) => {
    const path = `inhibitRules[${index}]`;
    const sources = matchers(rule.sourceMatchers, `${path}.sourceMatchers`);
    return compileInhibitRule(rule, path, sources, matchers(rule.targetMatchers, `${path}.targetMatchers`));
  });
  if (flaws.length > 0) return { flaws };
  const timeIntervals = new Map([...intervals].map(([name, one]) => [name, one.intervals]));
  return { root, receivers, escalations, timeIntervals, inhibitRules };
}

type Tell = (path: string, message: string) => void;

function byName<T extends { readonly name: string }>(items: readonly T[], path: string, flaw: Tell): Map<string, T> {
  const known = new Map<string, T>();
  for (const [index, item] of items.entries()) {
    if (known.has(item.name)) flaw(`${path}[${index}].name`, `there is a ${item.name} before it`);
    known.set(item.name, item);
  }
  return known;
}

interface Names {
  readonly receivers: ReadonlyMap<string, unknown>;
  readonly intervals: ReadonlyMap<string, unknown>;
}

function checkRoute(route: Route, path: string, { receivers, intervals }: Names, flaw: Tell): void {
  const known = (
    names: readonly string[] = [],
    field: keyof Route,
    among: ReadonlyMap<string, unknown>,
    what: string,
  ) => {
    for (const [index, name] of names.entries()) {
      if (!among.has(name)) flaw(`${path}.${field}[${index}]`, `${name} is not among the ${what}`);
    }
  };
  known(route.receivers, "receivers", receivers, "receivers");
  known(route.muteTimeIntervals, "muteTimeIntervals", intervals, "timeIntervals");
  known(route.activeTimeIntervals, "activeTimeIntervals", intervals, "timeIntervals");
  const { groupBy = [] } = route;
  if (groupBy.includes(ALL_LABELS) && groupBy.length > 1) flaw(`${path}.groupBy`, "... stands for all labels: alone");
  if (new Set(groupBy).size < groupBy.length) flaw(`${path}.groupBy`, "a label is named twice");
  if (new Set(route.receivers).size < (route.receivers?.length ?? 0)) {
    flaw(`${path}.receivers`, "a receiver is named twice");
  }
}

function checkRoot(root: Route, flaw: Tell): void {
  if (root.receivers === undefined) flaw("route.receivers", "the root has receivers: an alert must not reach nobody");
  if ((root.matchers ?? []).length > 0) flaw("route.matchers", "the root has none: it matches everything");
  if (root.continue === true) flaw("route.continue", "there is nothing after the root");
  for (const field of ["muteTimeIntervals", "activeTimeIntervals"] as const) {
    if ((root[field] ?? []).length > 0) flaw(`route.${field}`, "the root has none: nothing else would be told");
  }
}

/** Whoever writes that a life depends on it must not be able to write as well that it may wait. */
function checkLifeSafety(compiled: CompiledRoute, route: Route, flaw: Tell): void {
  if (compiled.options.lifeSafety) {
    const { path } = compiled;
    if ((route.groupWaitSeconds ?? 0) > 0) flaw(`${path}.groupWaitSeconds`, "0 on a life-safety route");
    for (const field of ["muteTimeIntervals", "activeTimeIntervals"] as const) {
      if ((route[field] ?? []).length > 0) flaw(`${path}.${field}`, "a life-safety route is not muted by the clock");
    }
  }
  for (const [index, child] of compiled.children.entries()) checkLifeSafety(child, route.routes![index]!, flaw);
}

function sizeOf(route: Route): { readonly routes: number; readonly depth: number } {
  const children = (route.routes ?? []).map(sizeOf);
  return {
    routes: 1 + children.reduce((sum, { routes }) => sum + routes, 0),
    depth: 1 + Math.max(0, ...children.map(({ depth }) => depth)),
  };
}
