import { type Concern, concerns, type IncidentEvent } from "../../schema/incident.ts";
import type { Target } from "../../schema/routing/document.ts";
import type { Known } from "./state.ts";
import { isUnderWay } from "./time-targets.ts";

export interface Raised {
  readonly concern: Concern;
  /** In words, with what it was when it was raised. */
  readonly reason: string;
  readonly targets: readonly Target[];
}

/** What somebody has to be told of, as an event says; undefined for an event by which nobody is. */
export function concernIn(event: IncidentEvent): Raised | undefined {
  if (event.type === "incident.supervisor_notified") {
    const { reason, alarmLevel, targets = [] } = event;
    return { concern: alarmLevel === undefined ? "unassigned" : "alarm", reason, targets };
  }
  if (event.type !== "sla.at_risk") return;
  const { phase, targetMs, targets = [] } = event;
  return { concern: phase, reason: `${phase} may take longer than ${Math.round(targetMs / 1_000)} s`, targets };
}

/** What nobody has to be told of any more, of all that somebody may have been told of. */
export function concernsOver(it: Known): readonly Concern[] {
  return concerns.filter((concern) => wasRaised(it, concern) && !lasts(it, concern));
}

function wasRaised(it: Known, concern: Concern): boolean {
  if (concern === "unassigned") return it.escalatedSince !== null;
  return concern === "alarm" ? it.alarmLevel > 1 : it.atRisk.includes(concern);
}

function lasts(it: Known, concern: Concern): boolean {
  if (concern === "unassigned") return it.status === "new";
  if (concern === "alarm") return !["resolved", "closed", "cancelled"].includes(it.status);
  return isUnderWay(it, concern);
}
