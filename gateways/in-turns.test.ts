import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reportLocation, reportLocations } from "../schema/resource.ts";
import { parsedInTurns } from "./in-turns.ts";

const ID = "0199F1C2-7A40-7C3E-9D57-3B8E5F0A1C22";

/** How many turns others had meanwhile. */
async function parsed(schema: typeof reportLocations | typeof reportLocation, most: number, given: unknown) {
  let turns = 0;
  const body = await parsedInTurns(schema, { member: "fixes", most }, given, async () => void turns++);
  return { body, turns };
}

const fixes = (count: number, at = -1, wrong: object = {}) =>
  Array.from({ length: count }, (_, index) => ({
    ...{ type: "vehicles", id: ID, lat: index / 100, lon: 1 },
    ...(index === at ? wrong : {}),
  }));

describe("a long list", () => {
  it("is what its schema makes of it as a whole, and others have turns meanwhile", async () => {
    const given = { fixes: fixes(1_000) };
    const { body, turns } = await parsed(reportLocations, 1_000, given);
    expect(body).toEqual(reportLocations.parse(given));
    expect(body).not.toEqual(given);
    expect(turns).toBe(24);
  });

  it("is one of an alternative's, too", async () => {
    const given = { fixes: fixes(250).map(({ lat, lon }) => ({ lat, lon })) };
    expect((await parsed(reportLocation, 500, given)).body).toEqual(reportLocation.parse(given));
  });

  it("is left to be looked at as a whole when anything is wrong: then what is said of it is the schema's own", async () => {
    const wrong = fc.constantFrom<unknown>(
      { fixes: fixes(1_001) },
      { fixes: fixes(3) },
      { fixes: [] },
      { fixes: { length: 500 } },
      { fixes: fixes(200), more: 1 },
      { fixes: "x".repeat(200) },
      null,
      undefined,
      "text",
      fixes(200),
    );
    const flawed = fc
      .tuple(
        fc.integer({ min: 101, max: 1_000 }),
        fc.nat(),
        fc.constantFrom({ lat: 91 }, { id: "x" }, { more: 1 }, { lon: null }, { at: "soon" }),
      )
      .map(([count, at, flaw]) => ({ fixes: fixes(count, at % count, flaw) }));
    await fc.assert(
      fc.asyncProperty(fc.oneof(wrong, flawed), async (given) => {
        expect((await parsed(reportLocations, 1_000, given)).body).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });
});
