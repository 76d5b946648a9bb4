import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { problemInJson } from "./json.ts";

const limits = { depth: 4, values: 20, keyCharacters: 9 };
const wrongIn = (text: string) => problemInJson(JSON.parse(text), limits);

describe("JSON from outside", () => {
  it("is taken as it is within the limits, to the last value and level", () => {
    for (const text of [
      "1",
      '"a"',
      "null",
      "[]",
      "{}",
      '{"a":[{"b":[1,"\\ud83d\\ude80",true]}]}',
      `[${"1,".repeat(19)}1]`,
    ])
      expect(wrongIn(text)).toBeUndefined();
  });

  it.each([
    ['{"a":[1,{"b":[[]]}]}', ["a", 1, "b", 0], "at most 4 levels deep"],
    [`{"a":[${"1,".repeat(19)}1]}`, ["a", 19], "at most 20 values in all"],
    ['{"a":{"1234567890":1}}', ["a", "1234567890"], "at most 9 characters"],
    ['{"a":{"__proto__":{"admin":true}}}', ["a", "__proto__"], "no name of a member"],
    ['["a","\\ud800"]', [1], "half of a surrogate pair"],
    ['{"a":"\\udc00\\ud800"}', ["a"], "half of a surrogate pair"],
    ['{"a":"\\u0000"}', ["a"], "NUL"],
    ['{"a\\ud800":1}', ["a\ud800"], "in a name"],
  ])("is refused with the place and the limit: %s", (text, path, message) => {
    expect(wrongIn(text)).toEqual({ path, message: expect.stringContaining(message) });
  });

  it("is measured as by a count of each value and level", () => {
    const measure = (value: unknown): { depth: number; values: number } => {
      if (typeof value !== "object" || value === null) return { depth: 0, values: 0 };
      const parts = Object.values(value).map(measure);
      return {
        depth: 1 + Math.max(0, ...parts.map(({ depth }) => depth)),
        values: parts.length + parts.reduce((sum, { values }) => sum + values, 0),
      };
    };
    const generous = { depth: 1_000, values: 10_000, keyCharacters: 1_000 };
    const plain = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value).replace(/__proto__|\\u0000/g, "p")));
    fc.assert(
      fc.property(plain, (value) => {
        const { depth, values } = measure(value);
        expect(problemInJson(value, { ...generous, depth, values })).toBeUndefined();
        if (depth > 0) expect(problemInJson(value, { ...generous, depth: depth - 1 })).toBeDefined();
        if (values > 0) expect(problemInJson(value, { ...generous, values: values - 1 })).toBeDefined();
      }),
    );
  });
});
