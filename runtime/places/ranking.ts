export interface Neighbour<Item = void> {
  readonly id: string;
  readonly distanceMetres: number;
  /** What is kept with its place. */
  readonly item: Item;
}

/** Where one stands among all. */
export type Standing = Pick<Neighbour, "id" | "distanceMetres">;

/** The nearest so far, in order: by distance, then by id. */
export class Ranking<Item> {
  readonly neighbours: Neighbour<Item>[] = [];
  readonly #limit: number;
  readonly #radiusMetres: number;
  readonly #after: Standing | undefined;

  /** @param after only those who come after this one */
  constructor(limit: number, radiusMetres: number, after?: Standing) {
    this.#limit = limit;
    this.#radiusMetres = radiusMetres;
    this.#after = after;
  }

  /** Who is farther than this need not be offered. */
  get reachMetres(): number {
    const { length } = this.neighbours;
    return length > 0 && length >= this.#limit ? this.neighbours[length - 1]!.distanceMetres : this.#radiusMetres;
  }

  offer(id: string, distanceMetres: number, item: Item): void {
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
    this.neighbours.splice(low, 0, { id, distanceMetres, item });
  }
}

function isBefore(id: string, distanceMetres: number, other: Standing): boolean {
  return distanceMetres < other.distanceMetres || (distanceMetres === other.distanceMetres && id < other.id);
}
