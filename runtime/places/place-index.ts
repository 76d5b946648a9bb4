import FlatQueue from "flatqueue";
import { Octant, type Points, STRIDE } from "./octant.ts";
import { chordSquaredWithin, distanceMetres, metresOfChord, type Place, writeVector } from "./place.ts";
import { type Neighbour, Ranking, type Standing } from "./ranking.ts";
import type { Region } from "./region.ts";

export interface NearestQuery<Item = void> {
  readonly from: Place;
  /** Inclusive. */
  readonly radiusMetres: number;
  readonly limit: number;
  /** Whoever lacks one of these marks is passed by. */
  readonly marks?: number;
  /** Asked while searching: the answer is as full as if there were none but those it takes. */
  readonly accept?: (id: string, item: Item) => boolean;
  /** Only these are looked at: for when they are known to be few. */
  readonly among?: Iterable<string>;
  /** Only those who come after this one: the last of the page before. */
  readonly after?: Standing;
}

/**
 * Where everything is that moves: who is nearest, and what is within an area. `accept` must not change the index. It is
 * asked about everyone nearer than the answer: when it takes but one in a thousand, keep an index of those alone. What it
 * judges by is kept here with each place: a search looks at hundreds, and has no time to look each up by its id. Most of the
 * time of a search is waiting for memory: by their marks, 32 bits beside each place, most of those that do not fit are known.
 */
export class PlaceIndex<Item = void> {
  readonly #numbers = new Map<string, number>();
  readonly #ids: string[] = [];
  readonly #places: Place[] = [];
  readonly #items: Item[] = [];
  readonly #free: number[] = [];
  readonly #whole = Octant.whole();
  #points: Points = { vectors: new Float64Array(STRIDE * 64), leaves: [], positions: [] };
  readonly #vector = new Float64Array(3);

  get size(): number {
    return this.#numbers.size;
  }

  get(id: string): Place | undefined {
    const point = this.#numbers.get(id);
    return point === undefined ? undefined : this.#places[point];
  }

  item(id: string): Item | undefined {
    const point = this.#numbers.get(id);
    return point === undefined ? undefined : this.#items[point];
  }

  /** Puts it there, or moves it. */
  set(id: string, place: Place, item: Item, marks = 0): void {
    if (!(Math.abs(place.lat) <= 90 && Math.abs(place.lon) <= 180)) throw new RangeError("a place beyond the earth");
    writeVector(place, this.#vector, 0);
    const known = this.#numbers.get(id);
    const point = known ?? this.#newPoint(id);
    this.#places[point] = place;
    this.#items[point] = item;
    const leaf = known === undefined ? undefined : this.#points.leaves[point]!;
    const stays = leaf?.surrounds(this.#vector[0]!, this.#vector[1]!, this.#vector[2]!) ?? false;
    if (!stays) leaf?.remove(point, this.#points);
    this.#points.vectors.set(this.#vector, point * STRIDE);
    this.#points.vectors[point * STRIDE + 3] = marks;
    if (!stays) this.#whole.add(point, this.#points);
  }

  /** @returns false when it was not there */
  delete(id: string): boolean {
    const point = this.#numbers.get(id);
    if (point === undefined) return false;
    this.#points.leaves[point]!.remove(point, this.#points);
    this.#numbers.delete(id);
    // What is not there any more must not be kept alive by its place.
    delete this.#items[point];
    this.#free.push(point);
    return true;
  }

  /** Nearest first; those equally far by their ids. */
  nearest({ from, radiusMetres, limit, marks = 0, accept, among, after }: NearestQuery<Item>): Neighbour<Item>[] {
    if (!(limit > 0)) return [];
    const ranking = new Ranking<Item>(limit, radiusMetres, after);
    if (among !== undefined) return this.#nearestAmong(among, from, ranking, marks, accept);
    const center = new Float64Array(3);
    writeVector(from, center, 0);
    const x = center[0]!;
    const y = center[1]!;
    const z = center[2]!;
    const { vectors } = this.#points;
    let bound = chordSquaredWithin(radiusMetres);
    // Cells by how close they come: the first that is too far ends the search.
    const queue = new FlatQueue<Octant>();
    let next: Octant | undefined = this.#whole;
    while (next !== undefined) {
      const { points, parts } = next;
      for (let index = 0; index < points.length; index++) {
        const point = points[index]!;
        const at = point * STRIDE;
        const dx = vectors[at]! - x;
        const dy = vectors[at + 1]! - y;
        const dz = vectors[at + 2]! - z;
        const chordSquared = dx * dx + dy * dy + dz * dz;
        if (chordSquared > bound || (vectors[at + 3]! & marks) !== marks) continue;
        const id = this.#ids[point]!;
        const item = this.#items[point]!;
        if (accept !== undefined && !accept(id, item)) continue;
        ranking.offer(id, metresOfChord(chordSquared), item);
        bound = chordSquaredWithin(ranking.reachMetres);
      }
      if (parts !== undefined)
        for (let which = 0; which < 8; which++) {
          const part = parts[which];
          if (part === undefined || part.count === 0) continue;
          const chordSquared = part.distanceSquared(x, y, z);
          if (chordSquared <= bound) queue.push(part, chordSquared);
        }
      next = (queue.peekValue() ?? Infinity) <= bound ? queue.pop() : undefined;
    }
    return ranking.neighbours;
  }

  #nearestAmong(
    among: Iterable<string>,
    from: Place,
    ranking: Ranking<Item>,
    marks: number,
    accept: NearestQuery<Item>["accept"],
  ): Neighbour<Item>[] {
    const { vectors } = this.#points;
    for (const id of among) {
      const point = this.#numbers.get(id);
      if (point === undefined || (vectors[point * STRIDE + 3]! & marks) !== marks) continue;
      const item = this.#items[point]!;
      if (accept !== undefined && !accept(id, item)) continue;
      ranking.offer(id, distanceMetres(from, this.#places[point]!), item);
    }
    return ranking.neighbours;
  }

  /** Ids, ascending; undefined when there are more than `most`. */
  within(region: Region, accept?: (id: string) => boolean, most = Number.POSITIVE_INFINITY): string[] | undefined {
    const found: string[] = [];
    const waiting = [this.#whole];
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      for (const point of node.points) {
        const id = this.#ids[point]!;
        if (region.contains(this.#places[point]!) && (accept === undefined || accept(id))) found.push(id);
        if (found.length > most) return;
      }
      for (const part of node.parts ?? [])
        if (part !== undefined && part.count > 0 && region.mayTouch(part)) waiting.push(part);
    }
    return found.sort();
  }

  #newPoint(id: string): number {
    const point = this.#free.pop() ?? this.#ids.length;
    this.#ids[point] = id;
    this.#numbers.set(id, point);
    if (this.#points.vectors.length < (point + 1) * STRIDE) {
      const vectors = new Float64Array(this.#points.vectors.length * 2);
      vectors.set(this.#points.vectors);
      this.#points = { ...this.#points, vectors };
    }
    return point;
  }
}
