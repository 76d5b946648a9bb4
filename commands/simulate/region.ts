import type { Random } from "./random.ts";

/**
 * Exampleton, which does not exist: nine by seven kilometres of streets in the open Pacific, more than a thousand
 * kilometres from land, so that nobody takes its calls for somebody's.
 */
export const REGION_NAME = "Exampleton";

const SOUTH_WEST = { lat: 30, lon: -135 };
const EAST_METRES = 9_000;
const NORTH_METRES = 7_000;
const BLOCK_METRES = 350;
const METRES_PER_DEGREE = 111_320;

/** Metres from the south-west corner. */
export interface Point {
  readonly eastMetres: number;
  readonly northMetres: number;
}

/** From south to north. */
const STREETS = [
  "ALDER",
  "BEECH",
  "CEDAR",
  "DOGWOOD",
  "ELM",
  "FIR",
  "GINKGO",
  "HAZEL",
  "IRONWOOD",
  "JUNIPER",
  "KAPOK",
  "LARCH",
  "MAPLE",
  "NUTMEG",
  "OAK",
  "POPLAR",
  "QUINCE",
  "ROWAN",
  "SPRUCE",
  "TEAK",
  "UMBRELLA",
] as const;

/** Where ambulances go: west and east of the middle. */
const HOSPITALS: readonly Point[] = [
  { eastMetres: 2_450, northMetres: 3_150 },
  { eastMetres: 6_650, northMetres: 4_200 },
];

export function degrees({ eastMetres, northMetres }: Point): { lat: number; lon: number } {
  const metresPerDegreeEast = METRES_PER_DEGREE * Math.cos((SOUTH_WEST.lat * Math.PI) / 180);
  return {
    lat: SOUTH_WEST.lat + northMetres / METRES_PER_DEGREE,
    lon: SOUTH_WEST.lon + eastMetres / metresPerDegreeEast,
  };
}

/** Along the streets, which run north and east. */
export function roadMetres(a: Point, b: Point): number {
  return Math.abs(a.eastMetres - b.eastMetres) + Math.abs(a.northMetres - b.northMetres);
}

/** A point on the way from one to another. @param share 0 at the start, 1 at the end */
export function between(from: Point, to: Point, share: number): Point {
  return {
    eastMetres: from.eastMetres + (to.eastMetres - from.eastMetres) * share,
    northMetres: from.northMetres + (to.northMetres - from.northMetres) * share,
  };
}

export function nearest<T>(items: readonly T[], place: Point, placeOf: (item: T) => Point): T | undefined {
  return items.reduce<T | undefined>(
    (best, item) =>
      best === undefined || roadMetres(placeOf(item), place) < roadMetres(placeOf(best), place) ? item : best,
    undefined,
  );
}

export function nearestHospital(place: Point): Point {
  return nearest(HOSPITALS, place, (hospital) => hospital) ?? place;
}

/** Spread evenly however many there are (the R2 sequence), each at a crossing. */
export function stationPlace(index: number): Point {
  const share = (step: number) => (0.5 + index * step) % 1;
  const crossing = (metres: number) => Math.round(metres / BLOCK_METRES) * BLOCK_METRES;
  return {
    eastMetres: crossing(share(0.7548776662466927) * EAST_METRES),
    northMetres: crossing(share(0.5698402909980532) * NORTH_METRES),
  };
}

function ordinal(number: number): string {
  const teens = number % 100 >= 11 && number % 100 <= 13;
  return `${number}${(teens ? undefined : ["TH", "ST", "ND", "RD"][number % 10]) ?? "TH"}`;
}

export interface Scene {
  readonly place: Point;
  /** A block or a crossing, as the export writes it: never an exact address. */
  readonly address: string;
}

/** Somewhere in town, more often near its middle. */
export function drawScene(random: Random): Scene {
  const towardsMiddle = () => (random.next() + random.next()) / 2;
  const street = Math.floor(towardsMiddle() * STREETS.length);
  const avenue = Math.floor((towardsMiddle() * EAST_METRES) / BLOCK_METRES);
  const name = STREETS[street] ?? STREETS[0];
  const crossing: Point = { eastMetres: avenue * BLOCK_METRES, northMetres: street * BLOCK_METRES };
  if (random.next() < 0.35) return { place: crossing, address: `${name} ST/${ordinal(avenue + 1)} AV` };
  return {
    place: { ...crossing, eastMetres: crossing.eastMetres + BLOCK_METRES / 2 },
    address: `${(avenue + 1) * 100} Block of ${name} ST`,
  };
}
