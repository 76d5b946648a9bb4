import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Place } from "./place.ts";
import { PlaceIndex } from "./place-index.ts";
import { type Area, type Region, regionOf } from "./region.ts";

function made(area: Area): Region {
  const region = regionOf(area);
  if (typeof region === "string") throw new Error(region);
  return region;
}

function ring(...places: readonly (readonly [lon: number, lat: number])[]): { ring: Place[] } {
  return { ring: places.map(([lon, lat]) => ({ lon, lat })) };
}

/** Degrees that binary fractions hold exactly, so that turning the earth rounds nothing. */
const quarterDegrees = (min: number, max: number) => fc.integer({ min: min * 4, max: max * 4 }).map((n) => n / 4);

/** The same meridian by its name from -180 up to 180. */
const renamed = (lon: number) => ((((lon + 180) % 360) + 360) % 360) - 180;

describe("a box", () => {
  it.each([
    ["its corner", { west: 2, south: 48, east: 3, north: 49 }, { lat: 49, lon: 2 }, true],
    ["what is east of it", { west: 2, south: 48, east: 3, north: 49 }, { lat: 48.5, lon: 3.01 }, false],
    [
      "the far side of the antimeridian",
      { west: 170, south: -20, east: -170, north: 0 },
      { lat: -10, lon: -175 },
      true,
    ],
    ["the antimeridian by either name", { west: 170, south: -20, east: 180, north: 0 }, { lat: -10, lon: -180 }, true],
    [
      "Greenwich when it crosses the antimeridian",
      { west: 170, south: -20, east: -170, north: 0 },
      { lat: -10, lon: 0 },
      false,
    ],
    [
      "a pole it touches, by whatever longitude",
      { west: 0, south: 80, east: 10, north: 90 },
      { lat: 90, lon: -120 },
      true,
    ],
    ["a meridian when it has no width", { west: 7, south: -1, east: 7, north: 1 }, { lat: 0, lon: 7 }, true],
    ["the other side of that meridian", { west: 7, south: -1, east: 7, north: 1 }, { lat: 0, lon: -173 }, false],
  ])("knows %s", (_, box, place, expected) => {
    expect(made(box).contains(place)).toBe(expected);
    const index = new PlaceIndex();
    for (let n = 0; n < 100; n++) index.set(`unit-${n}`, place);
    expect(index.within(made(box))).toHaveLength(expected ? 100 : 0);
  });

  it("is refused when it is upside down or beyond the earth", () => {
    expect(regionOf({ west: 0, south: 10, east: 1, north: 9 })).toBe("south_above_north");
    expect(regionOf({ west: 0, south: 0, east: 181, north: 9 })).toBe("out_of_range");
    expect(regionOf({ west: 0, south: Number.NaN, east: 1, north: 9 })).toBe("out_of_range");
  });
});

