/** What really changes, and what it was: the form in which edits are told. */
export interface Changed<Fields> {
  readonly changes: Partial<Fields>;
  readonly was: Partial<Fields>;
}

/** @returns undefined when every wanted value is there already */
export function changesOf<Fields extends object>(fields: Fields, wanted: Partial<Fields>): Changed<Fields> | undefined {
  // Most of what is reported changes nothing: only what does is made anything of.
  let changed: { readonly changes: Partial<Fields>; readonly was: Partial<Fields> } | undefined;
  for (const field of Object.keys(wanted) as (keyof Fields)[]) {
    if (isTheSame(fields[field], wanted[field])) continue;
    changed ??= { changes: {}, was: {} };
    changed.changes[field] = wanted[field]!;
    changed.was[field] = fields[field];
  }
  return changed;
}

function isTheSame(one: unknown, other: unknown): boolean {
  // Most of what is compared is text, and to write that out as JSON is what would cost the most.
  if (one === other) return true;
  return typeof one === "object" && typeof other === "object" && JSON.stringify(one) === JSON.stringify(other);
}
