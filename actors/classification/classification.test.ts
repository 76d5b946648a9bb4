import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { specificationOf } from "../../runtime/testing/given.ts";
import type {
  ClassifiableAlert,
  ClassificationCommand,
  ClassificationDocument,
  ClassificationEvent,
} from "../../schema/classification.ts";
import { type CompiledRules, classify, compileRules, type Verdict } from "./classify.ts";
import { classification, classificationView } from "./definition.ts";
import { compileExpression, variablesOf } from "./expression.ts";
import { TextClassifier } from "./text-classifier.ts";
import { train } from "./training.ts";

const alert: ClassifiableAlert = {
  type: "smoke",
  severity: "low",
  title: "Smoke on the 3rd floor",
  source: "panel-7",
  labels: { floor: "3", site: "mill" },
};
const said: Verdict = {
  category: "smoke",
  severity: "low",
  priority: 4,
  incidentType: "smoke",
  reasons: ["the sender says low"],
  versions: {},
};
const compiled = (document: ClassificationDocument): CompiledRules => {
  const rules = compileRules(document);
  if ("flaws" in rules) throw new Error(JSON.stringify(rules.flaws));
  return rules;
};
const verdictOf = (document: ClassificationDocument, of = alert, model?: TextClassifier) =>
  classify(of, said, compiled(document), { rules: 7 }, model);

describe("an expression of an alert", () => {
  it.each([
    ['alert.type == "smoke"', true],
    ['alert.severity in ["high", "critical"]', false],
    ['alert.labels["floor"] == "3" && alert.source.startsWith("panel")', true],
    ['"site" in alert.labels', true],
    ["has(alert.labels.room)", false],
    ['alert.title.matches("(?i)smoke|fire")', true],
    ['alert.labels.exists(name, name == "site")', true],
    ["size(alert.description) == 0", true],
    ['int(alert.labels["floor"]) > 2', true],
  ])("%s is %s", (text, expected) => {
    const expression = compileExpression(text);
    if ("wrong" in expression) throw new Error(expression.wrong);
    expect(expression.holds(variablesOf(alert))).toBe(expected);
  });

  it.each<[string, RegExp]>([
    ["alert.type", /is a string/],
    ["alert.typo == 'a'", /typo/],
    ["alert.type == 1", /no such overload/],
    ["type ==", /./],
    ["siren == 1", /Unknown variable/],
    ['alert.description.split("").exists(c, c == "a")', /no function split/],
    ["alert.labels.map(k, k) == []", /no function map/],
    ["[1, 2].exists(a, [1, 2].exists(b, a == b))", /costs too much/],
    ['["a"].exists(a, a.matches("b"))', /costs too much/],
    ["alert.title.matches(alert.description)", /written out/],
    ['alert.title.matches("(?=a)")', /./],
    ['{"a": 1}["a"] == 1', /maxMapEntries/],
    [`${"(".repeat(40)}true${")".repeat(40)}`, /maxDepth/],
    [Array(200).fill("true").join(" && "), /max/],
  ])("%s is refused", (text, why) => {
    const expression = compileExpression(text);
    expect("wrong" in expression ? expression.wrong : "").toMatch(why);
  });

  it("cannot hang the process by its pattern", () => {
    const expression = compileExpression('alert.description.matches("^(a+)+$")');
    if ("wrong" in expression) throw new Error(expression.wrong);
    const started = performance.now();
    expect(expression.holds(variablesOf({ ...alert, description: `${"a".repeat(16_000)}!` }))).toBe(true);
    expect(expression.holds(variablesOf({ ...alert, description: `${"a".repeat(2_000)}!` }))).toBe(false);
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it("whatever it is, is compiled or refused with a reason, and never throws", () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 60, unit: fc.constantFrom(..."alert.type\"'[]()!&|=<>?:+-1a b{}\\\n") }),
        (text) => {
          const expression = compileExpression(text);
          if ("wrong" in expression) expect(expression.wrong).not.toBe("");
        },
      ),
    );
  });
});

describe("an alert is classified", () => {
  it("as its sender says where nobody else says anything", () => {
    expect(verdictOf({ rules: [] })).toEqual(said);
  });

  it("of each field by the first rule that sets it, with the reasons and the revision", () => {
    const rules = [
      { name: "upper floors", when: 'int(alert.labels["floor"]) > 2', set: { severity: "high" as const } },
      {
        name: "smoke",
        when: 'alert.type == "smoke"',
        set: { category: "fire", severity: "medium" as const, priority: 2 },
      },
      { name: "other", when: 'alert.type == "gas"', set: { incidentType: "gas_leak" } },
    ];
    expect(verdictOf({ rules })).toEqual({
      category: "fire",
      severity: "high",
      priority: 2,
      incidentType: "smoke",
      reasons: ["the sender says low", "rule upper floors: severity high", "rule smoke: category fire, priority 2"],
      versions: { rules: "7" },
    });
  });

  it("without a rule about a label that it does not have, and with a word about one that cannot be asked", () => {
    const rules = [
      { name: "room", when: 'alert.labels["room"] == "7"', set: { priority: 1 } },
      { name: "floor", when: 'int(alert.labels["site"]) > 2', set: { priority: 1 } },
    ];
    const { priority, reasons } = verdictOf({ rules });
    expect(priority).toBe(4);
    expect(reasons).toHaveLength(2);
    expect(reasons[1]).toMatch(/^rule floor cannot be asked: /);
  });
});

