import type { ActorDefinition, DecideContext, Decision, Participation } from "../../runtime/actor.ts";
import { assert, decide, isForward, isJoint, isRefusal, refuse } from "../../runtime/actor.ts";
import { changesOf } from "../../schema/changes.ts";
import { limits } from "../../schema/common.ts";
import {
  ALARM_LEVELS_MAX,
  type Assignment,
  type AssignmentStatus,
  type IncidentCommand,
  type IncidentEvent,
} from "../../schema/incident.ts";
import type { ResourceStatus } from "../../schema/resource.ts";
import { alarmRaised, autoEscalate, escalationDeadlines } from "./escalation.ts";
import { isOwners, withGuests } from "./guests.ts";
import {
  followAsDuplicate,
  leadAsDuplicate,
  link,
  linkedBy,
  merge,
  share,
  takeDuplicate,
  unlink,
  unlinkedBy,
} from "./relations.ts";
import { active, derivedStatus, furtherThan, type IncidentState, type Known, statusesReachableFrom } from "./state.ts";
import { atRisk, timeTargetDeadlines } from "./time-targets.ts";

type Result = Decision<IncidentEvent>;

/** An incident is reported, is worked by the units assigned to it, is resolved, and closes. `closed` is final. */
export const incident: ActorDefinition<IncidentState, IncidentCommand, IncidentEvent> = {
  kind: "incident",
  initial: { phase: "unknown" },
  limits: { mailboxMax: 256, idleMs: 600_000 },
  agencyOf: (s) => (s.phase === "unknown" ? undefined : s.agencyId),
  sharedWith: (s) => (s.phase === "unknown" ? NOBODY : s.sharedWith),
  onceSharedWith: (s) => (s.phase === "unknown" ? NOBODY : (s.onceSharedWith ?? NOBODY)),

  decide: withGuests({
    create: (s, c) => {
      if (s.phase !== "unknown") return refuse("already_exists", "this incident exists already");
      const { type: _type, ...created } = c;
      return [{ type: "incident.created", ...created }];
    },

    update: (s, c) =>
      known(s, (it) => {
        if (it.status === "closed") return final(it);
        const changed = changesOf(it.fields, c.changes);
        const policy = c.policy === undefined ? {} : { policy: c.policy };
        const events: IncidentEvent[] =
          changed === undefined ? [] : [{ type: "incident.updated", ...changed, ...policy }];
        if (c.note !== undefined) events.push({ type: "incident.noted", note: c.note });
        return events;
      }),

    // Fields do not bear on transitions, so that both parts may be decided on the same state.
    patch: (s, c, context) => {
      const updated = incident.decide.update(s, c.update, context);
      if (isRefusal(updated)) return updated;
      const moved = decide(incident, s, c.transition, context) as Result;
      if (isRefusal(moved) || isForward(moved)) return moved;
      const first = updated as readonly IncidentEvent[];
      return isJoint(moved) ? { events: [...first, ...moved.events], with: moved.with } : [...first, ...moved];
    },

    assign: (s, c, context) =>
      known(s, (it) => {
        if (!["new", "assigned", "en_route", "on_scene"].includes(it.status)) return notAllowed(it, "assigned");
        if (c.units.length === 0) return refuse("nothing_recommended", "nobody who may be sent covers what is needed");
        const held = c.units.find(({ unitId }) => active(it, unitId))?.unitId;
        if (held !== undefined) {
          return refuse("already_assigned", `unit ${held} is assigned to this incident already`, { unitId: held });
        }
        if (it.assignments.length + c.units.length > ASSIGNMENTS_MAX) {
          return refuse("limit_reached", `an incident takes at most ${ASSIGNMENTS_MAX} assignments in its life`);
        }
        const joins: Participation[] = c.units.map(({ unitId, unitType }) => ({
          to: { kind: "resource", id: unitId },
          command: { type: "hold", incidentId: context.id, resourceType: unitType, ...warning(it, "assigned") },
        }));
        const events: IncidentEvent[] = c.units.map(({ unitId, unitType }) => ({
          type: "incident.assigned",
          unitId,
          unitType,
          ...(c.replaces === undefined ? {} : { replaces: c.replaces }),
        }));
        if (c.recommendation !== undefined)
          events.unshift({ type: "incident.recommended", recommendation: c.recommendation });
        if (c.replaces === undefined) return withStatus(it, events, joins);
        const replaced = active(it, c.replaces);
        if (replaced === undefined) return notAssigned(c.replaces);
        events.push(cleared(replaced, "replaced"));
        return withStatus(it, events, [...joins, release(it, replaced, context)]);
      }),

    unitStatus: (s, c, context) =>
      known(s, (it) => {
        const working = it.assignments.filter(({ status }) => status !== "cleared");
        if (working.length === 0) return notAllowed(it, c.status);
        const [first] = working;
        if (c.unitId === undefined && working.length > 1) {
          return refuse("unit_ambiguous", "more than one unit is assigned: say which with unitId", {
            unitIds: working.map(({ unitId }) => unitId),
          });
        }
        const unit = c.unitId === undefined ? first! : active(it, c.unitId);
        if (unit === undefined) return notAssigned(c.unitId!);
        if (c.status === "cleared") {
          const to = c.unitSays === undefined ? {} : { status: c.unitSays };
          return withStatus(it, [cleared(unit, c.reason)], [release(it, unit, context, { ...to, ...c.detail })]);
        }
        const says = c.unitSays ?? c.status;
        const joins: Participation[] = [
          {
            to: { kind: "resource", id: unit.unitId },
            command: { type: "follow", incidentId: context.id, status: says, ...warning(it, says), ...c.detail },
            trusted: isOwners(it, context),
          },
        ];
        // Transporting, say, is the unit's own affair, and so is its agency's own code: its assignment stays as it is.
        const finer = c.detail?.code !== undefined || (c.unitSays !== undefined && c.unitSays !== c.status);
        if (unit.status === c.status && finer) return { events: [], with: joins };
        if (!furtherThan(c.status, unit.status)) {
          return refuse(
            "transition_not_allowed",
            `unit ${unit.unitId} is ${unit.status}: it cannot become ${c.status}`,
            {
              allowed: ASSIGNMENT_NEXT[unit.status],
            },
          );
        }
        const moved: IncidentEvent = {
          type: "incident.unit_status_changed",
          unitId: unit.unitId,
          from: unit.status,
          to: c.status,
          ...(c.unitSays === undefined ? {} : { unitSays: c.unitSays }),
          ...(c.reason === undefined ? {} : { reason: c.reason }),
        };
        return withStatus(it, [moved], joins);
      }),

    resolve: (s, c, context) =>
      known(s, (it) => {
        if (!["assigned", "en_route", "on_scene"].includes(it.status)) {
          // All units may have been cleared one by one: there is nothing left to do but to say so.
          const worked = it.status === "new" && it.assignments.length > 0;
          if (!worked) return notAllowed(it, "resolved");
        }
        return finish(it, { type: "incident.resolved", ...reason(c) }, context);
      }),

    cancel: (s, c, context) =>
      known(s, (it) => {
        if (it.status === "closed" || it.status === "cancelled") return notAllowed(it, "cancelled");
        return finish(it, { type: "incident.cancelled", ...reason(c) }, context);
      }),

    reopen: (s, c) =>
      known(s, (it) => {
        if (!["resolved", "closed", "cancelled"].includes(it.status)) return notAllowed(it, "new");
        return [{ type: "incident.reopened", ...reason(c) }];
      }),

    archive: (s, c) =>
      known(s, (it) => {
        const stays = it.archivedAt !== undefined || !isOver(it) || it.updatedAt >= c.before;
        return stays ? [] : [{ type: "incident.archived" }];
      }),

    restore: (s) => known(s, (it) => (it.archivedAt === undefined ? [] : [{ type: "incident.restored" }])),

    escalate: (s, c) =>
      known(s, (it) => {
        if (["resolved", "closed", "cancelled"].includes(it.status)) return final(it);
        const from = it.fields.priority;
        const to = c.priority ?? from - 1;
        if (to < 1 || to >= from) {
          return refuse("priority_at_limit", `the priority is ${from}: it can only be raised above that, 1 at most`, {
            priority: from,
          });
        }
        return [{ type: "incident.escalated", from, to, reason: c.reason }];
      }),

    // A ring that comes late means nothing any more: the state says whether it is still due.
    autoEscalate: (s, c) =>
      s.phase === "known" && escalationDeadlines(s).some(({ at }) => at === c.due) ? autoEscalate(s) : [],

    atRisk: (s, c) => atRisk(s, c),

    raiseAlarm: (s, c) =>
      known(s, (it) => {
        if (["resolved", "closed", "cancelled"].includes(it.status)) return final(it);
        const from = it.alarmLevel;
        const to = c.level ?? from + 1;
        if (to <= from || to > ALARM_LEVELS_MAX) {
          const detail = `the alarm level is ${from}: it can only be raised above that, ${ALARM_LEVELS_MAX} at most`;
          return refuse("alarm_at_limit", detail, { alarmLevel: from });
        }
        return alarmRaised(it, to, c.reason);
      }),

    share: (s, c) => known(s, (it) => share(it, c.agencyId)),
    unshare: (s, c) =>
      known(s, (it) =>
        it.sharedWith.includes(c.agencyId) ? [{ type: "incident.unshared", agencyId: c.agencyId }] : [],
      ),
    merge: (s, c, { id }) => known(s, (it) => merge(it, id, c.duplicateId)),
    leadAsDuplicate: (s, c, { id }) => known(s, (it) => leadAsDuplicate(it, id, c.of)),
    followAsDuplicate: (s, c) => known(s, (it) => followAsDuplicate(it, c.of)),
    takeDuplicate: (s, c) => known(s, (it) => takeDuplicate(it, c.duplicateId)),
    link: (s, c, { id }) => known(s, (it) => link(it, id, c.incidentId)),
    linkedBy: (s, c, { id }) => known(s, (it) => linkedBy(it, id, c.incidentId)),
    unlink: (s, c, { id }) => known(s, (it) => unlink(it, id, c.incidentId)),
    unlinkedBy: (s, c) => known(s, (it) => unlinkedBy(it, c.incidentId)),

    recommend: (s, { recommendation }) => known(s, () => [{ type: "incident.recommended", recommendation }]),

    attachAlert: (s, c) =>
      known(s, (it) => {
        if (it.agencyId !== c.agencyId)
          return refuse("not_linkable", "an alert goes with an incident of its own agency");
        if (it.status === "closed" || it.status === "cancelled") return final(it);
        return [{ type: "incident.alert_attached", alertId: c.alertId, title: c.title }];
      }),
    detachAlert: (s, { alertId }) =>
      known(s, (it) => (it.status === "closed" ? [] : [{ type: "incident.alert_detached", alertId }])),
    noteAlert: (s, { type: _type, ...note }) =>
      known(s, (it) => (it.status === "closed" ? [] : [{ type: "incident.alert_noted", ...note }])),

    close: (s, c) =>
      known(s, (it) => {
        if (it.status !== "resolved") return notAllowed(it, "closed");
        return [
          { type: "incident.closed", disposition: c.disposition, ...(c.note === undefined ? {} : { note: c.note }) },
        ];
      }),
  }),

  evolve: {
    "incident.created": (s, { type: _type, ...e }, { at, by }) => {
      assert(s.phase === "unknown", "an incident is created once");
      return {
        phase: "known",
        ...e,
        policy: e.policy ?? null,
        status: "new",
        assignments: [],
        alarmLevel: 1,
        atRisk: [],
        mergedIntoId: null,
        duplicates: [],
        links: [],
        sharedWith: NOBODY,
        disposition: null,
        createdBy: by,
        createdAt: at,
        updatedAt: at,
        waitingSince: at,
        escalatedSince: null,
        resolvedAt: null,
        closedAt: null,
      };
    },
    "incident.updated": (s, e, { at }) => ({
      ...existing(s),
      updatedAt: at,
      fields: { ...existing(s).fields, ...e.changes },
      policy: e.policy ?? existing(s).policy,
    }),
    "incident.noted": (s, _e, { at }) => ({ ...existing(s), updatedAt: at }),
    "incident.assigned": (s, e, { at }) => {
      const it = existing(s);
      assert(active(it, e.unitId) === undefined, `${e.unitId} is assigned already`);
      const { unitId, unitType } = e;
      const fresh: Assignment = {
        unitId,
        unitType,
        status: "assigned",
        assignedAt: at,
        enRouteAt: null,
        onSceneAt: null,
        clearedAt: null,
      };
      return { ...it, updatedAt: at, assignments: [...it.assignments, fresh] };
    },
    "incident.unit_status_changed": (s, e, { at }) => {
      const it = existing(s);
      const unit = active(it, e.unitId);
      assert(unit?.status === e.from, `${e.unitId} is not ${e.from}`);
      const stamp = STAMP[e.to];
      const moved: Assignment = { ...unit, status: e.to, ...(stamp === undefined ? {} : { [stamp]: at }) };
      return { ...it, updatedAt: at, assignments: it.assignments.map((one) => (one === unit ? moved : one)) };
    },
    "incident.status_changed": (s, e, { at }) => {
      const it = existing(s);
      assert(it.status === e.from, `the incident is ${it.status}, not ${e.from}`);
      return { ...it, status: e.to, updatedAt: at, waitingSince: e.to === "new" ? at : it.waitingSince };
    },
    "incident.escalated": (s, e, { at }) => {
      const it = existing(s);
      assert(it.fields.priority === e.from, `the priority is ${it.fields.priority}, not ${e.from}`);
      return { ...it, updatedAt: at, waitingSince: at, fields: { ...it.fields, priority: e.to } };
    },
    "incident.recommended": (s) => existing(s),
    "incident.alert_attached": (s, _e, { at }) => ({ ...existing(s), updatedAt: at }),
    "incident.alert_detached": (s, _e, { at }) => ({ ...existing(s), updatedAt: at }),
    "incident.alert_noted": (s, _e, { at }) => ({ ...existing(s), updatedAt: at }),
    "incident.alarm_raised": (s, e, { at }) => {
      const it = existing(s);
      assert(it.alarmLevel === e.from, `the alarm level is ${it.alarmLevel}, not ${e.from}`);
      return { ...it, alarmLevel: e.to, updatedAt: at };
    },
    "incident.supervisor_notified": (s, e) => {
      const it = existing(s);
      return e.alarmLevel === undefined ? { ...it, escalatedSince: it.waitingSince } : it;
    },
    "sla.at_risk": (s, e) => ({ ...existing(s), atRisk: [...existing(s).atRisk, e.phase] }),
    "incident.shared": (s, e, { at }) => ({
      ...existing(s),
      sharedWith: [...existing(s).sharedWith, e.agencyId],
      updatedAt: at,
    }),
    "incident.unshared": (s, e, { at }) => ({
      ...existing(s),
      sharedWith: existing(s).sharedWith.filter((agency) => agency !== e.agencyId),
      onceSharedWith: [...new Set(existing(s).onceSharedWith).add(e.agencyId)],
      updatedAt: at,
    }),
    "incident.merged": (s, e, { at }) => {
      const it = existing(s);
      // A duplicate that was opened again may turn out to be one after all.
      const before = it.duplicates.filter((id) => id !== e.duplicateId);
      return { ...it, duplicates: [...before, e.duplicateId], updatedAt: at };
    },
    "incident.merged_into": (s, e, { at }) => ({
      ...idle(s),
      status: "closed",
      disposition: "duplicate",
      mergedIntoId: e.into,
      closedAt: at,
      updatedAt: at,
    }),
    "incident.linked": (s, e, { at }) => ({
      ...existing(s),
      links: [...existing(s).links, e.incidentId],
      updatedAt: at,
    }),
    "incident.unlinked": (s, e, { at }) => ({
      ...existing(s),
      links: existing(s).links.filter((id) => id !== e.incidentId),
      updatedAt: at,
    }),
    "incident.resolved": (s, _e, { at }) => ({ ...idle(s), status: "resolved", resolvedAt: at, updatedAt: at }),
    "incident.cancelled": (s, _e, { at }) => ({ ...idle(s), status: "cancelled", updatedAt: at }),
    "incident.reopened": (s, _e, { at }) => ({
      ...idle(s),
      status: "new",
      disposition: null,
      mergedIntoId: null,
      resolvedAt: null,
      closedAt: null,
      updatedAt: at,
      waitingSince: at,
    }),
    "incident.archived": (s, _e, { at }) => {
      const it = existing(s);
      assert(isOver(it), "only what is over is archived");
      return { ...it, archivedAt: at };
    },
    // It is at rest from now on, again.
    "incident.restored": (s, _e, { at }) => ({ ...existing(s), updatedAt: at }),
    "incident.closed": (s, e, { at }) => {
      assert(existing(s).status === "resolved", "only what is resolved is closed");
      return { ...idle(s), status: "closed", disposition: e.disposition, closedAt: at, updatedAt: at };
    },
  },

  departure: {
    restsSince: (s) => (s.phase === "known" && isOver(s) ? s.updatedAt : undefined),
    command: (before) => ({ type: "archive", before }),
    event: "incident.archived",
    hasDeparted: (s) => s.phase === "known" && s.archivedAt !== undefined,
  },

  deadlines: (s) => [...escalationDeadlines(s), ...timeTargetDeadlines(s)],
};

