import { type ActorDefinition, assert, type Decision, type Forward, refuse } from "../../runtime/actor.ts";
import { changesOf } from "../../schema/changes.ts";
import {
  freeStatuses,
  type ResourceCommand,
  type ResourceEvent,
  type ResourceFields,
  type ResourceStatus,
  type StatusDetail,
} from "../../schema/resource.ts";
import {
  attach,
  detach,
  joinCarrier,
  leaveCarrier,
  letGo,
  loseMember,
  receiveMember,
  takeAboard,
} from "./attachment.ts";
import { isDue, resourceDeadlines } from "./deadlines.ts";
import { positions } from "./positions.ts";
import { availabilityOf, type Known, mayBeSent, type ResourceState } from "./state.ts";

type Result = Decision<ResourceEvent>;

/**
 * A person, a vehicle or a piece of equipment. It is held by one incident at a time; while it is held, the incident leads
 * and it follows: one truth.
 */
export const resource: ActorDefinition<ResourceState, ResourceCommand, ResourceEvent> = {
  kind: "resource",
  initial: { phase: "unknown" },
  // Wide enough for a thousand dispatchers who want the same unit at the same moment: each gets a true answer.
  limits: { mailboxMax: 2_048, idleMs: 600_000 },
  agencyOf: (s) => (s.phase === "unknown" ? undefined : s.agencyId),

  decide: {
    create: (s, c) => {
      if (s.phase !== "unknown") return refuse("already_exists", "this resource exists already");
      const { type: _type, ...created } = c;
      return [{ type: "resource.created", ...created }];
    },

    update: (s, c) =>
      inService(s, (it) => {
        const changed = changesOf(fieldsOf(it), c.changes);
        return changed === undefined ? [] : [{ type: "resource.updated", ...changed }];
      }),

    retire: (s, c) =>
      inService(s, (it) => {
        if (it.incidentId !== null) return heldBy(it, it.incidentId);
        if (it.carrier !== null || it.aboard.length > 0) return stillAttached(it);
        return [{ type: "resource.retired", reason: c.reason }];
      }),

    setStatus: (s, c, context) =>
      inService(s, (it): Result => {
        if (it.incidentId !== null) return led(it, it.incidentId, context.id, c);
        if (!isFree(c.status)) {
          return refuse("transition_not_allowed", `a unit without an incident cannot become ${c.status}`, {
            allowed: freeStatuses,
          });
        }
        if (c.status === "off_duty" && it.carrier !== null) return stillAttached(it);
        return it.status === c.status && it.statusCode === (c.code ?? null) ? [] : becomes(it, c.status, c, c.reason);
      }),

    startShift: (s, c, { at }) =>
      inService(s, (it) => {
        if (c.until !== undefined && Date.parse(c.until) <= Date.parse(at)) {
          return refuse("shift_over", `a shift that ends at ${c.until} is over already`);
        }
        const until = c.until ?? null;
        if (it.shift !== null && it.shift.until === until) return [];
        const started: ResourceEvent = { type: "resource.shift_started", until };
        return it.status === "off_duty" ? [started, changed(it, "available")] : [started];
      }),

    endShift: (s) =>
      inService(s, (it) => {
        if (it.incidentId !== null) return heldBy(it, it.incidentId);
        if (it.carrier !== null) return stillAttached(it);
        return becomes(it, "off_duty");
      }),

    shiftOver: (s, c) => {
      if (s.phase === "unknown" || !isDue(s, "shift", c.due)) return [];
      const atWork = s.incidentId !== null || s.carrier !== null;
      return atWork ? [{ type: "resource.shift_overdue", until: c.due }] : becomes(s, "off_duty");
    },

    statusOverdue: (s, c) => {
      if (s.phase === "unknown" || !isDue(s, "status", c.due)) return [];
      return [{ type: "resource.status_overdue", status: s.status, since: s.statusSince }];
    },

    attach: (s, c, { id }) => known(s, (it) => attach(it, id, c)),
    takeAboard: (s, c, { id }) => known(s, (it) => takeAboard(it, id, c)),
    joinCarrier: (s, c, { id }) => known(s, (it) => joinCarrier(it, id, c)),
    receiveMember: (s, c) => known(s, (it) => receiveMember(it, c)),
    detach: (s, _c, { id }) => known(s, (it) => detach(it, id)),
    letGo: (s, c, { id }) => known(s, (it) => letGo(it, id, c)),
    leaveCarrier: (s, c) => known(s, (it) => leaveCarrier(it, c)),
    loseMember: (s, c) => known(s, (it) => loseMember(it, c)),

    hold: (s, c) =>
      known(s, (it) => {
        if (it.resourceType !== c.resourceType) return refuse("not_found", `no such unit among ${c.resourceType}`);
        if (it.incidentId !== null) return heldBy(it, it.incidentId);
        if (!mayBeSent(it)) {
          const { reason } = availabilityOf(it);
          return refuse("unit_unavailable", `unit ${it.callSign} is unavailable: ${reason}`, { unitStatus: it.status });
        }
        return [{ type: "resource.assigned", incidentId: c.incidentId }, changed(it, "assigned", c)];
      }),

    follow: (s, c) =>
      known(s, (it) => {
        if (it.incidentId !== c.incidentId) return notHeld(it);
        return it.status === c.status && it.statusCode === (c.code ?? null) ? [] : [changed(it, c.status, c)];
      }),

    release: (s, c) =>
      known(s, (it) => {
        if (it.incidentId !== c.incidentId) return notHeld(it);
        return [{ type: "resource.released", incidentId: c.incidentId }, ...becomes(it, c.status ?? "available", c)];
      }),
  },

  evolve: {
    "resource.created": (s, { type: _type, location, ...e }, { at }) => {
      assert(s.phase === "unknown", "a resource is created once");
      return {
        phase: "known",
        ...addedLater,
        ...e,
        position: location === null ? null : { ...location, at },
        incidentId: null,
        carrier: null,
        aboard: [],
        shift: null,
        statusCode: null,
        statusReason: null,
        statusSince: at,
        statusWarnAfterMs: null,
        statusOverdue: false,
        retiredAt: null,
        createdAt: at,
        updatedAt: at,
      };
    },
    "resource.updated": (s, e, { at }) => ({ ...existing(s), ...e.changes, updatedAt: at }),
    "resource.retired": (s, _e, { at }) => {
      const it = existing(s);
      assert(it.incidentId === null && it.carrier === null && it.aboard.length === 0, "it is in use");
      return { ...it, retiredAt: at, updatedAt: at };
    },
    "resource.status_changed": (s, e, { at }) => {
      const it = existing(s);
      assert(it.status === e.from, `the unit is ${it.status}, not ${e.from}`);
      return {
        ...it,
        status: e.to,
        statusCode: e.code ?? null,
        statusReason: e.reason ?? null,
        statusSince: at,
        statusWarnAfterMs: e.warnAfterMs ?? null,
        statusOverdue: false,
        updatedAt: at,
      };
    },
    "resource.status_overdue": (s) => ({ ...existing(s), statusOverdue: true }),
    "resource.shift_started": (s, e, { at }) => ({
      ...existing(s),
      shift: { since: at, until: e.until, overdue: false },
      updatedAt: at,
    }),
    "resource.shift_ended": (s, _e, { at }) => ({ ...existing(s), shift: null, updatedAt: at }),
    "resource.shift_overdue": (s) => {
      const it = existing(s);
      assert(it.shift !== null, "it is on no shift");
      return { ...it, shift: { ...it.shift, overdue: true } };
    },
    "resource.attached": (s, e, { at }) => {
      const it = existing(s);
      assert(it.carrier === null, `it is with ${it.carrier?.id}`);
      return { ...it, carrier: { id: e.carrierId, type: e.carrierType, since: at }, updatedAt: at };
    },
    "resource.detached": (s, e, { at }) => {
      const it = existing(s);
      assert(it.carrier?.id === e.carrierId, `it is not with ${e.carrierId}`);
      return { ...it, carrier: null, updatedAt: at };
    },
    "resource.member_attached": (s, e, { at }) => {
      const it = existing(s);
      assert(!it.aboard.some(({ id }) => id === e.memberId), `${e.memberId} is aboard already`);
      return { ...it, aboard: [...it.aboard, { id: e.memberId, type: e.memberType, since: at }], updatedAt: at };
    },
    "resource.member_detached": (s, e, { at }) => {
      const it = existing(s);
      const left = it.aboard.filter(({ id }) => id !== e.memberId);
      assert(left.length === it.aboard.length - 1, `${e.memberId} is not aboard`);
      return { ...it, aboard: left, updatedAt: at };
    },
    "resource.assigned": (s, e, { at }) => {
      const it = existing(s);
      assert(it.incidentId === null, `the unit is held by ${it.incidentId}`);
      assert(it.carrier === null, `the unit is with ${it.carrier?.id}`);
      return { ...it, incidentId: e.incidentId, updatedAt: at };
    },
    "resource.released": (s, e, { at }) => {
      const it = existing(s);
      assert(it.incidentId === e.incidentId, `the unit is held by ${it.incidentId}, not by ${e.incidentId}`);
      return { ...it, incidentId: null, updatedAt: at };
    },
    // Positions were in the journal once; they are telemetry now.
    "resource.location_updated": (s, { position }, { at }) => ({ ...existing(s), position, updatedAt: at }),
    "resource.location_refused": (s) => existing(s),
  },

  telemetry: positions,
  deadlines: resourceDeadlines,
};

