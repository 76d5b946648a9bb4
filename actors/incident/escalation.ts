import type { Deadline } from "../../runtime/actor.ts";
import type { EscalationRule, IncidentCommand, IncidentEvent } from "../../schema/incident.ts";
import type { IncidentState, Known } from "./state.ts";

/** How long an incident may wait without a unit where its agency says nothing: then it rises by one step of priority. */
const BY_DEFAULT: Readonly<Record<number, EscalationRule>> = {
  2: { unassignedMs: 5 * 60_000, action: "raise_priority" },
  3: { unassignedMs: 15 * 60_000, action: "raise_priority" },
  4: { unassignedMs: 60 * 60_000, action: "raise_priority" },
  5: { unassignedMs: 4 * 3_600_000, action: "raise_priority" },
};

function ruleOf(it: Known): EscalationRule | undefined {
  return (it.policy?.escalation ?? BY_DEFAULT)[it.fields.priority];
}

/** Counted from when nobody was on it any more, at its present priority; once told, not again until that changes. */
export function escalationDeadlines(s: IncidentState): readonly Deadline<IncidentCommand>[] {
  if (s.phase === "unknown" || s.status !== "new" || s.escalatedSince === s.waitingSince) return [];
  const rule = ruleOf(s);
  if (rule === undefined) return [];
  const at = new Date(Date.parse(s.waitingSince) + rule.unassignedMs).toISOString();
  return [{ name: "unassigned", at, command: { type: "autoEscalate", due: at } }];
}

/** What a rule does when nobody was assigned in time. The highest priority cannot rise: then somebody is told. */
export function autoEscalate(it: Known): readonly IncidentEvent[] {
  const { action } = ruleOf(it)!;
  const reason = "no unit assigned in time";
  const from = it.fields.priority;
  const events: IncidentEvent[] = [];
  if (action !== "raise_priority" || from === 1) events.push({ type: "incident.supervisor_notified", reason });
  if (action !== "notify_supervisor" && from > 1)
    events.push({ type: "incident.escalated", from, to: from - 1, reason });
  return events;
}
