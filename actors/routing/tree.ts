import { ALL_LABELS, type IncidentRule, type Route } from "../../schema/routing/document.ts";
import { allMatch, type CompiledMatcher, type Labels, labelValue } from "./matching.ts";

/** What a route does with an alert, after inheritance. */
export interface RouteOptions {
  readonly receivers: readonly string[];
  readonly groupBy: readonly string[];
  readonly groupWaitSeconds: number;
  readonly groupIntervalSeconds: number;
  readonly repeatIntervalSeconds: number;
  readonly lifeSafety: boolean;
  readonly muteTimeIntervals: readonly string[];
  readonly activeTimeIntervals: readonly string[];
  readonly incident: IncidentRule;
}

export interface CompiledRoute {
  /**
   * The route's matchers after those of the routes above it: with the group's labels, what a group is known by. It stays
   * the same when routes are added before it, so that a change of the document does not tell everything again.
   */
  readonly key: string;
  readonly path: string;
  readonly name: string | undefined;
  readonly matchers: readonly CompiledMatcher[];
  readonly continues: boolean;
  readonly options: RouteOptions;
  readonly children: readonly CompiledRoute[];
}

const rootOptions: RouteOptions = {
  receivers: [],
  groupBy: [],
  groupWaitSeconds: 30,
  groupIntervalSeconds: 300,
  repeatIntervalSeconds: 14_400,
  lifeSafety: false,
  muteTimeIntervals: [],
  activeTimeIntervals: [],
  incident: "auto",
};

/** @param matchersOf compiles the matchers of a route, which is known to be possible */
export function compileTree(
  root: Route,
  matchersOf: (route: Route, path: string) => readonly CompiledMatcher[],
): CompiledRoute {
  const compile = (route: Route, parent: RouteOptions, key: string, path: string): CompiledRoute => {
    const matchers = matchersOf(route, path);
    const options = inherit(parent, route);
    const known = new Map<string, number>();
    const children = (route.routes ?? []).map((child, index) => {
      const own = `${key}/{${[...(child.matchers ?? [])].sort().join(",")}}`;
      // Siblings may have the same matchers, one to continue and one not.
      const twins = known.get(own) ?? 0;
      known.set(own, twins + 1);
      return compile(child, options, twins === 0 ? own : `${own}#${twins}`, `${path}.routes[${index}]`);
    });
    return { key, path, name: route.name, matchers, continues: route.continue ?? false, options, children };
  };
  return compile(root, rootOptions, "{}", "route");
}

/** Children inherit all but the time intervals (and `continue`, and of course the matchers). */
function inherit(parent: RouteOptions, route: Route): RouteOptions {
  const lifeSafety = route.lifeSafety ?? parent.lifeSafety;
  return {
    receivers: route.receivers ?? parent.receivers,
    groupBy: route.groupBy ?? parent.groupBy,
    groupWaitSeconds: lifeSafety ? 0 : (route.groupWaitSeconds ?? ordinary(parent)),
    groupIntervalSeconds: route.groupIntervalSeconds ?? parent.groupIntervalSeconds,
    repeatIntervalSeconds: route.repeatIntervalSeconds ?? parent.repeatIntervalSeconds,
    lifeSafety,
    muteTimeIntervals: route.muteTimeIntervals ?? [],
    activeTimeIntervals: route.activeTimeIntervals ?? [],
    incident: route.incident ?? parent.incident,
  };
}

/** What a route that takes life safety back waits: what a root would. */
function ordinary({ lifeSafety, groupWaitSeconds }: RouteOptions): number {
  return lifeSafety ? rootOptions.groupWaitSeconds : groupWaitSeconds;
}

/**
 * The routes that an alert takes, depth first and from left to right: after a child that matches the search ends, unless
 * that one continues; a route none of whose children match is taken itself. The root matches everything.
 * Source: Alertmanager's `dispatch.Route.Match`.
 */
export function routesFor(route: CompiledRoute, labels: Labels): readonly CompiledRoute[] {
  if (!allMatch(route.matchers, labels)) return [];
  const found: CompiledRoute[] = [];
  for (const child of route.children) {
    const matched = routesFor(child, labels);
    found.push(...matched);
    if (matched.length > 0 && !child.continues) break;
  }
  return found.length === 0 ? [route] : found;
}

/** The labels of the group that an alert belongs to on a route: what all alerts in it have in common. */
export function groupLabelsOf({ groupBy }: RouteOptions, labels: Labels): Labels {
  // Labels that are missing are empty, and an empty one is not there.
  const names = groupBy.includes(ALL_LABELS) ? Object.keys(labels) : groupBy;
  const entries = [...names].sort().map((name): [string, string] => [name, labelValue(labels, name)]);
  return Object.fromEntries(entries.filter(([, value]) => value !== ""));
}

export function* allRoutes(route: CompiledRoute): Generator<CompiledRoute> {
  yield route;
  for (const child of route.children) yield* allRoutes(child);
}
