import fc from "fast-check";
import { v7 } from "uuid";
import { expect, it } from "vitest";
import { uuid } from "../schema/common.ts";
import { idAt, idBeside } from "./id-from.ts";

it("ids of a time are the same for the same text, and sort by their time, among those that are made by the clock", () => {
  const ms = fc.integer({ min: 0, max: Date.parse("2199-12-31T23:59:59Z") });
  fc.assert(
    fc.property(ms, ms, fc.string(), fc.string(), (one, other, text, otherText) => {
      const [a, b] = [idAt(new Date(one).toISOString(), text), idAt(new Date(other).toISOString(), otherText)];
      expect(uuid.safeParse(a).success).toBe(true);
      expect(a).toBe(idAt(new Date(one).toISOString(), text));
      if (one !== other) expect(a < b).toBe(one < other);
      if (one !== other) expect(a < v7({ msecs: other })).toBe(one < other);
      expect(a).toBe(idBeside(v7({ msecs: one }), text));
    }),
  );
});
