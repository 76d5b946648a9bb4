import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Decision, decide, evolve, isForward, isJoint, isRefusal, type Observation } from "../../runtime/actor.ts";
import { specificationOf } from "../../runtime/testing/given.ts";
import { type ResourceCommand, type ResourceEvent, resourceStatuses } from "../../schema/resource.ts";
import { resource } from "./definition.ts";
import { plausible } from "./plausibility.ts";
import { positions } from "./positions.ts";
import { availabilityOf, type Known, type ResourceState } from "./state.ts";

const given = specificationOf<ResourceCommand, ResourceEvent>(resource, "u");

const unit = {
  agencyId: "a",
  resourceType: "vehicles",
  callSign: "E1",
  name: null,
  category: null,
  capabilities: [],
  station: null,
  home: null,
  minimumCrew: 0,
  location: null,
  status: "available",
  metadata: {},
} as const;
const registered: ResourceEvent = { type: "resource.created", ...unit };
const held: ResourceEvent[] = [
  registered,
  { type: "resource.assigned", incidentId: "i" },
  { type: "resource.status_changed", from: "available", to: "assigned" },
];
const hold = (incidentId: string): ResourceCommand => ({ type: "hold", incidentId, resourceType: "vehicles" });

describe("a unit", () => {
  it("is held by one incident at a time, and names the holder to the next", () => {
    expect(given(registered).when(hold("i")).types).toEqual(["resource.assigned", "resource.status_changed"]);
    expect(given(...held).when(hold("j")).decision).toMatchObject({ refused: "unit_held", data: { holder: "i" } });
    expect(given(...held).when({ type: "release", incidentId: "j" }).refused).toBe("unit_not_assigned");
  });

  it("is not sent while it is out of service, but may be turned round on its way back", () => {
    const as = (to: "out_of_service" | "returning"): ResourceEvent => ({
      type: "resource.status_changed",
      from: "available",
      to,
    });
    expect(given(registered, as("out_of_service")).when(hold("i")).refused).toBe("unit_unavailable");
    expect(given(registered, as("returning")).when(hold("i")).types).toHaveLength(2);
    expect(availabilityOf(given(registered, as("returning")).state as Known)).toMatchObject({
      availability: "conditional",
    });
  });

  it("leads its incident nowhere: its own word goes to the incident", () => {
    expect(given(...held).when({ type: "setStatus", status: "on_scene" }).forwarded).toMatchObject({
      forwardTo: { kind: "incident", id: "i" },
      command: { type: "unitStatus", unitId: "u", status: "on_scene" },
    });
    expect(given(...held).when({ type: "setStatus", status: "returning" }).forwarded?.command).toMatchObject({
      status: "cleared",
      unitSays: "returning",
    });
    expect(given(registered).when({ type: "setStatus", status: "on_scene" }).refused).toBe("transition_not_allowed");
  });
});

