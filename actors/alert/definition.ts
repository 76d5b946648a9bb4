import type { ActorDefinition, Decision, Forward, Participation } from "../../runtime/actor.ts";
import { assert, evolve, isJoint, isRefusal, refuse } from "../../runtime/actor.ts";
import type {
  AlertCommand,
  AlertContent,
  AlertEvent,
  ClassifiedReport,
  IntakePlace,
  Nature,
  Seen,
} from "../../schema/alert.ts";
import { changesOf } from "../../schema/changes.ts";
import { alertDeadlines } from "./deadlines.ts";
import { FINGERPRINT_WINDOW_MS } from "./fingerprint.ts";
import { type AlertState, isOver, type Known, wasSeen, withSeen } from "./state.ts";

type Result = Exclude<Decision<AlertEvent>, Forward>;

/** An alert is received, classified, open, acknowledged, and resolved or dismissed; then another report of its key opens a new one. */
export const alert: ActorDefinition<AlertState, AlertCommand, AlertEvent> = {
  kind: "alert",
  initial: { phase: "unknown" },
  limits: { mailboxMax: 1_024, idleMs: 60_000 },
  agencyOf: (s) => (s.phase === "unknown" ? undefined : s.agencyId),

  decide: {
    // As many as say nothing new are done at once. After news, after those that were done before a crash, and before what
    // another alert begins with, it ends: what follows from an alert is then decided on how it is after each report, however
    // many wait.
    receive: (s, { seenBefore, more = [], ...first }, { id, at, by }) => {
      const events: AlertEvent[] = [];
      let now = s;
      let wereDone = false;
      const reports = [first, ...more];
      for (const [index, report] of reports.entries()) {
        if (now.phase === "known" && wasSeen(now, report.intake)) {
          wereDone = true;
          continue;
        }
        if (wereDone) return [];
        const result = now.phase === "known" ? repeat(id, now, report) : begin(report, seenBefore);
        if (isRefusal(result)) return events.length === 0 ? result : events;
        if (isJoint(result)) return { ...result, events: [...events, ...result.events] };
        events.push(...result);
        if (index === reports.length - 1 || result.some(isNews)) break;
        now = evolve(alert, now, result, { id, at, by: by.subject, previous: 0 }) as AlertState;
      }
      return events;
    },

    sourceAcknowledge: (s, { source, intake }) => {
      if (s.phase === "unknown" || isLate(s, intake) || s.status !== "open") return [];
      return [{ type: "alert.acknowledged", source: source.name, intake }];
    },

    sourceResolve: (s, { source, intake }, { id }) => {
      if (s.phase === "unknown" || isLate(s, intake) || isOver(s) || s.status === "received") return [];
      return withNote(id, s, [{ type: "alert.resolved", source: source.name, intake }], "resolved");
    },

    makeIncident: (s, c, { id }) =>
      known(s, (it) => {
        const { type: _type, ...incident } = c;
        if (it.madeIncident || it.incidentId !== null || isOver(it) || it.status === "received") return [];
        const made = { ...incident, type: "create", agencyId: it.agencyId, sourceAlertId: id };
        return {
          events: [{ type: "alert.attached", incidentId: it.ownIncidentId, made: true }],
          with: [{ to: { kind: "incident", id: it.ownIncidentId }, command: made }],
        };
      }),

    acknowledge: (s, c) =>
      known(s, (it) => {
        if (it.status === "acknowledged") return [];
        if (it.status !== "open") return notAllowed(it, "acknowledged");
        return [{ type: "alert.acknowledged", ...(c.note === undefined ? {} : { note: c.note }) }];
      }),

    dismiss: (s, c, { id }) =>
      known(s, (it) => {
        if (it.status !== "open" && it.status !== "acknowledged") return notAllowed(it, "dismissed");
        return withNote(id, it, [{ type: "alert.dismissed", reason: c.reason }], "dismissed", c.reason);
      }),

    resolve: (s, c, { id }) =>
      known(s, (it) => {
        if (it.status !== "open" && it.status !== "acknowledged") return notAllowed(it, "resolved");
        const why = c.reason === undefined ? {} : { reason: c.reason };
        return withNote(id, it, [{ type: "alert.resolved", ...why }], "resolved", c.reason);
      }),

    attach: (s, { incidentId }, { id }) =>
      known(s, (it) => {
        if (it.incidentId === incidentId) return [];
        if (it.incidentId !== null) {
          const detail = `it is attached to incident ${it.incidentId}: detach it there first`;
          return refuse("already_attached", detail, { incidentId: it.incidentId });
        }
        const { title } = it.content;
        const command = { type: "attachAlert", alertId: id, agencyId: it.agencyId, title };
        return {
          events: [{ type: "alert.attached", incidentId, made: false }],
          with: [{ to: { kind: "incident", id: incidentId }, command }],
        };
      }),

    detach: (s, _c, { id }) =>
      known(s, (it) => {
        const { incidentId } = it;
        if (incidentId === null) return refuse("not_attached", "it is attached to no incident");
        const events: AlertEvent[] = [{ type: "alert.detached", incidentId }];
        return { events, with: [tell(incidentId, { type: "detachAlert", alertId: id })] };
      }),

    // A ring that comes late means nothing any more: the state says whether it is still due.
    autoResolve: (s, { why, due }, { id }) => {
      if (s.phase === "unknown" || !alertDeadlines(s).some(({ name, at }) => name === why && at === due)) return [];
      const reason = why === "silence" ? "nothing was heard of it any more" : "its time is over";
      return withNote(id, s, [{ type: "alert.resolved", reason }], "resolved", reason);
    },
  },

  evolve: {
    "alert.received": (s, { record, intake, seenBefore }, { at }) => {
      assert(s.phase === "unknown", "an alert is received once");
      const { agencyId, source, by, content, policy, dedupKey, keyMade, incidentId } = record;
      return {
        phase: "known",
        agencyId,
        status: "received",
        content,
        classification: null,
        policy,
        source,
        sources: [by],
        dedupKey,
        keyMade,
        count: 1,
        seen: withSeen(seenBefore, intake),
        triggered: intake.sequence,
        firstSeenAt: intake.at,
        lastSeenAt: intake.at,
        incidentId: null,
        ownIncidentId: incidentId,
        madeIncident: false,
        acknowledgedAt: null,
        acknowledgedBy: null,
        resolvedAt: null,
        reason: null,
        createdAt: at,
        updatedAt: at,
      };
    },
    "alert.classified": (s, { classification }) => ({ ...existing(s), classification }),
    "alert.opened": (s) => ({ ...existing(s), status: "open" }),
    "alert.repeated": (s, e, { at }) => {
      const it = existing(s);
      assert(!wasSeen(it, e.intake), `report ${e.intake.sequence} was done before`);
      return {
        ...it,
        content: e.changes === undefined ? it.content : { ...it.content, ...e.changes },
        count: it.count + 1,
        seen: withSeen(it.seen, e.intake),
        triggered: Math.max(it.triggered, e.intake.sequence),
        sources: it.sources.includes(e.by) || it.sources.length >= SOURCES_MAX ? it.sources : [...it.sources, e.by],
        lastSeenAt: e.intake.at > it.lastSeenAt ? e.intake.at : it.lastSeenAt,
        updatedAt: at,
      };
    },
    "alert.acknowledged": (s, e, { at, by }) => ({
      ...done(s, e.intake),
      status: "acknowledged",
      acknowledgedAt: at,
      acknowledgedBy: e.source ?? by,
      updatedAt: at,
    }),
    "alert.resolved": (s, e, { at }) => ({
      ...done(s, e.intake),
      status: "resolved",
      resolvedAt: at,
      reason: e.reason ?? null,
      updatedAt: at,
    }),
    "alert.dismissed": (s, e, { at }) => ({
      ...existing(s),
      status: "dismissed",
      reason: e.reason,
      resolvedAt: at,
      updatedAt: at,
    }),
    "alert.attached": (s, { incidentId, made }, { at }) => {
      assert(existing(s).incidentId === null, "an alert is attached to one incident at a time");
      return { ...existing(s), incidentId, madeIncident: made || existing(s).madeIncident, updatedAt: at };
    },
    "alert.detached": (s, { incidentId }, { at }) => {
      assert(existing(s).incidentId === incidentId, `it is not attached to ${incidentId}`);
      return { ...existing(s), incidentId: null, updatedAt: at };
    },
  },

  deadlines: (s) => (s.phase === "unknown" ? [] : alertDeadlines(s)),
};

