/** The middle one; of an even number the mean of the two in the middle. @throws when there are none */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new Error("no values");
  return (lower + upper) / 2;
}

/** For tables: what is not known is nothing in them, never 0. */
export function medianOf<T>(items: readonly T[], pick: (item: T) => number | undefined): number | undefined {
  const values = items.flatMap((item) => pick(item) ?? []);
  return values.length === 0 ? undefined : median(values);
}

/** Three significant digits, and no decimals from 100 on: more would claim more than a run can know. */
export function rounded(value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
