import fc from "fast-check";
import { expect, it } from "vitest";
import { FRESH_MS, freshAt } from "./matching.ts";

it("a position is fresh by its time, however that is written", () => {
  const now = Date.parse("2026-03-01T12:00:00.500Z");
  const isFresh = freshAt(now);
  const written = fc.tuple(fc.integer({ min: -2_500, max: 2_500 }), fc.constantFrom("ms", "s", "ns", "offset"));
  fc.assert(
    fc.property(written, ([offMs, form]) => {
      const text = new Date(now - FRESH_MS + offMs).toISOString();
      const at = {
        ms: text,
        s: `${text.slice(0, 19)}Z`,
        ns: `${text.slice(0, -1)}999999Z`,
        offset: text.replace("T11:", "T13:").replace("Z", "+02:00"),
      }[form]!;
      expect(isFresh({ lat: 0, lon: 0, at })).toBe(now - Date.parse(at) <= FRESH_MS);
    }),
    { numRuns: 2_000 },
  );
  expect(isFresh(null)).toBe(false);
});