const SOURCES_MAX = 32;

function begin({ record, intake, classification }: ClassifiedReport, seenBefore: Seen): readonly AlertEvent[] {
  // Another report of its key was done since: this one was delivered before, to an alert that is over.
  if (wasSeen({ seen: seenBefore }, intake)) return [];
  const received: AlertEvent = { type: "alert.received", record, intake, seenBefore };
  if (isOnlyKnownOf(record.content.nature)) return [received];
  return [received, { type: "alert.classified", classification }, { type: "alert.opened" }];
}

/** Adds to an alert that is open; what is over refuses, and another one takes its place. */
function repeat(id: string, it: Known, { record, intake, classification }: ClassifiedReport): Result {
  if (isOver(it)) return over(it, `it is ${it.status}`);
  const silentMs = Date.parse(intake.at) - Date.parse(it.lastSeenAt);
  if (record.keyMade && silentMs > FINGERPRINT_WINDOW_MS) return over(it, "the last report was too long ago");
  const changed = isOvertaken(it, intake) ? undefined : changesOf(it.content, contentAfter(it.content, record.content));
  const events: AlertEvent[] = [{ type: "alert.repeated", intake, by: record.by, ...changed }];
  if (changed === undefined) return events;
  const same = JSON.stringify(it.classification) === JSON.stringify(classification);
  if (!same && it.status !== "received") events.push({ type: "alert.classified", classification });
  return TOLD.some((field) => field in changed.changes) ? withNote(id, it, events, "updated") : events;
}

