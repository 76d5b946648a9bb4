/** One more than this and a block is halved: moving this much costs less than a microsecond, wherever an id comes in. */
const BLOCK_MAX = 512;

/** Ids in ascending order: UUIDv7, so by the time they were made. In blocks, as one array of 100,000s is slow to change. */
export class SortedIds {
  /** None is empty. */
  readonly #blocks: string[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(id: string): void {
    const last = this.#blocks[this.#blocks.length - 1];
    if (last === undefined || last[last.length - 1]! < id) {
      // The newest of all, as nearly always.
      if (last === undefined || last.length >= BLOCK_MAX) this.#blocks.push([id]);
      else last.push(id);
    } else {
      const which = this.#blockOf(id);
      const block = this.#blocks[which]!;
      const at = lowerBound(block, id);
      if (block[at] === id) return;
      block.splice(at, 0, id);
      if (block.length > BLOCK_MAX) this.#blocks.splice(which + 1, 0, block.splice(BLOCK_MAX / 2));
    }
    this.#size += 1;
  }

  remove(id: string): void {
    const which = this.#blockOf(id);
    const block = this.#blocks[which];
    if (block === undefined) return;
    const at = lowerBound(block, id);
    if (block[at] !== id) return;
    block.splice(at, 1);
    if (block.length === 0) this.#blocks.splice(which, 1);
    this.#size -= 1;
  }

  has(id: string): boolean {
    const block = this.#blocks[this.#blockOf(id)];
    return block !== undefined && block[lowerBound(block, id)] === id;
  }

  /** From below `before`, or from the end. What changes meanwhile may be missed. */
  *descending(before?: string): Generator<string, undefined> {
    let which = before === undefined ? this.#blocks.length : this.#blockOf(before);
    let at = before === undefined || which === this.#blocks.length ? 0 : lowerBound(this.#blocks[which]!, before);
    for (;;) {
      while (at > 0) yield this.#blocks[which]![--at]!;
      which -= 1;
      if (which < 0) return;
      at = this.#blocks[which]!.length;
    }
  }

  /** The first block that does not end below the id: where it is, if it is. */
  #blockOf(id: string): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const block = this.#blocks[middle]!;
      if (block[block.length - 1]! < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What has many values with one id each is kept without a list for each. */
export type Ids = string | SortedIds;

export function sizeOf(ids: Ids): number {
  return typeof ids === "string" ? 1 : ids.size;
}

function descendingOf(ids: Ids, before: string | undefined): Iterator<string, undefined> {
  if (typeof ids !== "string") return ids.descending(before);
  return (before === undefined || ids < before ? [ids] : []).values() as Iterator<string, undefined>;
}

/** Ids of all these, each once, descending, from below `before`. */
export function* merged(lists: readonly Ids[], before?: string): Generator<string, undefined> {
  const sources = lists.map((ids) => descendingOf(ids, before));
  const heads = sources.map((source) => source.next().value);
  for (let last: string | undefined; ; ) {
    let newest = -1;
    for (let index = 0; index < heads.length; index++) {
      const id = heads[index];
      if (id !== undefined && (newest < 0 || id > heads[newest]!)) newest = index;
    }
    if (newest < 0) return;
    const id = heads[newest]!;
    heads[newest] = sources[newest]!.next().value;
    if (id !== last) yield id;
    last = id;
  }
}

/** Index of the first id that is not below. */
function lowerBound(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
