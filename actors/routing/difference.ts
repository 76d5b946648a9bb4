/** A place where two documents differ. */
export interface Difference {
  readonly path: string;
  readonly change: "added" | "removed" | "changed";
  readonly from: unknown;
  readonly to: unknown;
}

/** More are not read by anybody. */
const DIFFERENCES_MAX = 500;

/**
 * What changes from one document to another. Lists of things with names are compared by name, so that one that is
 * added does not make all that follow look changed; other lists by place.
 */
export function differencesOf(from: unknown, to: unknown): readonly Difference[] {
  const found: Difference[] = [];
  compare("", from, to, found);
  return found.slice(0, DIFFERENCES_MAX);
}

function compare(path: string, from: unknown, to: unknown, found: Difference[]): void {
  if (found.length >= DIFFERENCES_MAX || JSON.stringify(from) === JSON.stringify(to)) return;
  if (from === undefined) found.push({ path, change: "added", from: null, to });
  else if (to === undefined) found.push({ path, change: "removed", from, to: null });
  else if (isNamed(from) && isNamed(to)) compareEntries(byName(from), byName(to), (name) => `${path}[${name}]`, found);
  else if (Array.isArray(from) && Array.isArray(to)) {
    compareEntries({ ...from }, { ...to }, (index) => `${path}[${index}]`, found);
  } else if (isRecord(from) && isRecord(to)) {
    compareEntries(from, to, (field) => (path === "" ? field : `${path}.${field}`), found);
  } else found.push({ path, change: "changed", from, to });
}

type Entries = Readonly<Record<string, unknown>>;

function compareEntries(from: Entries, to: Entries, pathOf: (name: string) => string, found: Difference[]): void {
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const of = (entries: Entries) => (Object.hasOwn(entries, name) ? entries[name] : undefined);
    compare(pathOf(name), of(from), of(to), found);
  }
}

function isRecord(value: unknown): value is Entries {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNamed(value: unknown): value is readonly { readonly name: string }[] {
  if (!Array.isArray(value) || value.length === 0) return false;
  const names = value.map((one) => (isRecord(one) ? one["name"] : undefined));
  return names.every((name) => typeof name === "string") && new Set(names).size === names.length;
}

function byName(items: readonly { readonly name: string }[]): Entries {
  return Object.fromEntries(items.map((item) => [item.name, item]));
}