/** Changes that those who work on the incident must hear of; a measured value in a text changes all the time. */
const TOLD = ["severity", "title", "location", "areas", "expiresAt"] as const satisfies (keyof AlertContent)[];

/** What may change without another thing following from the alert. */
const MEASURED: ReadonlySet<string> = new Set([
  "description",
  "details",
  "occurredAt",
] satisfies (keyof AlertContent)[]);

function isNews(event: AlertEvent): boolean {
  return event.type !== "alert.repeated" || Object.keys(event.changes ?? {}).some((field) => !MEASURED.has(field));
}

/** The newest report says how it is. Where it says nothing, what was said before stays. */
function contentAfter(before: AlertContent, now: AlertContent): AlertContent {
  return {
    ...now,
    description: now.description ?? before.description,
    deviceId: now.deviceId ?? before.deviceId,
    location: now.location ?? before.location,
    areas: now.areas.length > 0 ? now.areas : before.areas,
    occurredAt: before.occurredAt ?? now.occurredAt,
  };
}

function over(it: Known, detail: string): Result {
  return refuse("alert_over", detail, { seen: it.seen });
}

/** Urgent reports go by a lane of their own, so that a report may come after a trigger that was sent later. */
function isOvertaken(it: Known, { sequence }: IntakePlace): boolean {
  return sequence < it.triggered;
}

/** Done before, or overtaken: what was raised again since is not over. */
function isLate(it: Known, intake: IntakePlace): boolean {
  return wasSeen(it, intake) || isOvertaken(it, intake);
}

/** A sender's test of its own system, and what it has not sent yet, are kept and no more. */
function isOnlyKnownOf(nature: Nature): boolean {
  return nature === "system" || nature === "draft";
}

function known(s: AlertState, decide: (it: Known) => Result): Result {
  return s.phase === "unknown" ? refuse("not_found", "no such alert") : decide(s);
}

function existing(s: AlertState): Known {
  assert(s.phase === "known", "something happened to an alert before it was received");
  return s;
}

function done(s: AlertState, intake: IntakePlace | undefined): Known {
  const it = existing(s);
  return intake === undefined ? it : { ...it, seen: withSeen(it.seen, intake) };
}

const NEXT: Readonly<Record<Known["status"], readonly string[]>> = {
  received: [],
  open: ["acknowledged", "resolved", "dismissed"],
  acknowledged: ["resolved", "dismissed"],
  resolved: [],
  dismissed: [],
};

function notAllowed({ status }: Known, to: string): Result {
  const allowed = NEXT[status];
  const detail = `an alert that is ${status} cannot become ${to}; allowed: ${allowed.join(", ") || "nothing"}`;
  return refuse("transition_not_allowed", detail, { allowed });
}

/** Its incident's timeline tells what became of it. */
function withNote(
  id: string,
  it: Known,
  events: readonly AlertEvent[],
  what: "updated" | "resolved" | "dismissed",
  reason?: string,
): Result {
  if (it.incidentId === null) return events;
  const note = {
    type: "noteAlert",
    alertId: id,
    title: it.content.title,
    what,
    ...(reason === undefined ? {} : { reason }),
  };
  return { events, with: [tell(it.incidentId, note)] };
}

/** The alert's own agency has attached it: its part goes on though the incident is not shared any more. */
function tell(incidentId: string, command: Participation["command"]): Participation {
  return { to: { kind: "incident", id: incidentId }, command, trusted: true };
}
