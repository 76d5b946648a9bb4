import type { Deadline } from "../../runtime/actor.ts";
import {
  ALARM_LEVELS_MAX,
  type EscalationRule,
  type IncidentCommand,
  type IncidentEvent,
} from "../../schema/incident.ts";
import type { IncidentState, Known } from "./state.ts";
import { notifiedBy } from "./supervisors.ts";

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

/** The alarm rises, and where it is high enough by the agency's rule, a supervisor is told. */
export function alarmRaised(it: Known, to: number, reason: string): readonly IncidentEvent[] {
  const raised: IncidentEvent = { type: "incident.alarm_raised", from: it.alarmLevel, to, reason };
  const rule = ruleOf(it);
  if (rule?.notifyAtAlarmLevel === undefined || to < rule.notifyAtAlarmLevel) return [raised];
  const told = { reason: `the alarm level is ${to}`, alarmLevel: to, targets: notifiedBy(rule) };
  return [raised, { type: "incident.supervisor_notified", ...told }];
}

/** What a rule does when nobody was assigned in time. What is highest cannot rise: then somebody is told. */
export function autoEscalate(it: Known): readonly IncidentEvent[] {
  const rule = ruleOf(it)!;
  const { action } = rule;
  const reason = "no unit assigned in time";
  const from = it.fields.priority;
  const events: IncidentEvent[] = [];
  if (action === "raise_alarm" && it.alarmLevel < ALARM_LEVELS_MAX)
    events.push({ type: "incident.alarm_raised", from: it.alarmLevel, to: it.alarmLevel + 1, reason });
  if (action !== "raise_priority" || from === 1)
    events.push({ type: "incident.supervisor_notified", reason, targets: notifiedBy(rule) });
  if ((action === "raise_priority" || action === "both") && from > 1)
    events.push({ type: "incident.escalated", from, to: from - 1, reason });
  return events;
}
