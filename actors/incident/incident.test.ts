import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Decision, decide, evolve, isForward, isJoint, isRefusal } from "../../runtime/actor.ts";
import { specificationOf } from "../../runtime/testing/given.ts";
import type { IncidentCommand, IncidentEvent } from "../../schema/incident.ts";
import { concernIn, concernsOver } from "./concerns.ts";
import { incident } from "./definition.ts";
import { derivedStatus, type IncidentState, type Known } from "./state.ts";

const given = specificationOf<IncidentCommand, IncidentEvent>(incident, "i");

const fields = {
  type: "fire",
  category: "fire",
  priority: 3,
  title: "Smoke",
  description: null,
  location: null,
  address: null,
  parentId: null,
  metadata: {},
};
const from = { agencyId: "a", incidentNumber: "A-1", fields, reportedById: null, sourceAlertId: null };
const reported: IncidentEvent = { type: "incident.created", ...from };
const assigned = (unitId: string): IncidentEvent => ({ type: "incident.assigned", unitId, unitType: "vehicles" });
const became = (a: "new" | "assigned" | "en_route" | "on_scene", b: typeof a): IncidentEvent => ({
  type: "incident.status_changed",
  from: a,
  to: b,
});
const assign = (...unitIds: string[]): IncidentCommand => ({
  type: "assign",
  units: unitIds.map((unitId) => ({ unitId, unitType: "vehicles" })),
});
const working = [reported, assigned("u1"), became("new", "assigned")];
const resolved: IncidentEvent[] = [
  ...working,
  { type: "incident.unit_status_changed", unitId: "u1", from: "assigned", to: "cleared" },
  { type: "incident.resolved" },
];
const closed: IncidentEvent[] = [...resolved, { type: "incident.closed", disposition: "out" }];

