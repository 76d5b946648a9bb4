import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { View } from "../runtime/board.ts";
import { assignmentStatuses, incidentStatuses } from "../schema/incident.ts";
import { resourceStatuses, resourceTypes } from "../schema/resource.ts";
import { incidentView } from "./incident/view.ts";
import { resourceView } from "./resource/view.ts";

const one = (...values: string[]) => fc.constantFrom(...values);
const code = one("p", "q");

const incident = fc.record({
  phase: fc.constant("known"),
  incidentNumber: code,
  status: one(...incidentStatuses),
  assignments: fc.array(fc.record({ unitId: code, status: one(...assignmentStatuses) })),
  fields: fc.record({
    priority: fc.integer({ min: 1, max: 5 }),
    type: code,
    category: code,
    parentId: fc.option(code),
  }),
});
const resource = fc.record({
  phase: fc.constant("known"),
  resourceType: one(...resourceTypes),
  retiredAt: fc.option(fc.constant("2026-01-01T00:00:00.000Z")),
  status: one(...resourceStatuses),
  incidentId: fc.option(code),
  carrier: fc.option(fc.record({ id: code, type: one(...resourceTypes) })),
  aboard: fc.constant([]),
  minimumCrew: fc.nat(1),
  callSign: code,
  category: fc.option(code),
  capabilities: fc.uniqueArray(code),
  station: fc.option(code),
});

/** What the API's filters hold for these: one value, or several of which one must fit. */
const several = new Set(["status", "priority", "type", "category", "availability"]);
const values = ["p", "q", 1, 2, 3, 4, 5, "any", "true", "false", "available", "conditional", "unavailable"];

describe.each<[string, View, fc.Arbitrary<object>, ReadonlySet<string>]>([
  ["incidents", incidentView, incident, several],
  // Their type is a part of the path: it is one.
  ["resources", resourceView, resource, new Set([...several].filter((name) => name !== "type"))],
])("the index of %s", (_name, view, state, lists) => {
  it("has each under exactly the values by which it would be found without it", () => {
    const all = [...values, ...incidentStatuses, ...resourceStatuses, ...resourceTypes];
    fc.assert(
      fc.property(state, (it) => {
        for (const [name, valuesOf] of Object.entries(view.indexed!)) {
          const indexed = [valuesOf(it) ?? []].flat();
          // Any other word there would be refused before it is looked at.
          const possible = name === "retired" ? ["any", "true", "false"] : [...new Set(all)];
          const found = possible.filter((value) => view.matches(it, { [name]: lists.has(name) ? [value] : value }));
          expect({ [name]: [...new Set(indexed)].sort() }).toEqual({ [name]: found.sort() });
        }
      }),
    );
  });
});