describe("crew and equipment", () => {
  const aboard = (...members: string[]): ResourceEvent[] =>
    members.map((memberId) => ({ type: "resource.member_attached", memberId, memberType: "personnel" }));
  const withV: ResourceEvent = { type: "resource.attached", carrierId: "v", carrierType: "vehicles" };
  const person: ResourceEvent = { type: "resource.created", ...unit, resourceType: "personnel" };

  it("go with a vehicle in one commit, led by whichever of the two has the lower id", () => {
    const member = given(person).when({ type: "attach", carrierId: "v", carrierType: "vehicles" });
    expect(member.events).toEqual([withV]);
    expect(member.joins).toMatchObject([{ to: { id: "v" }, command: { type: "receiveMember", memberId: "u" } }]);
    expect(given(person).when({ type: "attach", carrierId: "b", carrierType: "vehicles" }).forwarded).toMatchObject({
      forwardTo: { kind: "resource", id: "b" },
      command: { type: "takeAboard", memberId: "u", memberType: "personnel" },
    });
    const carrier = given(registered).when({
      type: "takeAboard",
      memberId: "w",
      memberType: "personnel",
      carrierType: "vehicles",
    });
    expect(carrier.types).toEqual(["resource.member_attached"]);
    expect(carrier.joins).toMatchObject([{ to: { id: "w" }, command: { type: "joinCarrier", carrierId: "u" } }]);
  });

  it("leave it the same way", () => {
    const member = given(person, withV).when({ type: "detach" });
    expect(member.types).toEqual(["resource.detached"]);
    expect(member.joins).toMatchObject([{ to: { id: "v" }, command: { type: "loseMember", memberId: "u" } }]);
    const carrier = given(registered, ...aboard("w")).when({ type: "letGo", memberId: "w" });
    expect(carrier.types).toEqual(["resource.member_detached"]);
    expect(given(person).when({ type: "detach" }).refused).toBe("not_attached");
    expect(given(registered).when({ type: "letGo", memberId: "w" }).refused).toBe("not_attached");
  });

  it.each([
    [
      "a second carrier",
      [person, withV],
      { type: "attach", carrierId: "x", carrierType: "vehicles" },
      "already_attached",
    ],
    ["itself", [person], { type: "attach", carrierId: "u", carrierType: "personnel" }, "not_carriable"],
    [
      "a carrier of another type",
      [registered],
      { type: "receiveMember", memberId: "w", memberType: "personnel", carrierType: "personnel" },
      "not_found",
    ],
    [
      "a vehicle on a vehicle",
      [registered],
      { type: "receiveMember", memberId: "w", memberType: "vehicles", carrierType: "vehicles" },
      "not_carriable",
    ],
    [
      "who is at an incident alone",
      [person, ...held.slice(1)],
      { type: "joinCarrier", carrierId: "v", carrierType: "vehicles" },
      "unit_held",
    ],
    ["off duty while aboard", [person, withV], { type: "setStatus", status: "off_duty" }, "still_attached"],
    ["retiring while aboard", [person, withV], { type: "retire", reason: "left" }, "still_attached"],
    [
      "retiring a vehicle with a crew",
      [registered, ...aboard("w")],
      { type: "retire", reason: "old" },
      "still_attached",
    ],
    ["sending who is aboard", [person, withV], { ...hold("i"), resourceType: "personnel" }, "unit_unavailable"],
  ] as [string, ResourceEvent[], ResourceCommand, string][])("are refused %s", (_what, happened, command, code) => {
    expect(given(...happened).when(command).refused).toBe(code);
  });

  it("make a vehicle available when there are enough of them", () => {
    const needsTwo: ResourceEvent = { ...registered, minimumCrew: 2 } as ResourceEvent;
    const judged = (...events: ResourceEvent[]) => availabilityOf(given(needsTwo, ...events).state as Known);
    expect(judged()).toEqual({ availability: "unavailable", reason: "0 of 2 crew" });
    expect(judged(...aboard("w"))).toEqual({ availability: "conditional", reason: "1 of 2 crew" });
    expect(judged(...aboard("w", "x"))).toEqual({ availability: "available", reason: null });
  });
});

describe("a shift", () => {
  const until = "2026-01-01T08:00:00.000Z";
  const off: ResourceEvent = { type: "resource.created", ...unit, status: "off_duty" };
  const on: ResourceEvent[] = [
    off,
    { type: "resource.shift_started", until },
    { type: "resource.status_changed", from: "off_duty", to: "available" },
  ];

  it("brings on duty, and ends by itself", () => {
    expect(given(off).when({ type: "startShift", until }).types).toEqual([
      "resource.shift_started",
      "resource.status_changed",
    ]);
    const [deadline] = given(...on).deadlines();
    expect(deadline).toEqual({ name: "shift", at: until, command: { type: "shiftOver", due: until } });
    expect(given(...on).when({ type: "shiftOver", due: until }).types).toEqual([
      "resource.shift_ended",
      "resource.status_changed",
    ]);
  });

  it("does not end for who is at work, but is told to be overdue, once", () => {
    const atWork: ResourceEvent[] = [...on, { type: "resource.assigned", incidentId: "i" }];
    expect(given(...atWork).when({ type: "shiftOver", due: until }).types).toEqual(["resource.shift_overdue"]);
    const told: ResourceEvent[] = [...atWork, { type: "resource.shift_overdue", until }];
    expect(given(...told).deadlines()).toEqual([]);
    expect(given(...told).when({ type: "endShift" }).refused).toBe("unit_held");
  });

  it("is over for who goes off duty, and cannot end before it begins", () => {
    expect(given(...on).when({ type: "setStatus", status: "off_duty" }).types).toEqual([
      "resource.shift_ended",
      "resource.status_changed",
    ]);
    expect(given(off).when({ type: "startShift", until: "2025-01-01T00:00:00Z" }).refused).toBe("shift_over");
    expect(given(...on).when({ type: "shiftOver", due: "2026-01-01T07:00:00.000Z" }).events).toEqual([]);
  });
});

