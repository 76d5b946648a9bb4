/** Where something is, in WGS 84 degrees; longitudes from -180 to 180, both of them the same meridian. */
export interface Place {
  readonly lat: number;
  readonly lon: number;
}

/**
 * The mean radius of the earth: all distances here are along great circles of a sphere this size. Beside the geodesic of
 * the WGS 84 ellipsoid they are between 0.56 % too long (north and south at the equator) and 0.45 % too short (close to
 * the poles); within 0.4 % from 30 to 60 degrees of latitude.
 */
export const EARTH_RADIUS_METRES = 6_371_008.8;

const RADIANS_PER_DEGREE = Math.PI / 180;

/**
 * The place as a point of the unit sphere, three numbers at `at` in `into`. The straight line between two such points,
 * their chord, grows with the great circle between them, so there is no antimeridian and there are no poles: every name
 * of one place, -180 and 180, or any longitude on a pole, gives the very same numbers.
 */
export function writeVector({ lat, lon }: Place, into: Float64Array, at: number): void {
  // By the distance from the pole, since the cosine of 90 degrees in radians is not quite zero.
  const cosLat = Math.sin((90 - Math.abs(lat)) * RADIANS_PER_DEGREE);
  const meridian = (lon === 180 ? -180 : lon) * RADIANS_PER_DEGREE;
  into[at] = cosLat * Math.cos(meridian);
  into[at + 1] = cosLat * Math.sin(meridian);
  into[at + 2] = Math.sin(lat * RADIANS_PER_DEGREE);
}

/** The great circle that belongs to a chord. */
export function metresOfChord(chordSquared: number): number {
  return 2 * EARTH_RADIUS_METRES * Math.asin(Math.min(1, Math.sqrt(chordSquared) / 2));
}

/**
 * The square of a chord that no place within the distance exceeds, whatever the rounding: a little more than the
 * chord itself. What it lets through is to be measured.
 */
export function chordSquaredWithin(metres: number): number {
  const angle = (metres * (1 + 1e-9) + 1e-6) / EARTH_RADIUS_METRES;
  return angle < Math.PI ? (2 * Math.sin(angle / 2)) ** 2 * (1 + 1e-12) : 5;
}

const pair = new Float64Array(6);

/** Exact to some nanometres, and to a decimetre between places on opposite sides of the earth. */
export function distanceMetres(a: Place, b: Place): number {
  writeVector(a, pair, 0);
  writeVector(b, pair, 3);
  const x = pair[0]! - pair[3]!;
  const y = pair[1]! - pair[4]!;
  const z = pair[2]! - pair[5]!;
  return metresOfChord(x * x + y * y + z * z);
}