describe("a polygon", () => {
  it.each([
    ["inside a square", ring([0, 0], [10, 0], [10, 10], [0, 10]), [5, 5], true],
    ["inside a square whose ring is closed", ring([0, 0], [10, 0], [10, 10], [0, 10], [0, 0]), [5, 5], true],
    ["inside one that goes the other way", ring([0, 0], [0, 10], [10, 10], [10, 0]), [5, 5], true],
    ["in the notch of an L", ring([0, 0], [10, 0], [10, 5], [5, 5], [5, 10], [0, 10]), [7, 7], false],
    ["in a wing of a bow tie", ring([0, 0], [10, 10], [10, 0], [0, 10]), [9, 5], true],
    ["in the twice enclosed middle of a star", ring([0, 10], [6, -8], [-10, 3], [10, 3], [-6, -8]), [0, 0], false],
    ["east of 180, the ring going on", ring([170, -5], [190, -5], [190, 5], [170, 5]), [-175, 0], true],
    ["east of 180, the ring jumping", ring([170, -5], [-170, -5], [-170, 5], [170, 5]), [-175, 0], true],
    ["at Greenwich, the ring jumping at 180", ring([170, -5], [-170, -5], [-170, 5], [170, 5]), [0, 0], false],
    ["at 180 named -180", ring([170, -5], [190, -5], [190, 5], [170, 5]), [-180, 0], true],
    [
      "under a straight line of the map, above the great circle",
      ring([-60, 50], [-60, 40], [60, 40], [60, 50]),
      [0, 51],
      false,
    ],
    [
      "around the whole world",
      ring([-180, -90], [0, -90], [180, -90], [180, 90], [0, 90], [-180, 90]),
      [-180, 0],
      true,
    ],
    ["on its southern edge", ring([0, 0], [10, 0], [10, 10], [0, 10]), [5, 0], true],
    ["on its eastern edge", ring([0, 0], [10, 0], [10, 10], [0, 10]), [10, 5], false],
  ] as const)("is right about a place %s", (_, area, [lon, lat], expected) => {
    expect(made(area).contains({ lat, lon })).toBe(expected);
  });

  it("is within its bounds, whatever its shape and wherever it is", () => {
    const lon = quarterDegrees(-180, 180);
    const lat = quarterDegrees(-90, 90);
    const box = fc
      .record({ west: lon, east: lon, south: lat, north: lat })
      .filter(({ south, north }) => south <= north);
    const triangle = fc
      .tuple(lon, quarterDegrees(-60, 60), quarterDegrees(1, 80), quarterDegrees(1, 20))
      .map(([west, south, width, height]) =>
        ring([west, south], [renamed(west + width), south], [renamed(west + width / 2), south + height]),
      );
    fc.assert(
      fc.property(fc.oneof(box, triangle), lat, lon, (area, placeLat, placeLon) => {
        const region = regionOf(area as Area);
        if (typeof region === "string" || !region.contains({ lat: placeLat, lon: placeLon })) return;
        expect(
          region.bounds.some(
            ({ west, south, east, north }) =>
              west <= placeLon && placeLon <= east && south <= placeLat && placeLat <= north,
          ),
        ).toBe(true);
        for (const { west, east } of region.bounds)
          expect([west >= -180, east <= 180, west <= east]).toEqual([true, true, true]);
      }),
      { numRuns: 20_000 },
    );
  });

  it("shares each place with no neighbour and loses none, also across the antimeridian", () => {
    fc.assert(
      fc.property(
        quarterDegrees(-180, 180),
        quarterDegrees(-9, 9),
        quarterDegrees(0, 20),
        quarterDegrees(-10, 9.75),
        (west, kink, east, lat) => {
          const [left, middle, right] = [renamed(west), renamed(west + 10), renamed(west + 20)];
          const one = ring([left, -10], [middle, -10], [renamed(west + 10 + kink), 3], [middle, 10], [left, 10]);
          const other = ring([middle, -10], [right, -10], [right, 10], [middle, 10], [renamed(west + 10 + kink), 3]);
          const place = { lat, lon: renamed(west + Math.min(east, 19.75)) };
          expect([one, other].filter((area) => made(area).contains(place))).toHaveLength(1);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("is the same wherever the earth is turned to, and however its ring names longitudes", () => {
    const corner = fc.tuple(quarterDegrees(-80, 80), quarterDegrees(-60, 60));
    fc.assert(
      fc.property(
        fc.array(corner, { minLength: 3, maxLength: 8 }),
        corner,
        quarterDegrees(-180, 180),
        (corners, [lon, lat], turn) => {
          const expected = made(ring(...corners)).contains({ lat, lon });
          const place = { lat, lon: renamed(lon + turn) };
          const going = corners.map(([x, y]) => [x + turn, y] as const);
          const jumping = corners.map(([x, y]) => [renamed(x + turn), y] as const);
          expect(made(ring(...going)).contains(place)).toBe(expected);
          expect(made(ring(...jumping)).contains(place)).toBe(expected);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ["encloses_a_pole", ring([0, 80], [90, 80], [180, 80], [-90, 80])],
    ["encloses_a_pole", ring([0, 80], [120, 80], [240, 80], [360, 80])],
    ["too_few_places", ring([0, 0], [1, 1])],
    ["too_few_places", ring([0, 0], [1, 1], [0, 0])],
    ["too_few_places", ring()],
    ["out_of_range", ring([0, 0], [1, 91], [1, 0])],
    ["out_of_range", ring([Number.NaN, 0], [1, 1], [1, 0])],
    ["overlaps_itself", ring([0, 0], [170, 0], [340, 0], [400, 5], [340, 10], [170, 10], [0, 10])],
  ])("is refused: %s", (problem, area) => {
    expect(regionOf(area)).toBe(problem);
  });
});
