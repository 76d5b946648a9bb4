/** Randomness that a seed repeats, on every machine. */
export interface Random {
  /** 0 <= n < 1 */
  next(): number;
  /** from <= n < to */
  between(from: number, to: number): number;
  /** A whole number, 0 <= n < count */
  below(count: number): number;
  pick<T>(items: readonly T[]): T;
  /** One of the items, each as likely as its weight says. */
  weighted<T extends { readonly weight: number }>(items: readonly T[]): T;
}

/**
 * mulberry32: small, fast, and good enough for a day of made-up calls; not for secrets.
 * @param seed a whole number
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (count: number) => Math.floor(next() * count);
  return {
    next,
    below,
    between: (from, to) => from + next() * (to - from),
    pick: (items) => itemAt(items, below(items.length)),
    weighted(items) {
      let left = next() * items.reduce((sum, { weight }) => sum + weight, 0);
      const found = items.find(({ weight }) => {
        left -= weight;
        return left < 0;
      });
      return found ?? itemAt(items, items.length - 1);
    },
  };
}

function itemAt<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError("nothing to choose from");
  return item;
}
