import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Candidate, type Requirement, recommend } from "./recommendation.ts";

const unit = (id: string, ...capabilities: string[]): Candidate => ({
  id,
  type: "vehicles",
  capabilities: new Set(capabilities),
  assigned: false,
});
const needs = (count: number, ...capabilities: string[]): Requirement => ({ capabilities, types: [], count });
const picksOf = (requirements: Requirement[], candidates: Candidate[]) =>
  Object.fromEntries(recommend(requirements, candidates).picks);

describe("a recommendation", () => {
  it("takes the nearest that can what is needed", () => {
    const near = [unit("a", "rescue"), unit("b", "engine"), unit("c", "engine")];
    expect(picksOf([needs(1, "engine")], near)).toEqual({ b: 0 });
    expect(picksOf([needs(2, "engine"), needs(1, "rescue")], near)).toEqual({ b: 0, c: 0, a: 1 });
  });

  it("keeps who can more for what only he can", () => {
    const near = [unit("a", "engine", "ladder"), unit("b", "engine")];
    expect(picksOf([needs(1, "engine"), needs(1, "ladder")], near)).toEqual({ b: 0, a: 1 });
  });

  it("names what is short, by how many", () => {
    const { shortfalls } = recommend([needs(3, "engine"), needs(1, "boat")], [unit("a", "engine")]);
    expect(shortfalls).toEqual([
      { ...needs(3, "engine"), missing: 2 },
      { ...needs(1, "boat"), missing: 1 },
    ]);
  });

  it("asks for nothing that those can who were sent already", () => {
    const sent = { ...unit("z", "engine"), assigned: true };
    expect(picksOf([needs(1, "engine")], [unit("a", "engine"), sent])).toEqual({});
    expect(picksOf([needs(2, "engine")], [unit("a", "engine"), sent])).toEqual({ a: 0 });
  });

  it("covers as much as any choice could, with units that each can what they are sent for", () => {
    const capability = fc.constantFrom("a", "b", "c");
    const candidates = fc.array(fc.tuple(fc.uniqueArray(capability), fc.boolean()), { maxLength: 6 });
    const requirements = fc.array(fc.tuple(fc.integer({ min: 1, max: 2 }), fc.uniqueArray(capability)), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(candidates, requirements, (units, wants) => {
        const fleet = units.map(([has, assigned], index) => ({ ...unit(`u${index}`, ...has), assigned }));
        const wanted = wants.map(([count, all]) => needs(count, ...all));
        const { picks, shortfalls } = recommend(wanted, fleet);
        for (const [id, requirement] of picks) {
          const { capabilities, assigned } = fleet.find((one) => one.id === id)!;
          expect(assigned).toBe(false);
          expect(wanted[requirement]!.capabilities.every((one) => capabilities.has(one))).toBe(true);
        }
        const slots = wanted.flatMap(({ count, capabilities }) => Array.from({ length: count }, () => capabilities));
        const missing = shortfalls.reduce((sum, one) => sum + one.missing, 0);
        expect(slots.length - missing).toBe(mostCovered(slots, fleet));
      }),
      { numRuns: 500 },
    );
  });
});

/** By trying everything. */
function mostCovered([first, ...rest]: readonly (readonly string[])[], fleet: readonly Candidate[]): number {
  if (first === undefined) return 0;
  let most = mostCovered(rest, fleet);
  for (const one of fleet) {
    if (!first.every((capability) => one.capabilities.has(capability))) continue;
    most = Math.max(
      most,
      1 +
        mostCovered(
          rest,
          fleet.filter((other) => other !== one),
        ),
    );
  }
  return most;
}
