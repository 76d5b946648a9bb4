import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { distanceMetres, type Place } from "./place.ts";
import { type NearestQuery, PlaceIndex } from "./place-index.ts";
import { type Area, type Region, regionOf } from "./region.ts";

const PARIS = { lat: 48.8566, lon: 2.3522 };

function spread(centre: Place, degrees: number): fc.Arbitrary<Place> {
  const off = fc.double({ min: -degrees, max: degrees, noNaN: true });
  return fc.tuple(off, off).map(([lat, lon]) => ({
    lat: Math.max(-90, Math.min(90, centre.lat + lat)),
    lon: ((((centre.lon + lon + 180) % 360) + 360) % 360) - 180,
  }));
}

/** Places of every awkward sort: in one town, on each other, across the antimeridian, at the poles, on borders of cells. */
const awkwardPlace: fc.Arbitrary<Place> = fc.oneof(
  fc.record({
    lat: fc.double({ min: -90, max: 90, noNaN: true }),
    lon: fc.double({ min: -180, max: 180, noNaN: true }),
  }),
  spread({ lat: 48.85, lon: 2.35 }, 0.05),
  spread({ lat: 48.85, lon: 2.35 }, 1e-7),
  spread({ lat: -17, lon: 180 }, 0.5),
  spread({ lat: 90, lon: 0 }, 0.5),
  spread({ lat: -90, lon: 0 }, 1e-6),
  fc.record({ lat: fc.constantFrom(-90, 89.999, 90), lon: fc.integer({ min: -18, max: 18 }).map((tens) => tens * 10) }),
  fc.record({
    lat: fc.integer({ min: -2, max: 2 }).map((steps) => steps * 45),
    lon: fc.integer({ min: -4, max: 4 }).map((steps) => steps * 45),
  }),
  fc.record({ lat: fc.integer({ min: -1, max: 1 }), lon: fc.constantFrom(-180, -179, -1, 0, 1, 179, 180) }),
);

const anyBox = fc
  .tuple(awkwardPlace, awkwardPlace)
  .map(([a, b]) => ({ west: a.lon, east: b.lon, south: Math.min(a.lat, b.lat), north: Math.max(a.lat, b.lat) }));

const anyRing = fc
  .tuple(
    awkwardPlace,
    fc.array(fc.tuple(fc.integer({ min: -85, max: 85 }), fc.integer({ min: -20, max: 20 })), {
      minLength: 3,
      maxLength: 9,
    }),
  )
  .map(([centre, corners]) => ({
    ring: corners.map(([lon, lat]) => ({ lon: centre.lon + lon, lat: Math.max(-90, Math.min(90, centre.lat + lat)) })),
  }))
  .filter((area) => typeof regionOf(area) !== "string");

const anyArea: fc.Arbitrary<Area> = fc.oneof(anyBox, anyRing);

const wholeWorld = { west: -180, south: -90, east: 180, north: 90 };

function made(area: Area): Region {
  const region = regionOf(area);
  if (typeof region === "string") throw new Error(region);
  return region;
}

const anyId = fc.nat(400).map((number) => `unit-${number}`);

const anyQuery = fc.record({
  from: awkwardPlace,
  radiusMetres: fc.oneof(
    fc.constantFrom(0, 1e-9, 1, 500, 5_000, 50_000, 1e6, 1e7, 2.1e7, Number.POSITIVE_INFINITY),
    fc.double({ min: 0, max: 2.1e7, noNaN: true }),
  ),
  limit: fc.constantFrom(0, 1, 2, 10, 50, Number.POSITIVE_INFINITY),
  oneIn: fc.constantFrom(1, 1, 2, 5, 40),
});

/** Places with their ids; undefined where one leaves. */
const anyChanges = fc.array(fc.tuple(anyId, fc.option(awkwardPlace, { nil: undefined, freq: 6 })), {
  minLength: 0,
  maxLength: 600,
  size: "max",
});

