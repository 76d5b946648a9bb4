import type { InhibitRule } from "../../../schema/routing/document.ts";

/** What happens at a tick. Alerts are named by one letter; the group is the whole case. */
export type Act =
  | {
      readonly at: number;
      readonly fire: string;
      readonly startedAt?: number;
      readonly labels?: Readonly<Record<string, string>>;
    }
  | { readonly at: number; readonly resolve: string }
  | { readonly at: number; readonly silence: readonly string[] }
  | { readonly at: number; readonly unsilence: true };

/** At a tick: who fires, who is resolved. */
export type Expected = readonly [at: number, firing: string, resolved: string];

export interface TimelineCase {
  readonly rule: string;
  /** In ticks; default: wait 2, interval 3, repeat 9. */
  readonly wait?: number;
  readonly interval?: number;
  readonly repeat?: number;
  readonly groupBy?: readonly string[];
  readonly sendResolved?: boolean;
  readonly inhibitRules?: readonly InhibitRule[];
  readonly acts: readonly Act[];
  /** Up to this tick. */
  readonly until: number;
  readonly told: readonly Expected[];
}

/**
 * Rules from Alertmanager's documentation ("Configuration", <route>: group_wait, group_interval, repeat_interval, group_by;
 * receivers: send_resolved) and, where that leaves it open, from its source (`dispatch.aggrGroup`, `notify.DedupStage`).
 */
