import type { Registry } from "./actor.ts";
import type { Row, Views } from "./board.ts";
import { type Ids, merged, SortedIds, sizeOf } from "./sorted-ids.ts";

export type IndexedValue = string | number;

/**
 * By the name of a list's filter: the values of it that a state fits, one, several, or none. A filter that is given finds
 * the states of its values alone, so each must be among those that the view's `matches` takes for that value.
 */
export type Indexed = Readonly<
  Record<string, (state: unknown) => IndexedValue | readonly IndexedValue[] | null | undefined>
>;

interface Group {
  readonly all: SortedIds;
  /** By filter, then by value. */
  readonly by: Map<string, Map<IndexedValue, Ids>>;
}

interface Kind {
  readonly sharedWith: (state: unknown) => readonly string[];
  readonly indexed: readonly { readonly name: string; readonly valuesOf: Indexed[string] }[];
}

const NOBODY: readonly string[] = [];
const NOTHING: readonly IndexedValue[] = [];

/** Which actors an agency may see, its own and those shared with it, by what lists are filtered by. */
export class BoardIndex {
  readonly #kinds = new Map<string, Kind>();
  readonly #groups = new Map<string, Group>();

  constructor(registry: Registry, views: Views) {
    for (const [kind, { sharedWith = () => NOBODY }] of registry) {
      const indexed = Object.entries(views.get(kind)?.indexed ?? {});
      this.#kinds.set(kind, { sharedWith, indexed: indexed.map(([name, valuesOf]) => ({ name, valuesOf })) });
    }
  }

  /** In the way of every commit: what has stayed the same costs a comparison, no more. */
  show(kind: string, before: Row | undefined, now: Row): void {
    const { sharedWith, indexed } = this.#kinds.get(kind)!;
    const guests = sharedWith(now.state);
    const guestsBefore = before === undefined ? NOBODY : sharedWith(before.state);
    if (before === undefined) this.#enter(kind, now.agency, now);
    else {
      const stayed = guests === guestsBefore ? guests : guests.filter((guest) => guestsBefore.includes(guest));
      for (const { name, valuesOf } of indexed) {
        const was = valuesOf(before.state);
        const is = valuesOf(now.state);
        if (was === is) continue;
        exchange(this.#groupOf(kind, now.agency), name, now.id, listed(was), listed(is));
        for (const guest of stayed) exchange(this.#groupOf(kind, guest), name, now.id, listed(was), listed(is));
      }
    }
    if (guests === guestsBefore) return;
    for (const guest of guestsBefore) if (!guests.includes(guest)) this.#leave(kind, guest, before!);
    for (const guest of guests) if (!guestsBefore.includes(guest)) this.#enter(kind, guest, now);
  }

  /** It is seen by nobody any more. */
  hide(kind: string, row: Row): void {
    this.#leave(kind, row.agency, row);
    for (const guest of this.#kinds.get(kind)!.sharedWith(row.state)) this.#leave(kind, guest, row);
  }

  /** The fewest in which all that fit the filters are, of these agencies; descending, from below `before`. */
  candidates(
    kind: string,
    agencies: readonly string[],
    filters: Readonly<Record<string, unknown>>,
    before?: string,
  ): { readonly size: number; readonly ids: Generator<string, undefined> } {
    const groups = agencies.flatMap((agency) => this.#groups.get(keyOf(kind, agency)) ?? []);
    let lists: readonly Ids[] = groups.map(({ all }) => all);
    let size = total(lists);
    for (const { name } of this.#kinds.get(kind)?.indexed ?? []) {
      const wanted = filters[name];
      if (wanted === undefined) continue;
      const found = groups.flatMap(({ by }) =>
        listed(wanted as IndexedValue | readonly IndexedValue[]).flatMap((value) => by.get(name)?.get(value) ?? []),
      );
      const count = total(found);
      if (count < size) [lists, size] = [found, count];
    }
    return { size, ids: merged(lists, before) };
  }

  /** Of these, given in ascending order, what these agencies may see, in descending order from below `before`. */
  *seen(kind: string, agencies: readonly string[], ids: readonly string[], before?: string): Generator<string> {
    const groups = agencies.flatMap((agency) => this.#groups.get(keyOf(kind, agency)) ?? []);
    for (let index = ids.length - 1; index >= 0; index--) {
      const id = ids[index]!;
      if ((before === undefined || id < before) && groups.some(({ all }) => all.has(id))) yield id;
    }
  }

  #enter(kind: string, agency: string, { id, state }: Row): void {
    const group = this.#groupOf(kind, agency);
    group.all.add(id);
    for (const { name, valuesOf } of this.#kinds.get(kind)!.indexed)
      exchange(group, name, id, NOTHING, listed(valuesOf(state)));
  }

  #leave(kind: string, agency: string, { id, state }: Row): void {
    const group = this.#groupOf(kind, agency);
    group.all.remove(id);
    for (const { name, valuesOf } of this.#kinds.get(kind)!.indexed)
      exchange(group, name, id, listed(valuesOf(state)), NOTHING);
  }

  #groupOf(kind: string, agency: string): Group {
    const key = keyOf(kind, agency);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { all: new SortedIds(), by: new Map() };
      this.#groups.set(key, group);
    }
    return group;
  }
}

function keyOf(kind: string, agency: string): string {
  return `${kind}.${agency}`;
}

function total(lists: readonly Ids[]): number {
  return lists.reduce((sum, ids) => sum + sizeOf(ids), 0);
}

function listed(values: IndexedValue | readonly IndexedValue[] | null | undefined): readonly IndexedValue[] {
  if (values === undefined || values === null) return NOTHING;
  return typeof values === "object" ? values : [values];
}

function exchange(
  { by }: Group,
  name: string,
  id: string,
  before: readonly IndexedValue[],
  now: readonly IndexedValue[],
): void {
  let values = by.get(name);
  if (values === undefined) {
    values = new Map();
    by.set(name, values);
  }
  for (const value of before) if (!now.includes(value)) take(values, value, id);
  for (const value of now) if (!before.includes(value)) put(values, value, id);
}

function put(values: Map<IndexedValue, Ids>, value: IndexedValue, id: string): void {
  const ids = values.get(value);
  if (ids === undefined) values.set(value, id);
  else if (typeof ids !== "string") ids.add(id);
  else if (ids !== id) {
    const several = new SortedIds();
    several.add(ids);
    several.add(id);
    values.set(value, several);
  }
}

function take(values: Map<IndexedValue, Ids>, value: IndexedValue, id: string): void {
  const ids = values.get(value);
  if (ids === id) values.delete(value);
  else if (ids !== undefined && typeof ids !== "string") {
    ids.remove(id);
    if (ids.size === 0) values.delete(value);
  }
}
