import type { CallRecord, UnitRun } from "./records.ts";

/**
 * A plan is every request that the records call for, in one order over all calls, with what each must wait for.
 *
 * 1. Steps are sorted by the time of the record; a step only ever waits for steps before it. So the plan cannot lock up.
 * 2. The steps of a call are a chain, in that order: create first, close last.
 * 3. The steps of a unit are a chain too, over all calls: a unit that was free before its next call is so in a replay at
 *    any speed; one that was sent on before it was free is so too, and the server refuses it, as it must.
 */

/** In the order in which they happen where the record gives them one time. */
const KINDS = [
  "create",
  "assign",
  "en_route",
  "on_scene",
  "transporting",
  "clear",
  "resolve",
  "cancel",
  "close",
] as const;
export type StepKind = (typeof KINDS)[number];

interface PlannedStep {
  readonly kind: StepKind;
  /** When the record says that it happened, milliseconds since the epoch. */
  readonly atMs: number;
  /** Index into the plan's calls. */
  readonly call: number;
  /** The unit's part in the call that the step is about. */
  readonly run: UnitRun | undefined;
}

export interface Step extends PlannedStep {
  /** Indexes of the steps that must be over before. All are smaller than this step's own. */
  readonly after: readonly number[];
}

export interface Plan {
  readonly calls: readonly CallRecord[];
  readonly steps: readonly Step[];
  /** Every unit of the records, with all that any record says it can do. */
  readonly units: ReadonlyMap<string, readonly string[]>;
}

interface Draft extends PlannedStep {
  /** Breaks ties of time: an older part of the story comes first, so that a unit leaves a call before it joins the next. */
  readonly sinceMs: number;
  readonly rank: number;
  /** Units that this step is about, or sets free. */
  readonly callSigns: readonly string[];
}

function draftRun(call: number, run: UnitRun): Draft[] {
  const times: readonly (readonly [StepKind, number | undefined])[] = [
    ["assign", run.dispatchedAtMs],
    ["en_route", run.enRouteAtMs],
    ["on_scene", run.onSceneAtMs],
    ["transporting", run.transportingAtMs],
    ["clear", run.availableAtMs],
  ];
  return times.flatMap(([kind, atMs]) =>
    atMs === undefined ? [] : [draft({ kind, atMs, call, run }, run.dispatchedAtMs, [run.callSign])],
  );
}

function draft(step: PlannedStep, sinceMs: number, callSigns: readonly string[]): Draft {
  return { ...step, sinceMs, rank: KINDS.indexOf(step.kind), callSigns };
}

/** A call ends with the last that the record says of it, which also frees the units of which it does not say so. */
function draftEnd(call: number, record: CallRecord, runs: readonly Draft[]): Draft[] {
  if (record.runs.length === 0) {
    const cancel: PlannedStep = { kind: "cancel", atMs: record.receivedAtMs, call, run: undefined };
    return [draft(cancel, record.receivedAtMs, [])];
  }
  const atMs = Math.max(...runs.map((step) => step.atMs));
  const sinceMs = Math.max(...record.runs.map((run) => run.dispatchedAtMs));
  const held = record.runs.filter((run) => run.availableAtMs === undefined).map((run) => run.callSign);
  return [
    draft({ kind: "resolve", atMs, call, run: undefined }, sinceMs, held),
    draft({ kind: "close", atMs, call, run: undefined }, sinceMs, []),
  ];
}

function draftCall(record: CallRecord, call: number): Draft[] {
  const create: PlannedStep = { kind: "create", atMs: record.receivedAtMs, call, run: undefined };
  const runs = record.runs.flatMap((run) => draftRun(call, run));
  return [draft(create, record.receivedAtMs, []), ...runs, ...draftEnd(call, record, runs)];
}

function compareDrafts(a: Draft, b: Draft): number {
  return (
    a.atMs - b.atMs ||
    a.sinceMs - b.sinceMs ||
    a.call - b.call ||
    a.rank - b.rank ||
    (a.run?.sequence ?? 0) - (b.run?.sequence ?? 0)
  );
}

/** What each step must wait for: the step before it of its call, and of each of its units. */
function link(drafts: readonly Draft[]): Step[] {
  const lastOfCall = new Map<number, number>();
  const lastOfUnit = new Map<string, number>();
  return drafts.map(({ kind, atMs, call, run, callSigns }, index) => {
    const before = [lastOfCall.get(call), ...callSigns.map((callSign) => lastOfUnit.get(callSign))];
    lastOfCall.set(call, index);
    for (const callSign of callSigns) lastOfUnit.set(callSign, index);
    return { kind, atMs, call, run, after: [...new Set(before.filter((step) => step !== undefined))] };
  });
}

/**
 * @param calls in the order of the time received; in each call, each unit once, its times in order and none before the
 *   call was received
 */
export function planReplay(calls: readonly CallRecord[]): Plan {
  const units = new Map<string, readonly string[]>();
  for (const run of calls.flatMap((call) => call.runs))
    units.set(run.callSign, [...new Set([...(units.get(run.callSign) ?? []), ...run.capabilities])]);
  return { calls, steps: link(calls.flatMap(draftCall).sort(compareDrafts)), units };
}