describe("a status", () => {
  const warned: ResourceEvent[] = [
    registered,
    { type: "resource.status_changed", from: "available", to: "out_of_service", code: "WASH", warnAfterMs: 60_000 },
  ];

  it("may be the agency's own, and is told once when it lasts too long", () => {
    const set = given(registered).when({
      type: "setStatus",
      status: "out_of_service",
      code: "WASH",
      warnAfterMs: 60_000,
    });
    expect(set.events).toEqual([warned[1]]);
    const due = "2026-01-01T00:01:00.000Z";
    expect(given(...warned).deadlines()).toEqual([
      { name: "status", at: due, command: { type: "statusOverdue", due } },
    ]);
    expect(given(...warned).when({ type: "statusOverdue", due }).types).toEqual(["resource.status_overdue"]);
    const told: ResourceEvent = {
      type: "resource.status_overdue",
      status: "out_of_service",
      since: "2026-01-01T00:00:00.000Z",
    };
    expect(given(...warned, told).deadlines()).toEqual([]);
    expect(given(...warned, told).when({ type: "statusOverdue", due }).events).toEqual([]);
  });
});

describe("a retired resource", () => {
  const retired: ResourceEvent[] = [registered, { type: "resource.retired", reason: "sold" }];

  it("takes nothing more", () => {
    for (const command of [
      { type: "setStatus", status: "available" },
      { type: "update", changes: { name: "x" } },
      { type: "retire", reason: "again" },
      { type: "startShift" },
    ] as ResourceCommand[])
      expect(given(...retired).when(command).refused).toBe("retired");
    expect(given(...retired).when(hold("i")).refused).toBe("unit_unavailable");
  });
});

describe("a position", () => {
  const at = (lat: number, lon: number, seconds: number) => ({ lat, lon, at: new Date(seconds * 1_000).toISOString() });
  const now = new Date(1_000_000).toISOString();

  it.each([
    ["the first one", at(0, 0, 900), null, undefined],
    ["one from the future", at(0, 0, 2_000), null, "in_future"],
    ["an inaccurate one", { ...at(0, 0, 900), accuracyMetres: 5_000 }, null, "inaccurate"],
    ["an older one", at(0, 0, 800), at(0, 0, 900), "older_than_last"],
    ["the same one", at(0, 0, 900), at(0, 0, 900), "duplicate"],
    ["a jump", at(1, 0, 910), at(0, 0, 900), "too_fast"],
    ["a step across the antimeridian", at(0, -179.9999, 910), at(0, 179.9999, 900), undefined],
    ["a step past the pole", at(89.9999, 180, 910), at(89.9999, 0, 900), undefined],
  ])("is looked at: %s", (_name, fix, last, verdict) => {
    expect(plausible(fix, last, now)).toBe(verdict);
  });

  it("moves the unit when it is plausible, and is kept with the reason when it is not", () => {
    const { state } = given(registered);
    const someone = { id: "u", at: now, by: { subject: "s", agencies: ["a"], roles: [] } };
    const resourceType = registered.resourceType;
    const fixes = [at(0, 0, 900), at(1, 0, 901), at(0, 0.0001, 902)];
    const observed = positions.observe(state as ResourceState, undefined, { resourceType, fixes }, someone);
    expect(observed).toEqual({
      record: { fixes: [fixes[0], { ...fixes[1], refused: "too_fast" }, fixes[2]] },
      answer: { accepted: 2, refused: [{ index: 1, reason: "too_fast" }] },
    });
    const { record } = observed as Observation;
    expect(positions.readingOf(record)).toEqual(fixes[2]);
    expect(positions.readingOf({ fixes: [{ ...fixes[0], refused: "duplicate" }] })).toBeUndefined();
    const again = positions.observe(state as ResourceState, fixes[2], { resourceType, fixes: [fixes[2]] }, someone);
    expect(positions.readingOf((again as Observation).record)).toEqual(fixes[2]);
    expect(again).toMatchObject({ answer: { accepted: 0, refused: [{ index: 0, reason: "duplicate" }] } });
    const gone = given(registered, { type: "resource.retired", reason: "sold" }).state as ResourceState;
    expect(positions.observe(gone, undefined, { resourceType, fixes }, someone)).toMatchObject({ refused: "retired" });
    const amongOthers = positions.observe(
      state as ResourceState,
      undefined,
      { resourceType: "equipment", fixes },
      someone,
    );
    expect(amongOthers).toMatchObject({ refused: "not_found" });
  });

  it("is judged by what its agency says, where it says something", () => {
    const [here, there] = [at(0, 0, 900), at(0, 0.018, 910)];
    expect(plausible(there, here, now, "engine", { speedMaxKmh: 800 })).toBeUndefined();
    expect(plausible(there, here, now, "helicopter", { speedMaxKmh: 700 })).toBe("too_fast");
    expect(plausible(there, here, now, "engine", { accuracyMaxMetres: 10 })).toBe("too_fast");
    const vague = { ...here, accuracyMetres: 20 };
    expect(plausible(vague, null, now, null, { accuracyMaxMetres: 10 })).toBe("inaccurate");
    expect(plausible(vague, null, now, null, { accuracyMaxMetres: 20 })).toBeUndefined();
  });

  it("may come faster from what flies", () => {
    const [here, there] = [at(0, 0, 900), at(0, 0.018, 910)];
    expect(plausible(there, here, now, "engine")).toBe("too_fast");
    expect(plausible(there, here, now, "helicopter")).toBeUndefined();
  });
});

