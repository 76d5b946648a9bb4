/** A queue of numbers that gives the smallest first. */
export class IndexHeap {
  readonly #items: number[] = [];

  peek(): number | undefined {
    return this.#items[0];
  }

  push(item: number): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent] ?? 0;
      if (above <= item) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  pop(): number | undefined {
    const items = this.#items;
    const smallest = items[0];
    const last = items.pop();
    if (last !== undefined && items.length > 0) this.#sink(last);
    return smallest;
  }

  /** Puts an item in at the top, and lets it down to its place. */
  #sink(item: number): void {
    const items = this.#items;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      const leftItem = items[left] ?? Number.POSITIVE_INFINITY;
      const rightItem = items[right] ?? Number.POSITIVE_INFINITY;
      const below = Math.min(leftItem, rightItem);
      if (below >= item) break;
      items[at] = below;
      at = leftItem <= rightItem ? left : right;
    }
    items[at] = item;
  }
}
