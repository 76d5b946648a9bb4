import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Decision, decide, evolve, isForward, isJoint, isRefusal } from "../../runtime/actor.ts";
import { specificationOf } from "../../runtime/testing/given.ts";
import { type ResourceCommand, type ResourceEvent, resourceStatuses } from "../../schema/resource.ts";
import { resource } from "./definition.ts";
import { distanceMetres, plausible } from "./plausibility.ts";
import { availabilityOf, type Known } from "./state.ts";

const given = specificationOf<ResourceCommand, ResourceEvent>(resource, "u");

const unit = {
  agencyId: "a",
  resourceType: "vehicles",
  callSign: "E1",
  name: null,
  capabilities: [],
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
    expect(availabilityOf(given(registered, as("returning")).state as Known)).toBe("conditional");
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

  it("is as far away from another as the other from it, and at most half round the earth", () => {
    const place = fc.record({
      lat: fc.double({ min: -90, max: 90, noNaN: true }),
      lon: fc.double({ min: -180, max: 180, noNaN: true }),
    });
    fc.assert(
      fc.property(place, place, (a, b) => {
        expect(distanceMetres(a, b)).toBeCloseTo(distanceMetres(b, a), 3);
        expect(distanceMetres(a, b)).toBeLessThanOrEqual(20_015_115);
      }),
    );
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
  fc.constant<ResourceCommand>({ type: "reportFixes", fixes: [{ lat: 1, lon: 1, at: "2025-01-01T00:00:00Z" }] }),
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
          state = evolve(resource, state, decision, { ...context, by: "s" });
        }
        expect(evolve(resource, resource.initial, journal, { ...context, by: "s" })).toEqual(state);
      }),
      { numRuns: 1_000 },
    );
  });
});