const anyCommand: fc.Arbitrary<ResourceCommand> = fc.oneof(
  fc.constant<ResourceCommand>({ type: "create", ...unit }),
  fc.constantFrom("i", "j").map(hold),
  fc.record({ type: fc.constant("setStatus" as const), status: fc.constantFrom(...resourceStatuses) }),
  fc.record({ type: fc.constant("release" as const), incidentId: fc.constantFrom("i", "j") }),
  fc.record({
    type: fc.constant("follow" as const),
    incidentId: fc.constantFrom("i", "j"),
    status: fc.constantFrom("en_route" as const, "on_scene" as const),
  }),
  fc.constantFrom<ResourceCommand>(
    { type: "joinCarrier", carrierId: "v", carrierType: "vehicles" },
    { type: "leaveCarrier", carrierId: "v" },
    { type: "receiveMember", memberId: "w", memberType: "personnel", carrierType: "vehicles" },
    { type: "loseMember", memberId: "w" },
    { type: "startShift", until: "2026-01-01T08:00:00.000Z" },
    { type: "shiftOver", due: "2026-01-01T08:00:00.000Z" },
    { type: "endShift" },
    { type: "retire", reason: "old" },
    { type: "update", changes: { station: "S1", minimumCrew: 2 } },
    { type: "setStatus", status: "out_of_service", code: "WASH", warnAfterMs: 1_000 },
    { type: "statusOverdue", due: "2026-01-01T00:00:01.000Z" },
  ),
);

describe("laws", () => {
  it("every accepted command replays, and no sequence reaches an assertion", () => {
    fc.assert(
      fc.property(fc.array(anyCommand, { maxLength: 40 }), (commands) => {
        let state: unknown = resource.initial;
        const journal: ResourceEvent[] = [];
        const context = { id: "u", at: "2026-01-01T00:00:00.000Z", by: { subject: "s", agencies: ["a"], roles: [] } };
        for (const command of commands) {
          const decision = decide(resource, state, command, context) as Decision<ResourceEvent>;
          if (isRefusal(decision) || isForward(decision) || isJoint(decision)) continue;
          journal.push(...decision);
          state = evolve(resource, state, decision, { ...context, by: "s", previous: 0 });
        }
        expect(evolve(resource, resource.initial, journal, { ...context, by: "s", previous: 0 })).toEqual(state);
      }),
      { numRuns: 1_000 },
    );
  });
});
