import type { Deadline } from "../../runtime/actor.ts";
import {
  type IncidentCommand,
  type IncidentEvent,
  type Phase,
  phases,
  type TimeTargets,
} from "../../schema/incident.ts";
import type { Target } from "../../schema/routing/document.ts";
import type { IncidentState, Known } from "./state.ts";
import { notifiedBy } from "./supervisors.ts";

/** A phase that is under way: since when, and how long it may take. */
interface Running {
  readonly phase: Phase;
  readonly since: string;
  readonly targetMs: number;
  readonly atRiskAt: string;
  readonly notified: readonly Target[];
}

/** Since when each phase runs; undefined for one that has not begun or is over. NFPA 1710 and 1225 count them so. */
function sinceOf(it: Known): Readonly<Record<Phase, string | undefined>> {
  const first = (stamps: readonly (string | null)[]) => stamps.filter((at) => at !== null).sort()[0];
  const sent = first(it.assignments.map(({ assignedAt }) => assignedAt));
  const moving = first(it.assignments.map(({ enRouteAt, onSceneAt }) => enRouteAt ?? onSceneAt));
  const there = first(it.assignments.map(({ onSceneAt }) => onSceneAt));
  return {
    dispatch: sent === undefined ? it.createdAt : undefined,
    turnout: moving === undefined ? sent : undefined,
    travel: there === undefined ? moving : undefined,
  };
}

/** It has begun, and goes on. */
export function isUnderWay(it: Known, phase: Phase): boolean {
  return isTimed(it) && sinceOf(it)[phase] !== undefined;
}

function isTimed({ status }: Known): boolean {
  return status === "new" || status === "assigned" || status === "en_route";
}

function running(s: IncidentState): readonly Running[] {
  if (s.phase === "unknown" || !isTimed(s)) return [];
  const targets: TimeTargets | undefined = s.policy?.targets?.[s.fields.priority];
  if (targets === undefined) return [];
  const since = sinceOf(s);
  return phases.flatMap((phase) => {
    const from = since[phase];
    const targetMs = targets[`${phase}Ms`];
    if (from === undefined || targetMs === undefined || s.atRisk.includes(phase)) return [];
    const atRiskAt = new Date(Date.parse(from) + (targetMs * targets.atRiskPercent) / 100).toISOString();
    return [{ phase, since: from, targetMs, atRiskAt, notified: notifiedBy(targets) }];
  });
}

/** Each phase is told to be at risk once, before its target is missed. */
export function timeTargetDeadlines(s: IncidentState): readonly Deadline<IncidentCommand>[] {
  return running(s).map(({ phase, atRiskAt }) => ({
    name: `target-${phase}`,
    at: atRiskAt,
    command: { type: "atRisk", phase, due: atRiskAt },
  }));
}

export function atRisk(s: IncidentState, { phase, due }: { phase: Phase; due: string }): readonly IncidentEvent[] {
  const it = running(s).find((one) => one.phase === phase && one.atRiskAt === due);
  if (it === undefined) return [];
  const { since, targetMs, notified } = it;
  return [{ type: "sla.at_risk", phase, since, targetMs, targets: notified }];
}
