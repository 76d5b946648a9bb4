/** Ids in ascending order within each group: UUIDv7, so by the time they were made. An id may be in several groups. */
export class Groups {
  readonly #groups = new Map<string, string[]>();

  add(group: string, id: string): void {
    const ids = this.#groups.get(group);
    if (ids === undefined) this.#groups.set(group, [id]);
    else if (ids[ids.length - 1]! < id) ids.push(id);
    else {
      const at = lowerBound(ids, id);
      if (ids[at] !== id) ids.splice(at, 0, id);
    }
  }

  remove(group: string, id: string): void {
    const ids = this.#groups.get(group) ?? [];
    const at = lowerBound(ids, id);
    if (ids[at] === id) ids.splice(at, 1);
  }

  /** Ids of all these groups, each once, descending, from below `before`. */
  *descending(groups: readonly string[], before?: string): Generator<string> {
    const lists = groups.map((group) => this.#groups.get(group) ?? []);
    // The position after the next candidate in each list.
    const at = lists.map((ids) => (before === undefined ? ids.length : lowerBound(ids, before)));
    for (let last: string | undefined; ; ) {
      let newest = -1;
      for (let index = 0; index < lists.length; index++) {
        const id = lists[index]![at[index]! - 1];
        if (id !== undefined && (newest < 0 || id > lists[newest]![at[newest]! - 1]!)) newest = index;
      }
      if (newest < 0) return;
      at[newest]! -= 1;
      const id = lists[newest]![at[newest]!]!;
      if (id !== last) yield id;
      last = id;
    }
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