describe("an incident", () => {
  it("is created once", () => {
    expect(given().when({ type: "create", ...from }).types).toEqual(["incident.created"]);
    expect(given(reported).when({ type: "create", ...from }).refused).toBe("already_exists");
  });

  it("takes units, each asked to be held in the same commit", () => {
    const { types, joins } = given(reported).when(assign("u1", "u2"));
    expect(types).toEqual(["incident.assigned", "incident.assigned", "incident.status_changed"]);
    expect(joins.map(({ to }) => to)).toEqual([
      { kind: "resource", id: "u1" },
      { kind: "resource", id: "u2" },
    ]);
    expect(given(...working).when(assign("u1")).refused).toBe("already_assigned");
    expect(given(...closed).when(assign("u1")).refused).toBe("transition_not_allowed");
  });

  it("waits again, as new, once its last unit is cleared, and may then be resolved", () => {
    const { types } = given(...working).when({ type: "unitStatus", status: "cleared" });
    expect(types).toEqual(["incident.unit_status_changed", "incident.status_changed"]);
    const idle = [
      ...working,
      { type: "incident.unit_status_changed", unitId: "u1", from: "assigned", to: "cleared" } as const,
      became("assigned", "new"),
    ];
    expect(given(...idle).when({ type: "resolve" }).types).toEqual(["incident.resolved"]);
    expect(given(reported).when({ type: "resolve" }).refused).toBe("transition_not_allowed");
  });

  it("needs to know which unit, where more than one is assigned", () => {
    const two = [...working, assigned("u2")];
    expect(given(...two).when({ type: "unitStatus", status: "en_route" }).refused).toBe("unit_ambiguous");
    expect(given(...two).when({ type: "unitStatus", status: "en_route", unitId: "u3" }).refused).toBe(
      "unit_not_assigned",
    );
    expect(given(...two).when({ type: "unitStatus", status: "en_route", unitId: "u2" }).types).toHaveLength(2);
  });

  it("never moves a unit backwards", () => {
    const arrived = [
      ...working,
      { type: "incident.unit_status_changed", unitId: "u1", from: "assigned", to: "on_scene" } as const,
      became("assigned", "on_scene"),
    ];
    const back = given(...arrived).when({ type: "unitStatus", status: "en_route" });
    expect(back.decision).toMatchObject({ refused: "transition_not_allowed", data: { allowed: ["cleared"] } });
  });

  it("frees its units when it is resolved or cancelled", () => {
    for (const type of ["resolve", "cancel"] as const) {
      const { joins, types } = given(...working).when({ type });
      expect(joins).toMatchObject([{ to: { id: "u1" }, command: { type: "release", incidentId: "i" } }]);
      expect(types?.[0]).toBe("incident.unit_status_changed");
    }
  });

  it("closes only when resolved, is final then, and may be reopened", () => {
    expect(given(...working).when({ type: "close", disposition: "x" }).refused).toBe("transition_not_allowed");
    expect(given(...resolved).when({ type: "close", disposition: "x" }).types).toEqual(["incident.closed"]);
    expect(given(...closed).when({ type: "cancel" }).refused).toBe("transition_not_allowed");
    expect(given(...closed).when({ type: "update", changes: { title: "x" } }).refused).toBe("incident_final");
    expect(given(...closed).when({ type: "escalate", reason: "x" }).refused).toBe("incident_final");
    expect(given(...closed).when({ type: "reopen" }).types).toEqual(["incident.reopened"]);
  });

  it("departs only when it has been over for long, and comes back by whatever happens to it", () => {
    const archived: IncidentEvent = { type: "incident.archived" };
    const later = { type: "archive", before: "9999-01-01T00:00:00.000Z" } as const;
    expect(given(...working).when(later).types).toEqual([]);
    expect(given(...closed).when({ type: "archive", before: "2000-01-01T00:00:00.000Z" }).types).toEqual([]);
    expect(given(...closed).when(later).types).toEqual(["incident.archived"]);
    expect(given(...closed, archived).when(later).types).toEqual([]);
    expect(given(...closed).when({ type: "restore" }).types).toEqual([]);
    expect(given(...closed, archived).when({ type: "restore" }).types).toEqual(["incident.restored"]);
    expect(given(...closed, archived, { type: "incident.reopened" }).when(assign("u2")).types).toContain(
      "incident.assigned",
    );
  });

  it("writes down only what changed, and what it was", () => {
    const { events } = given(reported).when({ type: "update", changes: { title: "Fire", category: "fire" } });
    expect(events).toEqual([{ type: "incident.updated", changes: { title: "Fire" }, was: { title: "Smoke" } }]);
    expect(given(reported).when({ type: "update", changes: {} }).events).toEqual([]);
  });

  it("accepts a change and a transition together, or neither", () => {
    const update = { type: "update", changes: { title: "Out" } } as const;
    expect(given(...working).when({ type: "patch", update, transition: { type: "resolve" } }).types).toContain(
      "incident.resolved",
    );
    expect(given(reported).when({ type: "patch", update, transition: { type: "resolve" } }).refused).toBe(
      "transition_not_allowed",
    );
  });

  it("rises by itself when no unit comes in time, and only then", () => {
    const [deadline] = given(reported).deadlines();
    expect(deadline).toMatchObject({ name: "unassigned", at: "2026-01-01T00:15:00.000Z" });
    expect(given(reported).when(deadline?.command as IncidentCommand).types).toEqual(["incident.escalated"]);
    expect(given(...working).deadlines()).toEqual([]);
    expect(given(...working).when(deadline?.command as IncidentCommand).events).toEqual([]);
  });
});

