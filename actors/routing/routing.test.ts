import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { specificationOf } from "../../runtime/testing/given.ts";
import { builtInRouting, type Route, type RoutingDocument, routingDocument } from "../../schema/routing/document.ts";
import { parseMatcher } from "../../schema/routing/matcher.ts";
import type { RoutingCommand, RoutingEvent } from "../../schema/routing/routing.ts";
import { compileRouting } from "./compile.ts";
import { groupIdOf, groupsFor, opensIncident } from "./decide.ts";
import { routing, routingView } from "./definition.ts";
import { labelsOf } from "./labels.ts";
import { compilePattern } from "./matching.ts";

const given = specificationOf<RoutingCommand, RoutingEvent>(routing, "metro");
const { receivers } = builtInRouting;
const rooted = (more: Partial<Route> = {}): RoutingDocument => ({
  route: { receivers: ["dispatchers"], ...more },
  receivers,
});
const activate = (document: RoutingDocument): RoutingCommand => {
  return { type: "activate", document, comment: null, restores: null };
};
const compiled = (document: RoutingDocument) => {
  const result = compileRouting(document);
  if ("flaws" in result) throw new Error(JSON.stringify(result.flaws));
  return result;
};

describe("an agency's routing", () => {
  it("is what is built in until a document is activated; then that, under a revision of its own", () => {
    expect(routingView.present("metro", routing.initial, 0)).toMatchObject({ revision: 0, document: builtInRouting });
    const { events } = given().when(activate(rooted()));
    expect(events).toMatchObject([{ type: "routing.activated", revision: 1 }]);
    const { state } = given(...events!);
    expect(routingView.present("metro", state, 1)).toMatchObject({
      revision: 1,
      activatedBy: "someone",
      document: rooted(),
    });
    expect(given(...events!).when(activate(rooted())).events).toEqual([]);
  });

  it("is never one that could not be used", () => {
    const { decision } = given().when(activate(rooted({ routes: [{ receivers: ["nobody"], matchers: ['a=~"("'] }] })));
    expect(decision).toMatchObject({
      refused: "invalid_body",
      data: {
        issues: [
          { path: "route.routes[0].receivers[0]", message: "nobody is not among the receivers" },
          { path: "route.routes[0].matchers[0]" },
        ],
      },
    });
  });

  it.each<[string, RoutingDocument, string]>([
    ["a root without receivers", { ...rooted(), route: {} }, "route.receivers"],
    ["a root with matchers", rooted({ matchers: ['a="b"'] }), "route.matchers"],
    ["a root that continues", rooted({ continue: true }), "route.continue"],
    ["a root that is muted by the clock", rooted({ muteTimeIntervals: ["x"] }), "route.muteTimeIntervals"],
    ["... beside labels", rooted({ groupBy: ["...", "a"] }), "route.groupBy"],
    ["a label named twice", rooted({ groupBy: ["a", "a"] }), "route.groupBy"],
    [
      "an unknown interval",
      rooted({ routes: [{ activeTimeIntervals: ["x"] }] }),
      "route.routes[0].activeTimeIntervals[0]",
    ],
    [
      "life safety that waits",
      rooted({ routes: [{ lifeSafety: true, groupWaitSeconds: 5 }] }),
      "route.routes[0].groupWaitSeconds",
    ],
    [
      "life safety that is muted by the clock",
      {
        ...rooted({ routes: [{ lifeSafety: true, routes: [{ muteTimeIntervals: ["n"] }] }] }),
        timeIntervals: [{ name: "n", intervals: [{}] }],
      },
      "route.routes[0].routes[0].muteTimeIntervals",
    ],
    ["two receivers of one name", { ...rooted(), receivers: [...receivers, ...receivers] }, "receivers[1].name"],
    [
      "an unknown chain",
      { ...rooted(), receivers: [{ ...receivers[0]!, escalation: "x" }] },
      "receivers[0].escalation",
    ],
  ])("refuses %s", (_, document, path) => {
    const result = compileRouting(document);
    expect("flaws" in result && result.flaws.map((flaw) => flaw.path)).toContain(path);
  });

  it("refuses what is too deep, too many or too large", () => {
    let deep: Route = {};
    for (let depth = 0; depth < 10; depth++) deep = { routes: [deep] };
    expect(compileRouting(rooted({ routes: [deep] }))).toMatchObject({
      flaws: [{ message: "at most 10 routes deep" }],
    });
    const wide = { routes: Array.from({ length: 100 }, () => ({})) };
    expect(compileRouting(rooted({ routes: [wide, wide, wide, wide, wide] }))).toMatchObject({
      flaws: [{ path: "route" }],
    });
    const long = { matchers: [`a="${"x".repeat(590)}"`] };
    expect(
      compileRouting(rooted({ routes: Array.from({ length: 199 }, () => ({ ...long, routes: [long] })) })),
    ).toMatchObject({
      flaws: [{ path: "", message: "at most 131072 bytes of JSON" }],
    });
  });

  it("that is built in is a valid document", () => {
    expect(routingDocument.parse(builtInRouting)).toEqual(builtInRouting);
    expect(compileRouting(builtInRouting)).not.toHaveProperty("flaws");
  });
});