/** Journals from before these fields came say nothing of them. */
const addedLater = { category: null, station: null, home: null, minimumCrew: 0 };

function isFree(status: ResourceStatus): boolean {
  return (freeStatuses as readonly string[]).includes(status);
}

function known(s: ResourceState, decide: (it: Known) => Result): Result {
  return s.phase === "unknown" ? refuse("not_found", "no such resource") : decide(s);
}

function inService(s: ResourceState, decide: (it: Known) => Result): Result {
  return known(s, (it) => (it.retiredAt === null ? decide(it) : refuse("retired", `${it.callSign} is retired`)));
}

function existing(s: ResourceState): Known {
  assert(s.phase === "known", "something happened to a resource before it was created");
  return s;
}

function fieldsOf(it: Known): ResourceFields {
  const { callSign, name, category, capabilities, station, home, minimumCrew, metadata } = it;
  return { callSign, name, category, capabilities, station, home, minimumCrew, metadata };
}

function changed({ status }: Known, to: ResourceStatus, detail: StatusDetail = {}, reason?: string): ResourceEvent {
  const { code, warnAfterMs } = detail;
  return {
    type: "resource.status_changed",
    from: status,
    to,
    ...(code === undefined ? {} : { code }),
    ...(warnAfterMs === undefined ? {} : { warnAfterMs }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Who goes off duty ends the shift with it. */
function becomes(it: Known, to: ResourceStatus, detail?: StatusDetail, reason?: string): readonly ResourceEvent[] {
  const ends = to === "off_duty" && it.shift !== null;
  const ended: readonly ResourceEvent[] = ends ? [{ type: "resource.shift_ended" }] : [];
  const same = it.status === to && it.statusCode === (detail?.code ?? null);
  return same ? ended : [...ended, changed(it, to, detail, reason)];
}

function heldBy(it: Known, holder: string): Result {
  return refuse("unit_held", `unit ${it.callSign} is held by incident ${holder}`, { holder });
}

function stillAttached(it: Known): Result {
  return it.carrier === null
    ? refuse("still_attached", `${it.callSign} carries ${it.aboard.length}: detach them first`)
    : refuse("still_attached", `${it.callSign} is with ${it.carrier.id}: detach it first`, {
        carrierId: it.carrier.id,
      });
}

function notHeld(it: Known): Result {
  return refuse("unit_not_assigned", `unit ${it.callSign} is held by ${it.incidentId ?? "no incident"}`, {
    holder: it.incidentId,
  });
}

/** A held unit's own word moves its assignment, and with it the incident. */
function led(
  it: Known,
  incidentId: string,
  unitId: string,
  { status, reason, code, warnAfterMs }: Extract<ResourceCommand, { type: "setStatus" }>,
): Result {
  const why = reason === undefined ? {} : { reason };
  const detail: StatusDetail = {
    ...(code === undefined ? {} : { code }),
    ...(warnAfterMs === undefined ? {} : { warnAfterMs }),
  };
  const tell = (command: Readonly<Record<string, unknown>>): Forward => ({
    forwardTo: { kind: "incident", id: incidentId },
    command: { type: "unitStatus", unitId, detail, ...command, ...why },
    trusted: true,
  });
  const same = it.status === status && it.statusCode === (code ?? null);
  switch (status) {
    case "assigned":
      if (it.status === "assigned") return [];
      return refuse("transition_not_allowed", `the unit is ${it.status}: it cannot go back to assigned`, {
        allowed: ["en_route", "on_scene", "transporting", ...freeStatuses],
      });
    case "en_route":
    case "on_scene":
      return same ? [] : tell({ status });
    case "transporting":
      return same ? [] : tell({ status: "on_scene", unitSays: "transporting" });
    default:
      return tell({ status: "cleared", unitSays: status });
  }
}