const examples = ["fire in the kitchen", "flames from the roof", "smoke and fire"]
  .map((text) => ({ text, label: "structure_fire", category: "fire", priority: 1 }))
  .concat(
    ["chest pain and sweating", "he cannot breathe", "pain in the chest"].map((text) => {
      return { text, label: "cardiac", category: "medical", priority: 2 };
    }),
  );
const seeded = (seed: number) => {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
};
const options = (seed = 1) => ({ name: "t", date: "2026-01-01", seed, dataHash: "0".repeat(64), random: seeded(seed) });
const many = Array.from({ length: 20 }, (_, n) => examples.map((one) => ({ ...one, text: `${one.text} ${n}` }))).flat();

describe("a text classifier", () => {
  it("learns words, and says how sure it is", () => {
    const { model, accuracy, baseline, heldBack, trained, classes } = train(many, options());
    expect([trained, heldBack, accuracy]).toEqual([108, 12, 1]);
    expect(baseline).toBeLessThan(0.8);
    expect(classes.every(({ recall }) => recall === 1)).toBe(true);
    const classifier = new TextClassifier(model);
    expect(classifier.classify("there is FIRE, flames!")).toMatchObject({
      label: "structure_fire",
      category: "fire",
      priority: 1,
    });
    expect(classifier.classify("my chest hurts, chest pain")?.label).toBe("cardiac");
    expect(classifier.classify("zzz")).toBeUndefined();
    expect(classifier.classify("the")!.confidence).toBeLessThan(classifier.classify("fire flames")!.confidence);
  });

  it("is the same, to the byte, of the same data, seed and date", () => {
    expect(JSON.stringify(train(many, options()))).toBe(JSON.stringify(train(many, options())));
    expect(JSON.stringify(train(many, options(2)).model)).not.toBe(JSON.stringify(train(many, options()).model));
  });

  it("does not learn from what it is tried on", () => {
    // Each text is its own: a model that had seen the tenth would know it.
    const alone = Array.from({ length: 200 }, (_, index) => ({
      text: `x${index}`,
      label: index % 2 === 0 ? "even" : "odd",
      category: null,
      priority: null,
    }));
    expect(train(alone, options()).accuracy).toBe(0);
  });

  it("needs two labels", () => {
    expect(() =>
      train(
        many.filter(({ label }) => label === "cardiac"),
        options(),
      ),
    ).toThrow(RangeError);
  });

  it("is asked about calls in people's own words alone, followed where it is sure, and overruled by rules", () => {
    const classifier = new TextClassifier(train(many, options()).model);
    const call = { ...alert, type: "call", title: "fire, flames from the roof" };
    const sure = verdictOf({ rules: [] }, call, classifier);
    expect(sure).toMatchObject({ incidentType: "structure_fire", category: "fire", priority: 1, severity: "low" });
    expect(sure.reasons[1]).toMatch(/^the model says structure_fire \(\d+ %\)$/);
    expect(sure.versions["model"]).toBe("t 2026-01-01 000000000000");
    const doubting = { types: ["call"], minimumConfidence: 1 };
    expect(verdictOf({ rules: [], model: doubting }, { ...call, title: "the" }, classifier)).toMatchObject({
      incidentType: "smoke",
      reasons: [said.reasons[0], expect.stringContaining("too unsure to follow")],
    });
    expect(verdictOf({ rules: [] }, { ...call, type: "smoke" }, classifier)).toEqual(said);
    const rules = [{ name: "ours", when: 'alert.type == "call"', set: { incidentType: "chimney_fire" } }];
    expect(verdictOf({ rules }, call, classifier)).toMatchObject({ incidentType: "chimney_fire", category: "fire" });
  });
});

describe("an agency's classification", () => {
  const given = specificationOf<ClassificationCommand, ClassificationEvent>(classification, "metro");
  const activate = (document: ClassificationDocument): ClassificationCommand => ({
    type: "activate",
    document,
    comment: null,
  });
  const rule = { name: "a", when: "true", set: { priority: 1 } };

  it("is activated under a revision, once for the same document", () => {
    const { events } = given().when(activate({ rules: [rule] }));
    expect(events).toMatchObject([{ type: "classification.activated", revision: 1 }]);
    const { state } = given(...events!);
    expect(classificationView.present("metro", state, 1)).toMatchObject({ revision: 1, activatedBy: "someone" });
    expect(given(...events!).when(activate({ rules: [rule] })).events).toEqual([]);
  });

  it("is never one that could not be used", () => {
    const patterns = Array.from({ length: 6 }, (_, index) => ({
      ...rule,
      name: `p${index}`,
      when: `alert.title.matches("${index}.{900}")`,
    }));
    const { decision } = given().when(
      activate({ rules: [rule, rule, { ...rule, name: "b", when: "1" }, ...patterns] }),
    );
    expect(decision).toMatchObject({
      refused: "invalid_body",
      data: { issues: [{ path: "rules[1].name" }, { path: "rules[2].when" }, { path: "rules" }] },
    });
  });
});
