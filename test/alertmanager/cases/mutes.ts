import type { InhibitRule } from "../../../schema/routing/document.ts";

type Labels = Readonly<Record<string, string>>;

/** Alerts that fire by name, and which of them are muted. */
export interface MuteCase {
  readonly rule: string;
  readonly inhibitRules?: readonly InhibitRule[];
  /** Matchers of silences that hold. */
  readonly silences?: readonly (readonly string[])[];
  readonly firing: Readonly<Record<string, Labels>>;
  readonly muted: readonly string[];
}

const bySeverity: InhibitRule = {
  sourceMatchers: ['severity="critical"'],
  targetMatchers: ['severity="low"'],
  equal: ["site"],
};
const inhibit = (source: string[], target: string[], equal?: string[]): InhibitRule => {
  return { sourceMatchers: source, targetMatchers: target, ...(equal === undefined ? {} : { equal }) };
};

/** Rules from Alertmanager's documentation, "Configuration" (<inhibit_rule>) and "Alertmanager" (inhibition, silences). */
export const muteCases: readonly MuteCase[] = [
  {
    rule: "<inhibit_rule>: a target is muted while a source with equal labels fires",
    inhibitRules: [bySeverity],
    firing: { source: { severity: "critical", site: "a" }, target: { severity: "low", site: "a" } },
    muted: ["target"],
  },
  {
    rule: "<inhibit_rule>: the source is not muted",
    inhibitRules: [bySeverity],
    firing: { source: { severity: "critical", site: "a" } },
    muted: [],
  },
  {
    rule: "<inhibit_rule>: without a source nothing is muted",
    inhibitRules: [bySeverity],
    firing: { target: { severity: "low", site: "a" }, other: { severity: "medium", site: "a" } },
    muted: [],
  },
  {
    rule: "<inhibit_rule> equal: other values are not equal",
    inhibitRules: [bySeverity],
    firing: { source: { severity: "critical", site: "a" }, target: { severity: "low", site: "b" } },
    muted: [],
  },
  {
    rule: "<inhibit_rule> equal: a label that is missing on both sides is equal",
    inhibitRules: [bySeverity],
    firing: { source: { severity: "critical" }, target: { severity: "low" } },
    muted: ["target"],
  },
  {
    rule: "<inhibit_rule> equal: a label that is missing on one side is not equal to a value",
    inhibitRules: [bySeverity],
    firing: { source: { severity: "critical" }, target: { severity: "low", site: "a" } },
    muted: [],
  },
  {
    rule: "<inhibit_rule> equal: all of several have to be equal",
    inhibitRules: [inhibit(['severity="critical"'], ['severity="low"'], ["site", "floor"])],
    firing: {
      source: { severity: "critical", site: "a", floor: "1" },
      near: { severity: "low", site: "a", floor: "1" },
      far: { severity: "low", site: "a", floor: "2" },
    },
    muted: ["near"],
  },
  {
    rule: "<inhibit_rule> equal: without it every source mutes every target",
    inhibitRules: [inhibit(['severity="critical"'], ['severity="low"'])],
    firing: { source: { severity: "critical", site: "a" }, target: { severity: "low", site: "b" } },
    muted: ["target"],
  },
  {
    rule: "<inhibit_rule>: an alert that matches both sides does not mute itself",
    inhibitRules: [inhibit(['type=~"smoke|gas"'], ['type="smoke"'])],
    firing: { both: { type: "smoke", n: "1" } },
    muted: [],
  },
  {
    rule: "<inhibit_rule>: alerts that match both sides do not mute each other",
    inhibitRules: [inhibit(['type=~"smoke|gas"'], ['type="smoke"'])],
    firing: { one: { type: "smoke", n: "1" }, two: { type: "smoke", n: "2" } },
    muted: [],
  },
  {
    rule: "<inhibit_rule>: an alert that matches both sides is muted by one that matches the source alone",
    inhibitRules: [inhibit(['type=~"smoke|gas"'], ['type="smoke"'])],
    firing: { both: { type: "smoke" }, source: { type: "gas" } },
    muted: ["both"],
  },
  {
    rule: "<inhibit_rule>: an alert that matches both sides mutes one that matches the target alone",
    inhibitRules: [inhibit(['type="smoke"'], ['type=~"smoke|gas"'])],
    firing: { both: { type: "smoke" }, target: { type: "gas" } },
    muted: ["target"],
  },
  {
    rule: "<inhibit_rule>: one of several rules is enough",
    inhibitRules: [bySeverity, inhibit(['type="power"'], ['type="heartbeat"'])],
    firing: { source: { type: "power" }, target: { type: "heartbeat" }, low: { severity: "low", site: "a" } },
    muted: ["target"],
  },
  {
    rule: "<inhibit_rule>: a muted source mutes all the same",
    inhibitRules: [inhibit(['level="3"'], ['level="2"']), inhibit(['level="2"'], ['level="1"'])],
    firing: { three: { level: "3" }, two: { level: "2" }, one: { level: "1" } },
    muted: ["one", "two"],
  },
  {
    rule: "<inhibit_rule>: a source that is silenced mutes all the same",
    inhibitRules: [bySeverity],
    silences: [['severity="critical"']],
    firing: { source: { severity: "critical", site: "a" }, target: { severity: "low", site: "a" } },
    muted: ["source", "target"],
  },
  {
    rule: "silences: an alert that matches all matchers is muted",
    silences: [['type="smoke"', 'site="a"']],
    firing: { here: { type: "smoke", site: "a" }, there: { type: "smoke", site: "b" } },
    muted: ["here"],
  },
  {
    rule: "silences: matchers may be expressions, of the whole value",
    silences: [['type=~"smo.*"']],
    firing: { smoke: { type: "smoke" }, dim: { type: "dim smoke" } },
    muted: ["smoke"],
  },
  {
    rule: "silences: != is a matcher as any other",
    silences: [['type="smoke"', 'site!="a"']],
    firing: { a: { type: "smoke", site: "a" }, b: { type: "smoke", site: "b" }, none: { type: "smoke" } },
    muted: ["b", "none"],
  },
  {
    rule: "silences: one of several is enough",
    silences: [['type="smoke"'], ['type="gas"']],
    firing: { smoke: { type: "smoke" }, gas: { type: "gas" }, flood: { type: "flood" } },
    muted: ["gas", "smoke"],
  },
];
