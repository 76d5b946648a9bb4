import type { Place } from "../../runtime/places/place.ts";

/** About 100 by 100 km. */
const SOUTH = 48;
const WEST = 11;
const HEIGHT = 0.9;
const WIDTH = 1.35;
export const CITY_SQUARE_KM = 100 * 100;

/** What one step of a unit moves it by at most, on each axis: about 10 m. No tracker's filter minds that. */
const STEP_DEGREES = 0.0001;

export const CAPABILITY = "als";
export const AVAILABLE_SHARE = 0.7;
const CAPABLE_SHARE = 0.2;

/** About 2 m: one who reports ten times a second is not too fast with it, either. */
const NEAR_DEGREES = 0.00001;

const SEED = 1;

export interface Unit {
  readonly available: boolean;
  readonly capable: boolean;
}

/** Units by their number, the same ones for every system. */
export class City {
  readonly places: Place[];
  readonly units: readonly Unit[];
  readonly #random: () => number;
  /** Where each began, for those who stay near it. */
  readonly #homes: readonly Place[] | undefined;
  #cursor = 0;

  /** @param staysNear its units move about where they began: whoever moves them again need not know where they are by then */
  constructor(count: number, { availableShare = AVAILABLE_SHARE, staysNear = false } = {}) {
    const random = randomFrom(SEED);
    this.places = Array.from({ length: count }, () => placeIn(random));
    this.units = Array.from({ length: count }, () => ({
      available: random() < availableShare,
      capable: random() < CAPABLE_SHARE,
    }));
    this.#random = random;
    this.#homes = staysNear ? [...this.places] : undefined;
  }

  get size(): number {
    return this.units.length;
  }

  /** Moves the next units, in turn, by one step each. @returns their numbers */
  step(count: number): number[] {
    return Array.from({ length: count }, () => {
      const unit = this.#cursor;
      this.#cursor = (unit + 1) % this.size;
      const { lat, lon } = (this.#homes ?? this.places)[unit]!;
      const by = () => (this.#random() * 2 - 1) * (this.#homes === undefined ? STEP_DEGREES : NEAR_DEGREES);
      this.places[unit] = { lat: lat + by(), lon: lon + by() };
      return unit;
    });
  }
}

export interface NearQuery {
  readonly from: Place;
  /** Undefined: however far. */
  readonly radiusMetres?: number;
  readonly capable: boolean;
}

export const NEAREST = 10;
export const RADIUS_METRES = 5_000;

/** The same points for every system. */
export function queriesOf(restricted: boolean, seed = 2): () => NearQuery {
  const random = randomFrom(seed);
  return () => ({
    from: placeIn(random),
    capable: restricted,
    ...(restricted ? { radiusMetres: RADIUS_METRES } : {}),
  });
}

function placeIn(random: () => number): Place {
  return { lat: SOUTH + random() * HEIGHT, lon: WEST + random() * WIDTH };
}

/** Mulberry32: the same numbers from the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