function bruteNearest(places: ReadonlyMap<string, Place>, { from, radiusMetres, limit, accept }: NearestQuery) {
  return [...places]
    .filter(([id]) => accept?.(id) ?? true)
    .map(([id, place]) => ({ id, distanceMetres: distanceMetres(from, place) }))
    .filter((neighbour) => neighbour.distanceMetres <= radiusMetres)
    .sort((a, b) => a.distanceMetres - b.distanceMetres || (a.id < b.id ? -1 : 1))
    .slice(0, limit);
}

function change(index: PlaceIndex, places: Map<string, Place>, id: string, place: Place | undefined): void {
  if (place === undefined) {
    expect(index.delete(id)).toBe(places.delete(id));
    return;
  }
  index.set(id, place);
  places.set(id, place);
}

function acceptOneIn(oneIn: number): (id: string) => boolean {
  return (id) => Number(id.slice("unit-".length)) % oneIn === 0;
}

describe("the index of places", () => {
  it("finds whom a look at everyone finds, in the same order, after any moves and departures", () => {
    fc.assert(
      fc.property(anyChanges, fc.array(anyQuery, { minLength: 1, maxLength: 25, size: "max" }), (changes, queries) => {
        const index = new PlaceIndex();
        const places = new Map<string, Place>();
        const every = Math.ceil(changes.length / queries.length);
        for (const [turn, { oneIn, ...query }] of queries.entries()) {
          for (const [id, place] of changes.slice(turn * every, (turn + 1) * every)) change(index, places, id, place);
          expect(index.size).toBe(places.size);
          const accept = acceptOneIn(oneIn);
          expect(index.nearest({ ...query, accept })).toEqual(bruteNearest(places, { ...query, accept }));
        }
      }),
      { numRuns: 200 },
    );
  });

  it("finds the same page by page, and among those that are named", () => {
    fc.assert(
      fc.property(anyChanges, anyQuery, fc.integer({ min: 1, max: 40 }), (changes, { oneIn, ...query }, limit) => {
        const index = new PlaceIndex();
        const places = new Map<string, Place>();
        for (const [id, place] of changes) change(index, places, id, place);
        const accept = acceptOneIn(oneIn);
        const all = bruteNearest(places, { ...query, limit: Number.POSITIVE_INFINITY, accept });
        const paged = [];
        for (let page = index.nearest({ ...query, limit, accept }); page.length > 0; ) {
          paged.push(...page);
          page = index.nearest({ ...query, limit, accept, after: page[page.length - 1]! });
        }
        expect(paged).toEqual(all);
        const among = [...places.keys(), "nowhere"].filter(accept);
        expect(index.nearest({ ...query, among })).toEqual(all.slice(0, query.limit));
      }),
      { numRuns: 60 },
    );
  });

  it("finds them in a fleet that gathers, stands in one place and scatters again", () => {
    const index = new PlaceIndex();
    const places = new Map<string, Place>();
    const gatherings = [
      (n: number) => ({ lat: 45 + (n % 97) / 10, lon: (n % 89) / 5 }),
      (n: number) => ({ lat: 48.85 + (n % 7) * 1e-7, lon: 2.35 }),
      () => PARIS,
      (n: number) => ({ lat: -89.9 + (n % 11) / 1_000, lon: (n * 7) % 180 }),
      (n: number) => ({ lat: -17, lon: n % 2 === 0 ? 180 - (n % 30) / 100 : -180 + (n % 30) / 100 }),
    ];
    for (const gathered of gatherings) {
      for (let n = 0; n < 2_000; n++) change(index, places, `unit-${n}`, gathered(n));
      for (let n = 0; n < 2_000; n += 3) change(index, places, `unit-${n}`, undefined);
      for (const radiusMetres of [10, 5_000, Number.POSITIVE_INFINITY])
        for (let n = 1; n < 2_000; n += 400) {
          const query = { from: gathered(n), radiusMetres, limit: 20, accept: acceptOneIn(5) };
          expect(index.nearest(query)).toEqual(bruteNearest(places, query));
        }
    }
    for (const id of [...places.keys()]) change(index, places, id, undefined);
    expect(index.size).toBe(0);
    expect(index.nearest({ from: PARIS, radiusMetres: Number.POSITIVE_INFINITY, limit: 1 })).toEqual([]);
  });

  it("passes by whoever lacks a mark that is asked for, in whichever way it searches", () => {
    const anyMarks = fc.constantFrom(0, 1, 2, 3, -1, 1 << 31);
    const marked = fc.array(fc.tuple(awkwardPlace, anyMarks), { minLength: 1, maxLength: 300, size: "max" });
    fc.assert(
      fc.property(
        marked,
        fc.array(anyMarks),
        anyQuery,
        anyMarks,
        (units, changed, { oneIn: _one, ...query }, marks) => {
          const index = new PlaceIndex();
          const places = new Map<string, Place>();
          for (const [n, [place, first]] of units.entries()) {
            index.set(`unit-${n}`, place, undefined, first);
            const now = changed[n] ?? first;
            index.set(`unit-${n}`, place, undefined, now);
            if ((now & marks) === marks) places.set(`unit-${n}`, place);
          }
          const expected = bruteNearest(places, query);
          expect(index.nearest({ ...query, marks })).toEqual(expected);
          const among = units.map((_, n) => `unit-${n}`);
          expect(index.nearest({ ...query, marks, among })).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("orders those equally far by id, and takes the first of them when not all fit", () => {
    const index = new PlaceIndex();
    for (const id of ["d", "a", "e", "c", "b"]) index.set(id, PARIS);
    const found = index.nearest({ from: PARIS, radiusMetres: 0, limit: 3 });
    expect(found).toEqual(["a", "b", "c"].map((id) => ({ id, distanceMetres: 0 })));
  });

  it("counts what lies exactly on the radius", () => {
    const index = new PlaceIndex();
    index.set("far", { lat: 49, lon: 3 });
    const radiusMetres = distanceMetres(PARIS, { lat: 49, lon: 3 });
    expect(index.nearest({ from: PARIS, radiusMetres, limit: 1 })).toHaveLength(1);
    expect(index.nearest({ from: PARIS, radiusMetres: radiusMetres - 1e-6, limit: 1 })).toEqual([]);
  });

  it("knows the place it was told last", () => {
    const index = new PlaceIndex();
    index.set("unit", PARIS);
    index.set("unit", { lat: 1, lon: 2 });
    expect(index.get("unit")).toEqual({ lat: 1, lon: 2 });
    index.delete("unit");
    expect(index.get("unit")).toBeUndefined();
    expect(index.delete("unit")).toBe(false);
  });

  it("takes no place that is none, and keeps what it had", () => {
    const index = new PlaceIndex();
    index.set("unit", PARIS);
    for (const [lat, lon] of [
      [Number.NaN, 0],
      [0, Number.NaN],
      [90.1, 0],
      [0, -180.1],
    ] as const)
      expect(() => index.set("unit", { lat, lon })).toThrow(RangeError);
    expect(index.get("unit")).toEqual(PARIS);
    expect(index.size).toBe(1);
  });
});

describe("a search within an area", () => {
  it("finds what a look at everyone finds, by id", () => {
    fc.assert(
      fc.property(
        fc.array(awkwardPlace, { minLength: 1, maxLength: 400, size: "max" }),
        fc.array(anyArea, { minLength: 1, maxLength: 20, size: "max" }),
        fc.constantFrom(1, 1, 3),
        (places, areas, oneIn) => {
          const index = new PlaceIndex();
          for (const [n, place] of places.entries()) index.set(`unit-${n}`, place);
          const accept = (id: string) => Number(id.slice("unit-".length)) % oneIn === 0;
          for (const area of areas) {
            const region = made(area);
            const expected = places.flatMap((place, n) =>
              n % oneIn === 0 && region.contains(place) ? [`unit-${n}`] : [],
            );
            expect(index.within(region, accept)).toEqual(expected.sort());
            expect(index.within(region, accept, expected.length)).toEqual(expected);
            if (expected.length > 0) expect(index.within(region, accept, expected.length - 1)).toBeUndefined();
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("finds everything in the whole world", () => {
    const index = new PlaceIndex();
    fc.assert(
      fc.property(awkwardPlace, (place) => {
        index.set("unit", place);
        expect(index.within(made(wholeWorld))).toEqual(["unit"]);
      }),
    );
  });
});
