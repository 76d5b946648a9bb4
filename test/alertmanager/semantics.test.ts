import { describe, expect, it } from "vitest";
import { type CompiledRouting, compileRouting } from "../../actors/routing/compile.ts";
import { mutesFor } from "../../actors/routing/decide.ts";
import { Inhibition } from "../../actors/routing/inhibition.ts";
import { compileSilences } from "../../actors/routing/silencing.ts";
import { routesFor } from "../../actors/routing/tree.ts";
import { VirtualRouting } from "../../actors/routing/virtual.ts";
import { builtInRouting, type RoutingDocument } from "../../schema/routing/document.ts";
import type { GroupAlert } from "../../schema/routing/group.ts";
import type { Silence } from "../../schema/routing/silence.ts";
import { type MuteCase, muteCases } from "./cases/mutes.ts";
import { documentOf, routeCases } from "./cases/routes.ts";
import { type TimelineCase, timelineCases } from "./cases/timelines.ts";

/**
 * What Alertmanager's documentation says, case by case; `npm run test:alertmanager` holds the same cases against the real
 * one.
 */
function compiled(document: RoutingDocument): CompiledRouting {
  const routing = compileRouting(document);
  if ("flaws" in routing) throw new Error(JSON.stringify(routing.flaws));
  return routing;
}

const START = Date.parse("2026-01-01T00:00:00Z");
const TICK_MS = 1_000;
const time = (tick: number) => new Date(START + tick * TICK_MS).toISOString();

function silenceOf(matchers: readonly string[], id = "s"): Silence {
  const during = null;
  return {
    id,
    matchers,
    startsAt: time(-1),
    endsAt: time(1e6),
    during,
    comment: "",
    createdBy: "",
    updatedAt: time(0),
  };
}

it("there are sixty cases and more", () => {
  expect(routeCases.length + muteCases.length + timelineCases.length).toBeGreaterThanOrEqual(60);
});

describe("an alert takes the routes that Alertmanager would take", () => {
  it.each(routeCases.map((one) => [one.rule, one] as const))("%s", (_, { root, labels, reaches }) => {
    const { root: tree } = compiled(documentOf(root));
    expect(routesFor(tree, labels).flatMap(({ options }) => options.receivers)).toEqual(reaches);
  });
});

describe("an alert is muted when Alertmanager would mute it", () => {
  it.each(muteCases.map((one) => [one.rule, one] as const))("%s", (_, one) => expect(mutedIn(one)).toEqual(one.muted));
});

function mutedIn({ inhibitRules = [], silences = [], firing }: MuteCase): string[] {
  const alerts = Object.entries(firing).map(([id, labels]) => ({ id, labels }));
  const routing = compiled({ ...builtInRouting, inhibitRules });
  const inhibition = new Inhibition(routing.inhibitRules);
  for (const { id, labels } of alerts) inhibition.add(id, labels);
  const context = {
    routing,
    inhibition,
    silences: compileSilences(silences.map((matchers, index) => silenceOf(matchers, String(index)))),
    at: time(0),
  };
  return Object.keys(mutesFor(context, "{}", alerts).alerts).sort();
}

describe("receivers are told what Alertmanager would tell them, and when", () => {
  it.each(timelineCases.map((one) => [one.rule, one] as const))("%s", (_, one) =>
    expect(toldIn(one)).toEqual(one.told),
  );
});

function toldIn(one: TimelineCase) {
  const { wait = 2, interval = 3, repeat = 9, groupBy = ["case"], sendResolved = true, inhibitRules = [] } = one;
  const document: RoutingDocument = {
    route: {
      receivers: ["r"],
      groupBy,
      groupWaitSeconds: wait,
      groupIntervalSeconds: interval,
      repeatIntervalSeconds: repeat,
    },
    receivers: [{ name: "r", targets: [{ kind: "role", to: "r" }], sendResolved }],
    inhibitRules,
  };
  const virtual = new VirtualRouting("a", compiled(document));
  const alerts = new Map<string, GroupAlert>();
  for (const act of one.acts) {
    const at = time(act.at);
    virtual.advance(at);
    if ("silence" in act) virtual.silences = [silenceOf(act.silence)];
    else if ("unsilence" in act) virtual.silences = [];
    else if ("fire" in act) {
      const labels = { case: "case", alert: act.fire, ...act.labels };
      const startsAt = time(act.startedAt ?? act.at);
      const alert = { id: act.fire, labels, title: "", startsAt, resolvedAt: null, acknowledgedAt: null };
      alerts.set(act.fire, alert);
      virtual.put(alert, at);
    } else {
      virtual.put({ ...alerts.get(act.resolve)!, resolvedAt: at }, at);
    }
  }
  virtual.advance(time(one.until));
  return virtual.told.map(({ at, event: { firing, resolved } }) => [
    (Date.parse(at) - START) / TICK_MS,
    [...firing].sort().join(""),
    [...resolved].sort().join(""),
  ]);
}
