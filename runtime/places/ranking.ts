export interface Neighbour {
  readonly id: string;
  readonly distanceMetres: number;
}

/** The nearest so far, in order: by distance, then by id. */
export class Ranking {
  readonly neighbours: Neighbour[] = [];
  readonly #limit: number;
  readonly #radiusMetres: number;
  readonly #after: Neighbour | undefined;

  /** @param after only those who come after this one */
  constructor(limit: number, radiusMetres: number, after?: Neighbour) {
    this.#limit = limit;
    this.#radiusMetres = radiusMetres;
    this.#after = after;
  }

  /** Who is farther than this need not be offered. */
  get reachMetres(): number {
    const { length } = this.neighbours;
    return length > 0 && length >= this.#limit ? this.neighbours[length - 1]!.distanceMetres : this.#radiusMetres;
  }

  offer(id: string, distanceMetres: number): void {
    if (!(distanceMetres <= this.#radiusMetres)) return;
    const after = this.#after;
    if (after !== undefined && (id === after.id || isBefore(id, distanceMetres, after))) return;
    let low = 0;
    let high = this.neighbours.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(id, distanceMetres, this.neighbours[middle]!)) high = middle;
      else low = middle + 1;
    }
    if (low >= this.#limit) return;
    if (this.neighbours.length >= this.#limit) this.neighbours.pop();
    this.neighbours.splice(low, 0, { id, distanceMetres });
  }
}

function isBefore(id: string, distanceMetres: number, other: Neighbour): boolean {
  return distanceMetres < other.distanceMetres || (distanceMetres === other.distanceMetres && id < other.id);
}
