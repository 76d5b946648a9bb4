import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { containsAll, searchText, searchWords } from "./search-text.ts";

const finds = (text: string, query: string) => containsAll(searchText([text]), searchWords(query));

describe("what is searched", () => {
  it("is found without its accents and case, by parts of its words, in any order", () => {
    expect(finds("Fumée près de l'ÉGLISE", "eglise fumee")).toBe(true);
    expect(finds("Smoke from the roof", "roof smok")).toBe(true);
    expect(finds("Smoke from the roof", "roof fire")).toBe(false);
  });

  it("has all its parts, those that are there", () => {
    expect(searchText(["DEFAULT-2026-000001", "Alarm", null, "Main St"])).toBe("default-2026-000001 alarm main st");
  });

  it("always finds a text by its own words", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => finds(text, text)));
  });
});