describe("who has to be told that an incident goes badly", () => {
  const supervisors = [{ kind: "role", to: "supervisor" }] as const;
  const chief = [{ kind: "user", to: "chief" }] as const;
  const rule = { unassignedMs: 1_000, action: "notify_supervisor", notifyAtAlarmLevel: 2 } as const;
  const targets = { dispatchMs: 500, turnoutMs: 500, travelMs: 500, atRiskPercent: 80 };
  const hasty: IncidentEvent = { ...reported, policy: { escalation: { 3: rule }, targets: { 3: targets } } };
  const named: IncidentEvent = {
    ...reported,
    policy: { escalation: { 3: { ...rule, notify: chief } }, targets: { 3: { ...targets, notify: [] } } },
  };
  const ring = (happened: IncidentEvent[], name: string) => {
    const it = given(...happened);
    return it.when(it.deadlines().find((one) => one.name === name)?.command as IncidentCommand).events!;
  };
  const raisedBy = (events: readonly IncidentEvent[]) => events.map(concernIn).filter((raised) => raised !== undefined);
  const worse: IncidentCommand = { type: "raiseAlarm", reason: "gas" };

  it("are the supervisors, or whom its rule names", () => {
    expect(raisedBy(ring([hasty], "unassigned"))).toEqual([
      { concern: "unassigned", reason: "no unit assigned in time", targets: supervisors },
    ]);
    expect(raisedBy(ring([hasty], "target-dispatch"))).toEqual([
      { concern: "dispatch", reason: "dispatch may take longer than 1 s", targets: supervisors },
    ]);
    expect(raisedBy(given(hasty).when(worse).events!)).toMatchObject([{ concern: "alarm", targets: supervisors }]);
    expect(raisedBy(ring([named], "unassigned"))).toMatchObject([{ targets: chief }]);
    expect(raisedBy(given(named).when(worse).events!)).toMatchObject([{ concern: "alarm", targets: chief }]);
    expect(raisedBy(ring([named], "target-dispatch"))).toMatchObject([{ concern: "dispatch", targets: [] }]);
  });

  it("are left alone by what was told before anybody was called", () => {
    expect(concernIn({ type: "incident.supervisor_notified", reason: "late" })).toMatchObject({ targets: [] });
    expect(concernIn(assigned("u1"))).toBeUndefined();
  });

  it("need not know any more once it goes well", () => {
    const over = (...more: IncidentEvent[]) => concernsOver(given(hasty, ...more).state as Known);
    const told = [...ring([hasty], "unassigned"), ...ring([hasty], "target-dispatch")];
    expect(over()).toEqual([]);
    expect(over(...told)).toEqual([]);
    const sent = [...told, assigned("u1"), became("new", "assigned")];
    expect(over(...sent)).toEqual(["unassigned", "dispatch"]);
    const risky = [...sent, ...ring([hasty, ...sent], "target-turnout"), ...given(hasty, ...sent).when(worse).events!];
    expect(over(...risky)).toEqual(["unassigned", "dispatch"]);
    const moving: IncidentEvent[] = [
      ...risky,
      { type: "incident.unit_status_changed", unitId: "u1", from: "assigned", to: "en_route" },
      became("assigned", "en_route"),
    ];
    expect(over(...moving)).toEqual(["unassigned", "dispatch", "turnout"]);
    const ended = given(hasty, ...moving).when({ type: "cancel" }).events!;
    expect(over(...moving, ...ended)).toEqual(["unassigned", "alarm", "dispatch", "turnout"]);
  });
});

const unitIds = ["u1", "u2", "u3"];
const anyCommand: fc.Arbitrary<IncidentCommand> = fc.oneof(
  fc.subarray(unitIds, { minLength: 1 }).map((units) => assign(...units)),
  fc.record({
    type: fc.constant("unitStatus" as const),
    unitId: fc.constantFrom(...unitIds),
    status: fc.constantFrom("en_route" as const, "on_scene" as const, "cleared" as const),
  }),
  fc.record({
    type: fc.constant("escalate" as const),
    reason: fc.constant("r"),
    priority: fc.integer({ min: 1, max: 5 }),
  }),
  fc.constantFrom<IncidentCommand>(
    { type: "create", ...from },
    { type: "update", changes: { title: "t" }, note: "n" },
    { type: "resolve" },
    { type: "cancel" },
    { type: "reopen" },
    { type: "close", disposition: "d" },
  ),
);

describe("laws", () => {
  it("every accepted command replays, no sequence reaches an assertion, and the status follows from the units", () => {
    fc.assert(
      fc.property(fc.array(anyCommand, { maxLength: 40 }), (commands) => {
        let state: unknown = incident.initial;
        const journal: IncidentEvent[] = [];
        const context = { id: "i", at: "2026-01-01T00:00:00.000Z", by: { subject: "s", agencies: ["a"], roles: [] } };
        for (const command of commands) {
          const decision = decide(incident, state, command, context) as Decision<IncidentEvent>;
          if (isRefusal(decision) || isForward(decision)) continue;
          const events = isJoint(decision) ? decision.events : decision;
          journal.push(...events);
          state = evolve(incident, state, events, { ...context, by: "s", previous: 0 });
          const it = state as IncidentState;
          if (it.phase === "unknown") continue;
          const active = it.assignments.filter(({ status }) => status !== "cleared");
          expect(new Set(active.map(({ unitId }) => unitId)).size).toBe(active.length);
          if (["resolved", "closed", "cancelled"].includes(it.status)) expect(active).toEqual([]);
          else expect(it.status).toBe(derivedStatus(it, []));
        }
        expect(evolve(incident, incident.initial, journal, { ...context, by: "s", previous: 0 })).toEqual(state);
      }),
      { numRuns: 1_000 },
    );
  });
});