function isOver({ status }: Known): boolean {
  return status === "closed" || status === "cancelled";
}

const NOBODY: readonly string[] = [];

/** More is no incident but a data error, and each is carried in every snapshot. */
const ASSIGNMENTS_MAX = 4 * limits.unitsPerAssign;

/** What an assignment may become. Steps may be skipped: a crew that arrives without having pressed "en route" has arrived. */
const ASSIGNMENT_NEXT: Readonly<Record<AssignmentStatus, readonly AssignmentStatus[]>> = {
  assigned: ["en_route", "on_scene", "cleared"],
  en_route: ["on_scene", "cleared"],
  on_scene: ["cleared"],
  cleared: [],
};

const STAMP: Partial<Record<AssignmentStatus, "enRouteAt" | "onSceneAt" | "clearedAt">> = {
  en_route: "enRouteAt",
  on_scene: "onSceneAt",
  cleared: "clearedAt",
};

function known(s: IncidentState, decide: (it: Known) => Result): Result {
  return s.phase === "unknown" ? refuse("not_found", "no such incident") : decide(s);
}

/** Whatever happens to an incident in the archive brings it back. */
function existing(s: IncidentState): Known {
  assert(s.phase === "known", "something happened to an incident before it was created");
  if (s.archivedAt === undefined) return s;
  const { archivedAt: _no, ...it } = s;
  return it;
}

