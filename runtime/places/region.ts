import type { Octant } from "./octant.ts";
import type { Place } from "./place.ts";

/** Between these parallels and meridians, all inclusive. West greater than east goes across the antimeridian. */
export interface Box {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

/**
 * As a ring of GeoJSON (RFC 7946): edges are straight in longitude and latitude, and the first place may be repeated at
 * the end. A ring across the antimeridian may go on beyond 180 (179, 181) or jump (179, -179): each edge goes the short
 * way round, so none is longer than 180 degrees. Where a ring crosses itself, inside is what lies an odd number of edges
 * deep. Of its edges the western and southern ones belong to it: of two rings that share one, one has each place.
 */
export interface Polygon {
  readonly ring: readonly Place[];
}

export type Area = Box | Polygon;

/** Why an area cannot be searched. A ring around a pole has no inside on a map: cut it in two, or use a box. */
export type AreaProblem =
  | "out_of_range"
  | "south_above_north"
  | "too_few_places"
  | "encloses_a_pole"
  | "overlaps_itself";

const RADIANS_PER_DEGREE = Math.PI / 180;
/** More than any rounding of what is compared with it. */
const ROUNDING = 1e-12;

/** An area made ready to search. */
export interface Region {
  contains(place: Place): boolean;
  /** Boxes of the map, none across the antimeridian, one of which every place of the region is in: it may be out all the same. */
  readonly bounds: readonly Box[];
  /** False only where no place of the cube is in the region. */
  mayTouch(cube: Octant): boolean;
}

export function regionOf(area: Area): Region | AreaProblem {
  return "ring" in area ? polygonRegion(area.ring) : boxRegion(area);
}

function boxRegion({ west, south, east, north }: Box): Region | AreaProblem {
  if (![south, north].every(isLatitude) || ![west, east].every((lon) => Math.abs(lon) <= 180)) return "out_of_range";
  if (south > north) return "south_above_north";
  const crosses = west > east;
  const between = (lon: number) => (crosses ? lon >= west || lon <= east : lon >= west && lon <= east);
  return {
    contains: ({ lat, lon }) =>
      lat >= south &&
      lat <= north &&
      // On a pole every longitude is the same place, and so are -180 and 180 elsewhere.
      (between(lon) || Math.abs(lat) === 90 || (Math.abs(lon) === 180 && between(-lon))),
    bounds: boundsOf(west, south, crosses ? east + 360 : east, north),
    mayTouch: cubesBetween(west, south, crosses ? east + 360 : east, north),
  };
}

function polygonRegion(given: readonly Place[]): Region | AreaProblem {
  if (!given.every(({ lat, lon }) => isLatitude(lat) && Number.isFinite(lon))) return "out_of_range";
  const ring = closed(given);
  if (ring.length < 4) return "too_few_places";
  const lons = unrolled(ring);
  if (Math.abs(lons[0]! - lons[lons.length - 1]!) > 180) return "encloses_a_pole";
  const lats = ring.map(({ lat }) => lat);
  const west = lons.reduce((least, lon) => Math.min(least, lon));
  const east = lons.reduce((most, lon) => Math.max(most, lon));
  const south = lats.reduce((least, lat) => Math.min(least, lat));
  const north = lats.reduce((most, lat) => Math.max(most, lat));
  if (east - west > 360) return "overlaps_itself";
  return {
    contains: ({ lat, lon }) => {
      if (lat < south || lat > north) return false;
      // The name of the meridian under which it may be in the ring.
      const meridian = lon - 360 * Math.floor((lon - west) / 360);
      return meridian <= east && inside(lats, lons, lat, meridian);
    },
    bounds: boundsOf(west, south, east, north),
    mayTouch: cubesBetween(west, south, east, north),
  };
}

/** More than any rounding of degrees. */
const MARGIN_DEGREES = 1e-9;

/** East may be beyond 180. */
function boundsOf(west: number, south: number, east: number, north: number): readonly Box[] {
  const [bottom, top] = [south - MARGIN_DEGREES, north + MARGIN_DEGREES];
  const band = (from: number, to: number): Box => ({ west: from, south: bottom, east: to, north: top });
  // On a pole every longitude is the same place.
  if (east - west >= 360 - MARGIN_DEGREES || top >= 90 || bottom <= -90) return [band(-180, 180)];
  const turns = 360 * Math.floor((west + 180) / 360);
  const [from, to] = [west - turns - MARGIN_DEGREES, east - turns + MARGIN_DEGREES];
  const here = band(Math.max(-180, from), Math.min(180, to));
  // What reaches the antimeridian goes on, or at least ends, on its other side.
  if (to >= 180) return [here, band(-180, to - 360 + MARGIN_DEGREES)];
  return from <= -180 ? [here, band(180, 180)] : [here];
}

function isLatitude(lat: number): boolean {
  return Math.abs(lat) <= 90;
}

function closed(ring: readonly Place[]): readonly Place[] {
  const first = ring[0];
  const last = ring[ring.length - 1];
  if (first === undefined || (first.lat === last?.lat && first.lon === last.lon)) return ring;
  return [...ring, first];
}

/** Longitudes that go on where those given jump. Whole turns are added to what is given, so that nothing is rounded away. */
function unrolled(ring: readonly Place[]): number[] {
  const lons: number[] = [];
  let turns = 0;
  let before = ring[0]!.lon;
  for (const { lon } of ring) {
    const step = lon - before;
    if (Math.abs(step) > 180) turns -= Math.round(step / 360);
    lons.push(lon + 360 * turns);
    before = lon;
  }
  return lons;
}

/** Counts the edges east of it, by their southern ends and without their northern ones, so that none counts twice. */
function inside(lats: readonly number[], lons: readonly number[], lat: number, lon: number): boolean {
  let odd = false;
  for (let index = 1; index < lats.length; index++) {
    const upward = lats[index - 1]! < lats[index]!;
    const low = upward ? index - 1 : index;
    const high = upward ? index : index - 1;
    // From its southern end, whichever way it goes: two rings that share an edge see it in the same place.
    if (lat < lats[low]! || lat >= lats[high]!) continue;
    const share = (lat - lats[low]!) / (lats[high]! - lats[low]!);
    if (lon < lons[low]! + share * (lons[high]! - lons[low]!)) odd = !odd;
  }
  return odd;
}

/**
 * Parallels are planes across the axis, and meridians half planes along it: a cube is out when it is all on the wrong
 * side of a parallel, or of one meridian (of both, when they are more than 180 degrees apart).
 */
function cubesBetween(west: number, south: number, east: number, north: number): Region["mayTouch"] {
  const bottom = Math.sin(south * RADIANS_PER_DEGREE) - ROUNDING;
  const top = Math.sin(north * RADIANS_PER_DEGREE) + ROUNDING;
  const [westX, westY] = [-Math.sin(west * RADIANS_PER_DEGREE), Math.cos(west * RADIANS_PER_DEGREE)];
  const [eastX, eastY] = [Math.sin(east * RADIANS_PER_DEGREE), -Math.cos(east * RADIANS_PER_DEGREE)];
  const westReach = Math.abs(westX) + Math.abs(westY);
  const eastReach = Math.abs(eastX) + Math.abs(eastY);
  const width = east - west;
  return ({ x, y, z, half }) => {
    if (z + half < bottom || z - half > top) return false;
    if (width >= 360) return true;
    const eastOfWest = x * westX + y * westY + half * westReach >= -ROUNDING;
    const westOfEast = x * eastX + y * eastY + half * eastReach >= -ROUNDING;
    return width <= 180 ? eastOfWest && westOfEast : eastOfWest || westOfEast;
  };
}
