import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chordSquaredWithin, distanceMetres, EARTH_RADIUS_METRES, metresOfChord, type Place } from "./place.ts";

const HALFWAY_METRES = Math.PI * EARTH_RADIUS_METRES;

const anyPlace = fc.record({
  lat: fc.double({ min: -90, max: 90, noNaN: true }),
  lon: fc.double({ min: -180, max: 180, noNaN: true }),
});

/** The formula as the books have it. */
function haversineMetres(a: Place, b: Place): number {
  const radians = Math.PI / 180;
  const sinLat = Math.sin(((b.lat - a.lat) * radians) / 2);
  const sinLon = Math.sin(((b.lon - a.lon) * radians) / 2);
  const h = sinLat * sinLat + Math.cos(a.lat * radians) * Math.cos(b.lat * radians) * sinLon * sinLon;
  return 2 * EARTH_RADIUS_METRES * Math.asin(Math.min(1, Math.sqrt(h)));
}

describe("a distance", () => {
  it.each([
    ["from Paris to London", { lat: 48.8566, lon: 2.3522 }, { lat: 51.5074, lon: -0.1278 }, 343_556],
    ["from London to New York", { lat: 51.5074, lon: -0.1278 }, { lat: 40.7128, lon: -74.006 }, 5_570_230],
    ["from Auckland to Honolulu", { lat: -36.8485, lon: 174.7633 }, { lat: 21.3069, lon: -157.8583 }, 7_075_743],
    ["of a degree of latitude", { lat: 52, lon: 13 }, { lat: 53, lon: 13 }, 111_195],
    ["of a degree across the antimeridian", { lat: 0, lon: 179.5 }, { lat: 0, lon: -179.5 }, 111_195],
    ["over the north pole", { lat: 89.5, lon: 0 }, { lat: 89.5, lon: 180 }, 111_195],
    ["from pole to pole", { lat: 90, lon: 12 }, { lat: -90, lon: -99 }, HALFWAY_METRES],
    ["to the other side of the earth", { lat: 0, lon: 0 }, { lat: 0, lon: 180 }, HALFWAY_METRES],
  ])("%s is known", (_, a, b, metres) => {
    expect(Math.abs(distanceMetres(a, b) - metres)).toBeLessThan(1);
  });

  it("is nothing between two names of one place", () => {
    expect(distanceMetres({ lat: 90, lon: -17.3 }, { lat: 90, lon: 101 })).toBe(0);
    expect(distanceMetres({ lat: -90, lon: 0 }, { lat: -90, lon: 180 })).toBe(0);
    expect(distanceMetres({ lat: -16.8, lon: 180 }, { lat: -16.8, lon: -180 })).toBe(0);
  });

  it("is as the haversine formula has it, and the same both ways", () => {
    fc.assert(
      fc.property(anyPlace, anyPlace, (a, b) => {
        const metres = distanceMetres(a, b);
        expect(distanceMetres(b, a)).toBe(metres);
        // Either formula is blurred at the far side of the earth.
        const tolerance = metres > HALFWAY_METRES - 10_000 ? 1 : 1e-5;
        expect(Math.abs(metres - haversineMetres(a, b))).toBeLessThan(tolerance);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is never more than the chord that is searched for it allows", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 4, noNaN: true }), (chordSquared) => {
        expect(chordSquaredWithin(metresOfChord(chordSquared))).toBeGreaterThanOrEqual(chordSquared);
      }),
      { numRuns: 2_000 },
    );
  });
});