/** No unit may be left on an incident that nobody works on. */
function idle(s: IncidentState): Known {
  const it = existing(s);
  assert(
    it.assignments.every(({ status }) => status === "cleared"),
    "a unit is still assigned",
  );
  return it;
}

function notAllowed(it: Known, to: string): Result {
  const allowed = statusesReachableFrom(it);
  const detail = `an incident that is ${it.status} cannot become ${to}; allowed: ${allowed.join(", ") || "nothing"}`;
  return refuse("transition_not_allowed", detail, { allowed });
}

function final(it: Known): Result {
  return refuse("incident_final", `the incident is ${it.status}`, { allowed: statusesReachableFrom(it) });
}

function notAssigned(unitId: string): Result {
  return refuse("unit_not_assigned", `unit ${unitId} is not assigned to this incident`, { unitId });
}

function reason(c: { readonly reason?: string }): { readonly reason?: string } {
  return c.reason === undefined ? {} : { reason: c.reason };
}

function cleared(
  { unitId, status }: Assignment,
  why?: string,
): IncidentEvent & { type: "incident.unit_status_changed" } {
  const moved = { type: "incident.unit_status_changed", unitId, from: status, to: "cleared" } as const;
  return why === undefined ? moved : { ...moved, reason: why };
}

/** What its agency thinks of a unit that stays in a status for long, where the unit does not say so itself. */
function warning({ policy }: Known, status: string): { readonly warnAfterMs?: number } {
  const warnAfterMs = policy?.statusWarningsMs?.[status as ResourceStatus];
  return warnAfterMs === undefined ? {} : { warnAfterMs };
}

/** Whoever owns the incident may free any unit on it; a guest its own alone. */
function release(
  it: Known,
  { unitId }: Assignment,
  context: DecideContext,
  to: { readonly status?: string } = {},
): Participation {
  return {
    to: { kind: "resource", id: unitId },
    command: { type: "release", incidentId: context.id, ...warning(it, to.status ?? "available"), ...to },
    trusted: isOwners(it, context),
  };
}

/** Events that move units, and the incident's own status where it follows from them. */
function withStatus(it: Known, events: readonly IncidentEvent[], joins: readonly Participation[]): Result {
  const to = derivedStatus(it, events);
  const follows: IncidentEvent[] = to === it.status ? [] : [{ type: "incident.status_changed", from: it.status, to }];
  return { events: [...events, ...follows], with: joins };
}

/** Frees every unit that is still assigned, in the same commit. */
function finish(it: Known, event: IncidentEvent, context: DecideContext): Result {
  const working = it.assignments.filter(({ status }) => status !== "cleared");
  return {
    events: [...working.map((unit) => cleared(unit)), event],
    with: working.map((unit) => release(it, unit, context)),
  };
}
