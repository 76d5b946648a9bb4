import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { resourceStatuses, resourceTypes } from "../../schema/resource.ts";
import { marksOf, marksWanted } from "./marks.ts";
import { fits } from "./matching.ts";
import { availabilityOf, type Known } from "./state.ts";

const capability = fc.oneof(fc.constantFrom("engine", "als", "boat"), fc.string({ maxLength: 20 }));
const companion = fc.record({
  id: fc.constantFrom("m", "n"),
  type: fc.constantFrom(...resourceTypes),
  since: fc.constant("2026-01-01T00:00:00.000Z"),
});
/** Of a unit, what its marks and its fitness are made of: nothing else of its state is looked at, so nothing else is made up. */
const unit = fc.record({
  resourceType: fc.constantFrom(...resourceTypes),
  status: fc.constantFrom(...resourceStatuses),
  category: fc.constant(null),
  capabilities: fc.uniqueArray(capability, { maxLength: 5 }),
  aboard: fc.array(companion, { maxLength: 2 }),
  minimumCrew: fc.integer({ min: 0, max: 2 }),
  retiredAt: fc.constantFrom(null, null, "2026-01-01T00:00:00.000Z"),
  incidentId: fc.constantFrom(null, null, "i"),
  carrier: fc.constantFrom(null, null, { id: "c", type: "vehicles" as const, since: "2026-01-01T00:00:00.000Z" }),
}) as unknown as fc.Arbitrary<Known>;

describe("the marks of a unit", () => {
  it("are all there that are wanted, of each that may be sent and fits, whatever those have who are with it", () => {
    let fitting = 0;
    const wanted = fc.record(
      {
        types: fc.subarray([...resourceTypes]),
        capabilities: fc.uniqueArray(capability, { maxLength: 2 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(unit, wanted, fc.array(capability), fc.boolean(), (it, asked, more, any) => {
        const all = new Set(it.aboard.length > 0 ? [...it.capabilities, ...more] : it.capabilities);
        const mayBeSent = availabilityOf(it).availability !== "unavailable";
        const marks = marksWanted(asked as never, any);
        const has = (marksOf(it) & marks) === marks;
        if (!any && !mayBeSent) expect(has).toBe(false);
        if (!fits(it, () => all, asked as never) || !(any || mayBeSent)) return;
        fitting += 1;
        expect(has).toBe(true);
      }),
      { numRuns: 3_000 },
    );
    expect(fitting).toBeGreaterThan(100);
  });

  it("pass by whom lacks a capability, but for the few that share a bit with one", () => {
    const engine = { resourceType: "vehicles", status: "available", capabilities: ["engine"], aboard: [] } as never;
    const wanted = marksWanted({ capabilities: ["boat"] });
    expect(marksOf(engine) & wanted).not.toBe(wanted);
  });
});
