import type { Route, RoutingDocument } from "../../../schema/routing/document.ts";

/** An alert, the receivers that it reaches in this order, and the rule that says so. */
export interface RouteCase {
  readonly rule: string;
  readonly root: Route;
  readonly labels: Readonly<Record<string, string>>;
  readonly reaches: readonly string[];
}

export function documentOf(root: Route): RoutingDocument {
  const names = new Set<string>();
  const collect = ({ receivers = [], routes = [] }: Route) => {
    for (const name of receivers) names.add(name);
    routes.forEach(collect);
  };
  collect(root);
  return { route: root, receivers: [...names].map((name) => ({ name, targets: [{ kind: "role", to: name }] })) };
}

const root = (...routes: Route[]): Route => ({ receivers: ["root"], routes });
const to = (receiver: string, matchers: string[], more: Partial<Route> = {}): Route => {
  return { receivers: [receiver], matchers, ...more };
};

/**
 * Rules from Alertmanager's documentation, "Configuration" (<route>, <matcher>) and "Alertmanager" (routing):
 * https://prometheus.io/docs/alerting/latest/configuration/
 */
export const routeCases: readonly RouteCase[] = [
  {
    rule: "<route>: the root matches every alert",
    root: root(),
    labels: { type: "smoke" },
    reaches: ["root"],
  },
  {
    rule: "<route>: an alert without any label matches the root, too",
    root: root(to("a", ['type="smoke"'])),
    labels: {},
    reaches: ["root"],
  },
  {
    rule: "<route>: an alert that matches no child is handled by the node itself",
    root: root(to("a", ['type="smoke"'])),
    labels: { type: "gas" },
    reaches: ["root"],
  },
  {
    rule: "<route>: an alert that matches a child is handled by the child, not by its parent",
    root: root(to("a", ['type="smoke"'])),
    labels: { type: "smoke" },
    reaches: ["a"],
  },
  {
    rule: "<route> continue: false stops after the first matching child",
    root: root(to("a", ['type="smoke"']), to("b", ['type="smoke"'])),
    labels: { type: "smoke" },
    reaches: ["a"],
  },
  {
    rule: "<route> continue: true goes on matching against the siblings after it",
    root: root(to("a", ['type="smoke"'], { continue: true }), to("b", ['type="smoke"'])),
    labels: { type: "smoke" },
    reaches: ["a", "b"],
  },
  {
    rule: "<route> continue: of a child that does not match means nothing",
    root: root(to("a", ['type="gas"'], { continue: true }), to("b", ['type="smoke"'])),
    labels: { type: "smoke" },
    reaches: ["b"],
  },
  {
    rule: "<route> continue: where no sibling after it matches, it alone is taken",
    root: root(to("a", ['type="smoke"'], { continue: true }), to("b", ['type="gas"'])),
    labels: { type: "smoke" },
    reaches: ["a"],
  },
  {
    rule: "<route> continue: goes on to the siblings only, never on from the parent that stops",
    root: root(
      to("a", ['type="smoke"'], { routes: [to("a1", ['floor="1"'], { continue: true })] }),
      to("b", ['type="smoke"']),
    ),
    labels: { type: "smoke", floor: "1" },
    reaches: ["a1"],
  },
  {
    rule: "<route> continue: of the parent lets the siblings of the parent be looked at after the grandchild",
    root: root(
      to("a", ['type="smoke"'], { continue: true, routes: [to("a1", ['floor="1"'])] }),
      to("b", ['type="smoke"']),
    ),
    labels: { type: "smoke", floor: "1" },
    reaches: ["a1", "b"],
  },
  {
    rule: "<route>: children are searched before the node is taken, however deep",
    root: root(to("a", ['type="smoke"'], { routes: [to("a1", ['floor="1"'], { routes: [to("a11", ['room="7"'])] })] })),
    labels: { type: "smoke", floor: "1", room: "7" },
    reaches: ["a11"],
  },
  {
    rule: "<route>: a child that matches under a parent that does not is never looked at",
    root: root(to("a", ['type="gas"'], { routes: [to("a1", ['floor="1"'])] }), to("b", ['floor="1"'])),
    labels: { type: "smoke", floor: "1" },
    reaches: ["b"],
  },
  {
    rule: "<route> receiver: is inherited from the parent",
    root: root(to("a", ['type="smoke"'], { routes: [{ matchers: ['floor="1"'] }] })),
    labels: { type: "smoke", floor: "1" },
    reaches: ["a"],
  },
  {
    rule: "<route>: a route without matchers matches everything",
    root: root({ receivers: ["a"] }, to("b", ['type="smoke"'])),
    labels: { type: "smoke" },
    reaches: ["a"],
  },
  {
    rule: "<route> continue: more than two may be taken, in their order",
    root: root(
      to("a", ['type="smoke"'], { continue: true }),
      to("b", ['floor="1"'], { continue: true }),
      to("c", ['type="smoke"']),
      to("d", ['type="smoke"']),
    ),
    labels: { type: "smoke", floor: "1" },
    reaches: ["a", "b", "c"],
  },
  {
    rule: "<matcher> =: the values are equal, case and all",
    root: root(to("a", ['type="Smoke"'])),
    labels: { type: "smoke" },
    reaches: ["root"],
  },
  {
    rule: '<matcher> =: "" matches a label that is missing',
    root: root(to("a", ['floor=""'])),
    labels: { type: "smoke" },
    reaches: ["a"],
  },
  {
    rule: "<matcher> !=: another value matches",
    root: root(to("a", ['type!="gas"'])),
    labels: { type: "smoke" },
    reaches: ["a"],
  },
  {
    rule: "<matcher> !=: a label that is missing matches",
    root: root(to("a", ['floor!="1"'])),
    labels: { type: "smoke" },
    reaches: ["a"],
  },
  {
    rule: '<matcher> !=: "" asks for a label that is there',
    root: root(to("a", ['floor!=""'])),
    labels: { type: "smoke" },
    reaches: ["root"],
  },
  {
    rule: "<matcher> =~: the expression is anchored at both ends",
    root: root(to("a", ['type=~"smo"'])),
    labels: { type: "smoke" },
    reaches: ["root"],
  },
  {
    rule: "<matcher> =~: all alternatives are anchored, not the first and the last alone",
    root: root(to("a", ['type=~"smoke|gas"'])),
    labels: { type: "smoke2" },
    reaches: ["root"],
  },
  {
    rule: "<matcher> =~: one of several",
    root: root(to("a", ['type=~"smoke|gas"'])),
    labels: { type: "gas" },
    reaches: ["a"],
  },
  {
    rule: "<matcher> =~: an expression that fits the empty value matches a label that is missing",
    root: root(to("a", ['floor=~".*"'])),
    labels: { type: "smoke" },
    reaches: ["a"],
  },
  {
    rule: "<matcher> =~: .+ asks for a label that is there",
    root: root(to("a", ['floor=~".+"'])),
    labels: { type: "smoke" },
    reaches: ["root"],
  },
  {
    rule: "<matcher> =~: flags of RE2 may be set within",
    root: root(to("a", ['type=~"(?i)SMOKE"'])),
    labels: { type: "smoke" },
    reaches: ["a"],
  },
  {
    rule: "<matcher> !~: what does not fit matches",
    root: root(to("a", ['type!~"smoke|gas"'])),
    labels: { type: "flood" },
    reaches: ["a"],
  },
  {
    rule: "<matcher> !~: what fits does not",
    root: root(to("a", ['type!~"smo.*"'])),
    labels: { type: "smoke" },
    reaches: ["root"],
  },
  {
    rule: "<matcher> !~: a label that is missing is the empty value",
    root: root(to("a", ['floor!~"[0-3]"'])),
    labels: { type: "smoke" },
    reaches: ["a"],
  },
  {
    rule: "<matcher>: all of several have to match",
    root: root(to("a", ['type="smoke"', 'floor="1"'])),
    labels: { type: "smoke", floor: "2" },
    reaches: ["root"],
  },
  {
    rule: "<matcher>: all of several match",
    root: root(to("a", ['type="smoke"', 'floor=~"[0-3]"', 'site!="b"'])),
    labels: { type: "smoke", floor: "2", site: "a" },
    reaches: ["a"],
  },
  {
    rule: "<matcher>: quotes may be left out",
    root: root(to("a", ["type=smoke"])),
    labels: { type: "smoke" },
    reaches: ["a"],
  },
  {
    rule: "<matcher>: blanks around the operator and the value mean nothing",
    root: root(to("a", ["  type =~ smo.*  "])),
    labels: { type: "smoke" },
    reaches: ["a"],
  },
  {
    rule: '<matcher>: \\" within quotes is a quote',
    root: root(to("a", ['name="the \\"old\\" mill"'])),
    labels: { name: 'the "old" mill' },
    reaches: ["a"],
  },
  {
    rule: "<matcher>: \\\\ is a backslash",
    root: root(to("a", ['share="a\\\\b"'])),
    labels: { share: "a\\b" },
    reaches: ["a"],
  },
  {
    rule: "<matcher>: the value may hold operators",
    root: root(to("a", ['formula="a!=b"'])),
    labels: { formula: "a!=b" },
    reaches: ["a"],
  },
];