describe("a pattern from outside", () => {
  it("cannot hang the process: its time is linear in what it looks at", () => {
    const pattern = compilePattern("(a+)+b|(x|x?)*y");
    if ("wrong" in pattern) throw new Error(pattern.wrong);
    const started = performance.now();
    expect(pattern.fits("a".repeat(20_000))).toBe(false);
    // A backtracking engine would need longer than the universe is old.
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it.each(["(?=a)", "(a)\\1", "(a{1000}){1000}", "(", "[z-a]"])("%s is refused", (pattern) => {
    expect(compilePattern(pattern)).toHaveProperty("wrong");
  });
});

it.each(["", "severity", '="x"', '1a="x"', 'a="x', 'a=x"y', 'a="x"y"', "a==~"])("%s is no matcher", (text) => {
  if (text === "a==~") expect(parseMatcher(text)).toMatchObject({ operator: "=", value: "=~" });
  else expect(parseMatcher(text)).toHaveProperty("wrong");
});

describe("an alert", () => {
  it("cannot pass itself off by a label as what it is not", () => {
    const labels = { severity: "critical", type: "other", floor: "3" };
    expect(labelsOf({ type: "smoke", severity: "low", labels })).toEqual({
      type: "smoke",
      severity: "low",
      floor: "3",
      nature: "actual",
    });
  });

  it("that is life-safety is told at once, by whatever it inherits", () => {
    const document = rooted({
      groupWaitSeconds: 60,
      routes: [{ lifeSafety: true, routes: [{ matchers: ['a="b"'] }] }],
    });
    expect(groupsFor("m", compiled(document), 1, { a: "b" })).toMatchObject([
      { group: { groupWaitMs: 0, lifeSafety: true } },
    ]);
  });

  it("opens an incident by its severity, unless its routes say otherwise", () => {
    const opened = (severity: string, ...rules: Route["incident"][]) => {
      const routes = rules.map((incident) => ({ continue: true, ...(incident === undefined ? {} : { incident }) }));
      return opensIncident(
        groupsFor("m", compiled(rooted({ routes })), 1, {}).map(({ route }) => route),
        severity,
      );
    };
    expect(["critical", "high", "medium", "low", "info"].map((severity) => opened(severity, undefined))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(opened("critical", "never")).toBe(false);
    expect(opened("info", "never", "always")).toBe(true);
    expect(opened("high", "never", "auto")).toBe(true);
  });

  it("is in the same group whatever routes are added before its own", () => {
    const own: Route = { matchers: ['type="smoke"'], groupBy: ["site"] };
    const labels = { type: "smoke", site: "a" };
    const idIn = (...routes: Route[]) => groupsFor("m", compiled(rooted({ routes })), 1, labels)[0]!.groupId;
    expect(idIn({ matchers: ['type="gas"'] }, own)).toBe(idIn(own));
    expect(idIn({ ...own, groupBy: ["type"] })).not.toBe(idIn(own));
  });

  it("is in two groups where twins among the routes both take it", () => {
    const twin: Route = { matchers: ['type="smoke"'], continue: true };
    const ids = groupsFor("m", compiled(rooted({ routes: [twin, twin] })), 1, { type: "smoke" }).map(
      (one) => one.groupId,
    );
    expect(new Set(ids).size).toBe(2);
  });
});

it("a group's id is a UUID that depends on agency, route and labels alone, in whatever order", () => {
  const labels = fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ maxLength: 5 }), { noNullPrototype: true });
  fc.assert(
    fc.property(labels, fc.string(), (some, key) => {
      const id = groupIdOf("metro", key, some);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(groupIdOf("metro", key, Object.fromEntries(Object.entries(some).reverse()))).toBe(id);
      expect(groupIdOf("other", key, some)).not.toBe(id);
    }),
  );
});