export const timelineCases: readonly TimelineCase[] = [
  {
    rule: "group_wait: the first notification of a group waits for it",
    acts: [{ at: 0, fire: "a" }],
    until: 4,
    told: [[2, "a", ""]],
  },
  {
    rule: "group_wait: alerts that come meanwhile are told with the first",
    acts: [
      { at: 0, fire: "a" },
      { at: 1, fire: "b" },
    ],
    until: 4,
    told: [[2, "ab", ""]],
  },
  {
    rule: "group_wait: 0 tells at once",
    wait: 0,
    acts: [{ at: 0, fire: "a" }],
    until: 2,
    told: [[0, "a", ""]],
  },
  {
    rule: "dispatch: an alert that has waited for longer than group_wait already is told at once",
    acts: [{ at: 0, fire: "a", startedAt: -5 }],
    until: 2,
    told: [[0, "a", ""]],
  },
  {
    rule: "dispatch: one that is old takes those that still wait with it",
    wait: 3,
    acts: [
      { at: 0, fire: "a" },
      { at: 1, fire: "b", startedAt: -5 },
    ],
    until: 3,
    told: [[1, "ab", ""]],
  },
  {
    rule: "group_interval: an alert that joins later is told at the next one, with those before",
    acts: [
      { at: 0, fire: "a" },
      { at: 3, fire: "b" },
    ],
    until: 7,
    told: [
      [2, "a", ""],
      [5, "ab", ""],
    ],
  },
  {
    rule: "group_interval: goes on from the last flush, also where nothing was told in between",
    acts: [
      { at: 0, fire: "a" },
      { at: 6, fire: "b" },
    ],
    until: 9,
    told: [
      [2, "a", ""],
      [8, "ab", ""],
    ],
  },
  {
    rule: "group_interval: where nothing has changed, nothing is told",
    repeat: 60,
    acts: [{ at: 0, fire: "a" }],
    until: 10,
    told: [[2, "a", ""]],
  },
  {
    rule: "send_resolved: that all is over is told at the next group_interval",
    acts: [
      { at: 0, fire: "a" },
      { at: 3, resolve: "a" },
    ],
    until: 9,
    told: [
      [2, "a", ""],
      [5, "", "a"],
    ],
  },
  {
    rule: "send_resolved: one of two is told as resolved, with the one that fires",
    acts: [
      { at: 0, fire: "a" },
      { at: 1, fire: "b" },
      { at: 3, resolve: "a" },
    ],
    until: 7,
    told: [
      [2, "ab", ""],
      [5, "b", "a"],
    ],
  },
  {
    rule: "dispatch: what was told as resolved has left the group",
    acts: [
      { at: 0, fire: "a" },
      { at: 1, fire: "b" },
      { at: 3, resolve: "a" },
      { at: 6, fire: "c" },
    ],
    until: 9,
    told: [
      [2, "ab", ""],
      [5, "b", "a"],
      [8, "bc", ""],
    ],
  },
  {
    rule: "send_resolved: false keeps quiet about it",
    sendResolved: false,
    repeat: 60,
    acts: [
      { at: 0, fire: "a" },
      { at: 1, fire: "b" },
      { at: 3, resolve: "a" },
    ],
    until: 9,
    told: [[2, "ab", ""]],
  },
  {
    rule: "send_resolved: false: that all is over is not told either, but known: the same alert again is news",
    sendResolved: false,
    wait: 1,
    repeat: 60,
    acts: [
      { at: 0, fire: "a" },
      { at: 2, resolve: "a" },
      { at: 6, fire: "a" },
    ],
    until: 9,
    told: [
      [1, "a", ""],
      [7, "a", ""],
    ],
  },
  {
    rule: "DedupStage: what fired and was resolved before the first flush is told to nobody",
    acts: [
      { at: 0, fire: "a" },
      { at: 1, resolve: "a" },
    ],
    until: 6,
    told: [],
  },
  {
    rule: "DedupStage: what fired and was resolved between two flushes is told as resolved, where others fire",
    repeat: 60,
    acts: [
      { at: 0, fire: "a" },
      { at: 3, fire: "b" },
      { at: 4, resolve: "b" },
    ],
    until: 9,
    told: [
      [2, "a", ""],
      [5, "a", "b"],
    ],
  },
  {
    rule: "DedupStage: the same alert that is resolved and fires again before the flush is no news",
    repeat: 60,
    acts: [
      { at: 0, fire: "a" },
      { at: 3, resolve: "a" },
      { at: 4, fire: "a" },
    ],
    until: 9,
    told: [[2, "a", ""]],
  },
  {
    rule: "DedupStage: an alert goes, another comes: the other is news, and the first one's end with it",
    acts: [
      { at: 0, fire: "a" },
      { at: 3, resolve: "a" },
      { at: 4, fire: "b" },
    ],
    until: 7,
    told: [
      [2, "a", ""],
      [5, "b", "a"],
    ],
  },
  {
    rule: "repeat_interval: the same is told again, at the group_interval after it is over",
    wait: 1,
    interval: 2,
    repeat: 5,
    acts: [{ at: 0, fire: "a" }],
    until: 14,
    told: [
      [1, "a", ""],
      [7, "a", ""],
      [13, "a", ""],
    ],
  },
  {
    rule: "repeat_interval: is counted from the last notification, not from the first",
    wait: 1,
    interval: 2,
    repeat: 5,
    acts: [
      { at: 0, fire: "a" },
      { at: 4, fire: "b" },
    ],
    until: 12,
    told: [
      [1, "a", ""],
      [5, "ab", ""],
      [11, "ab", ""],
    ],
  },
  {
    rule: "group_by: alerts with other values are groups of their own, each with its own wait",
    groupBy: ["site"],
    acts: [
      { at: 0, fire: "a", labels: { site: "x" } },
      { at: 1, fire: "b", labels: { site: "y" } },
    ],
    until: 4,
    told: [
      [2, "a", ""],
      [3, "b", ""],
    ],
  },
  {
    rule: "group_by: alerts that lack the label are one group",
    groupBy: ["site"],
    acts: [
      { at: 0, fire: "a" },
      { at: 1, fire: "b" },
    ],
    until: 4,
    told: [[2, "ab", ""]],
  },
  {
    rule: "group_by: ... makes every alert a group of its own",
    groupBy: ["..."],
    acts: [
      { at: 0, fire: "a" },
      { at: 1, fire: "b" },
    ],
    until: 4,
    told: [
      [2, "a", ""],
      [3, "b", ""],
    ],
  },
  {
    rule: "silences: an alert that is silenced from the start is not told",
    acts: [
      { at: 0, silence: ['alert="a"'] },
      { at: 1, fire: "a" },
    ],
    until: 8,
    told: [],
  },
  {
    rule: "silences: the others of its group are told without it",
    acts: [
      { at: 0, silence: ['alert="a"'] },
      { at: 1, fire: "a" },
      { at: 1, fire: "b" },
    ],
    until: 5,
    told: [[3, "b", ""]],
  },
  {
    rule: "silences: when one ends, what still fires is told at the next group_interval",
    acts: [
      { at: 0, silence: ['alert="a"'] },
      { at: 1, fire: "a" },
      { at: 4, unsilence: true },
    ],
    until: 8,
    told: [[6, "a", ""]],
  },
  {
    rule: "silences: one that comes after the notification keeps it from being repeated",
    wait: 1,
    interval: 2,
    repeat: 4,
    acts: [
      { at: 0, fire: "a" },
      { at: 2, silence: ['alert="a"'] },
    ],
    until: 10,
    told: [[1, "a", ""]],
  },
  {
    rule: "inhibit_rule: a target is not told while its source fires, and is told after",
    repeat: 60,
    inhibitRules: [{ sourceMatchers: ['level="source"'], targetMatchers: ['level="target"'], equal: ["case"] }],
    acts: [
      { at: 0, fire: "a", labels: { level: "source" } },
      { at: 0, fire: "b", labels: { level: "target" } },
      { at: 4, resolve: "a" },
    ],
    until: 9,
    told: [
      [2, "a", ""],
      [5, "b", "a"],
    ],
  },
];
