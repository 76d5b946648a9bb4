import { type ActorDefinition, assert, type Decision, type Forward, refuse } from "../../runtime/actor.ts";
import type { ResourceCommand, ResourceEvent, ResourceStatus } from "../../schema/resource.ts";
import { plausible } from "./plausibility.ts";
import { type Known, mayBeSent, type ResourceState } from "./state.ts";

type Result = Decision<ResourceEvent>;

/** A unit is held by one incident at a time. While it is held, the incident leads and the unit follows: one truth. */
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

    setStatus: (s, c, context) =>
      known(s, (it): Result => {
        if (it.incidentId !== null) return led(it, it.incidentId, context.id, c.status, c.reason);
        if (!FREE_STATUSES.includes(c.status)) {
          return refuse("transition_not_allowed", `a unit without an incident cannot become ${c.status}`, {
            allowed: FREE_STATUSES,
          });
        }
        return it.status === c.status ? [] : [changed(it, c.status, c.reason)];
      }),

    reportFixes: (s, c, { at }) =>
      known(s, (it) => {
        let last = it.position;
        const refused: { index: number; reason: string }[] = [];
        c.fixes.forEach((fix, index) => {
          const why = plausible(fix, last, at);
          if (why === undefined) last = fix;
          else refused.push({ index, reason: why });
        });
        const receipt = { accepted: c.fixes.length - refused.length, refused };
        return last === null || last === it.position
          ? [{ type: "resource.location_refused", ...receipt }]
          : [{ type: "resource.location_updated", position: last, ...receipt }];
      }),

    hold: (s, c) =>
      known(s, (it) => {
        if (it.resourceType !== c.resourceType) return refuse("not_found", `no such unit among ${c.resourceType}`);
        if (it.incidentId !== null) {
          return refuse("unit_held", `unit ${it.callSign} is held by incident ${it.incidentId}`, {
            holder: it.incidentId,
          });
        }
        if (!mayBeSent(it)) {
          return refuse("unit_unavailable", `unit ${it.callSign} is ${it.status}`, { status: it.status });
        }
        return [{ type: "resource.assigned", incidentId: c.incidentId }, changed(it, "assigned")];
      }),

    follow: (s, c) =>
      known(s, (it) => {
        if (it.incidentId !== c.incidentId) return notHeld(it);
        return it.status === c.status ? [] : [changed(it, c.status)];
      }),

    release: (s, c) =>
      known(s, (it) => {
        if (it.incidentId !== c.incidentId) return notHeld(it);
        return [{ type: "resource.released", incidentId: c.incidentId }, changed(it, c.status ?? "available")];
      }),
  },

  evolve: {
    "resource.created": (s, { type: _type, location, ...e }, { at }) => {
      assert(s.phase === "unknown", "a resource is created once");
      return {
        phase: "known",
        ...e,
        position: location === null ? null : { ...location, at },
        lastReport: null,
        incidentId: null,
        statusReason: null,
        statusSince: at,
        createdAt: at,
        updatedAt: at,
      };
    },
    "resource.status_changed": (s, e, { at }) => {
      const it = existing(s);
      assert(it.status === e.from, `the unit is ${it.status}, not ${e.from}`);
      return { ...it, status: e.to, statusReason: e.reason ?? null, statusSince: at, updatedAt: at };
    },
    "resource.assigned": (s, e, { at }) => {
      const it = existing(s);
      assert(it.incidentId === null, `the unit is held by ${it.incidentId}`);
      return { ...it, incidentId: e.incidentId, updatedAt: at };
    },
    "resource.released": (s, e, { at }) => {
      const it = existing(s);
      assert(it.incidentId === e.incidentId, `the unit is held by ${it.incidentId}, not by ${e.incidentId}`);
      return { ...it, incidentId: null, updatedAt: at };
    },
    "resource.location_updated": (s, { position, accepted, refused }, { at }) => ({
      ...existing(s),
      position,
      lastReport: { accepted, refused },
      updatedAt: at,
    }),
    "resource.location_refused": (s, { accepted, refused }) => ({ ...existing(s), lastReport: { accepted, refused } }),
  },

  deadlines: () => [],
};

/** What a unit may call itself while no incident holds it. */
const FREE_STATUSES: readonly ResourceStatus[] = ["available", "returning", "out_of_service", "off_duty"];

function known(s: ResourceState, decide: (it: Known) => Result): Result {
  return s.phase === "unknown" ? refuse("not_found", "no such resource") : decide(s);
}

function existing(s: ResourceState): Known {
  assert(s.phase === "known", "something happened to a resource before it was created");
  return s;
}

function changed({ status }: Known, to: ResourceStatus, reason?: string): ResourceEvent {
  const event = { type: "resource.status_changed", from: status, to } as const;
  return reason === undefined ? event : { ...event, reason };
}

function notHeld(it: Known): Result {
  return refuse("unit_not_assigned", `unit ${it.callSign} is held by ${it.incidentId ?? "no incident"}`, {
    holder: it.incidentId,
  });
}

/** A held unit's own word moves its assignment, and with it the incident. */
function led(it: Known, incidentId: string, unitId: string, status: ResourceStatus, reason?: string): Result {
  const why = reason === undefined ? {} : { reason };
  const tell = (command: Readonly<Record<string, unknown>>): Forward => ({
    forwardTo: { kind: "incident", id: incidentId },
    command: { type: "unitStatus", unitId, ...command, ...why },
  });
  switch (status) {
    case "assigned":
      if (it.status === "assigned") return [];
      return refuse("transition_not_allowed", `the unit is ${it.status}: it cannot go back to assigned`, {
        allowed: ["en_route", "on_scene", "transporting", ...FREE_STATUSES],
      });
    case "en_route":
    case "on_scene":
      return it.status === status ? [] : tell({ status });
    case "transporting":
      return it.status === status ? [] : tell({ status: "on_scene", unitSays: "transporting" });
    default:
      return tell({ status: "cleared", unitSays: status });
  }
}
