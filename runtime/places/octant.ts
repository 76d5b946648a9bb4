/** A cell with more points than this is divided; once half of them are left, its parts become one again. */
const POINTS_MAX = 32;

/** A cell is not divided below this, 0.8 m across: points that stand on each other could never be told apart. */
const HALF_MIN = 2 ** -24;

/** More than any rounding of numbers up to 1; six nanometres on earth. What is as close as that is looked at. */
const ROUNDING = 1e-15;

/** Numbers of each point that are beside each other, so that a look at it takes one read of memory. */
export const STRIDE = 4;

/** All points, by number. */
export interface Points {
  /** Four numbers for each: its place on the unit sphere, and its marks. */
  readonly vectors: Float64Array;
  /** The leaf each is in. */
  readonly leaves: Octant[];
  /** Where it is among its leaf's points. */
  readonly positions: number[];
}

/**
 * A cube of space and the points in it: a leaf with a list of them, or up to eight cubes of half the size. The tree of
 * these is an octree, of which a sphere fills but the surface: a tree of the earth's surface, without seams or poles.
 */
export class Octant {
  readonly parent: Octant | undefined;
  readonly x: number;
  readonly y: number;
  readonly z: number;
  /** Half the length of an edge. It and the centre are sums of powers of two: no rounding moves a border. */
  readonly half: number;
  /** Points in it, also in its parts. */
  count = 0;
  /** The points of a leaf, in no order. */
  points: number[] = [];
  /** By the sides of the centre on which they are; none for a leaf. */
  parts: (Octant | undefined)[] | undefined;

  constructor(parent: Octant | undefined, x: number, y: number, z: number, half: number) {
    this.parent = parent;
    this.x = x;
    this.y = y;
    this.z = z;
    this.half = half;
  }

  /** The cube around the unit sphere. */
  static whole(): Octant {
    return new Octant(undefined, 0, 0, 0, 1);
  }

  /** True when it is strictly inside, so that a point of this leaf may move there and stay in the leaf. */
  surrounds(x: number, y: number, z: number): boolean {
    const { half } = this;
    return Math.abs(x - this.x) < half && Math.abs(y - this.y) < half && Math.abs(z - this.z) < half;
  }

  /** The square of the distance to the closest that a point of it could be; never more than that. */
  distanceSquared(x: number, y: number, z: number): number {
    const reach = this.half + ROUNDING;
    const dx = Math.max(0, Math.abs(x - this.x) - reach);
    const dy = Math.max(0, Math.abs(y - this.y) - reach);
    const dz = Math.max(0, Math.abs(z - this.z) - reach);
    return dx * dx + dy * dy + dz * dz;
  }

  add(point: number, all: Points): void {
    let node: Octant = this;
    for (; node.parts !== undefined; node = node.#part(point, all.vectors)) node.count += 1;
    node.#take(point, all);
    while (node.points.length > POINTS_MAX && node.half > HALF_MIN) node = node.#divide(all);
  }

  /** Takes a point of this leaf away. */
  remove(point: number, all: Points): void {
    const at = all.positions[point]!;
    const last = this.points.pop()!;
    if (last !== point) {
      this.points[at] = last;
      all.positions[last] = at;
    }
    let sparse: Octant | undefined;
    for (let node: Octant | undefined = this; node !== undefined; node = node.parent) {
      node.count -= 1;
      if (node.parts !== undefined && node.count <= POINTS_MAX / 2) sparse = node;
    }
    if (sparse !== undefined) sparse.#unite(all);
  }

  #take(point: number, all: Points): void {
    this.count += 1;
    all.leaves[point] = this;
    all.positions[point] = this.points.push(point) - 1;
  }

  /** @returns the part with the most points: the only one that may have too many itself */
  #divide(all: Points): Octant {
    const { points } = this;
    this.points = [];
    this.parts = new Array(8).fill(undefined);
    let fullest: Octant = this;
    for (const point of points) {
      const part = this.#part(point, all.vectors);
      part.#take(point, all);
      if (fullest === this || part.count > fullest.count) fullest = part;
    }
    return fullest;
  }

  #unite(all: Points): void {
    const points = this.#collected();
    this.parts = undefined;
    this.count = 0;
    for (const point of points) this.#take(point, all);
  }

  #collected(): number[] {
    if (this.parts === undefined) return this.points;
    return this.parts.flatMap((part) => (part === undefined ? [] : part.#collected()));
  }

  /** The part a point belongs to. */
  #part(point: number, vectors: Float64Array): Octant {
    const parts = this.parts!;
    const x = vectors[point * STRIDE]! >= this.x;
    const y = vectors[point * STRIDE + 1]! >= this.y;
    const z = vectors[point * STRIDE + 2]! >= this.z;
    const which = (x ? 1 : 0) + (y ? 2 : 0) + (z ? 4 : 0);
    const known = parts[which];
    if (known !== undefined) return known;
    const half = this.half / 2;
    const toward = (side: boolean) => (side ? half : -half);
    const part = new Octant(this, this.x + toward(x), this.y + toward(y), this.z + toward(z), half);
    parts[which] = part;
    return part;
  }
}
