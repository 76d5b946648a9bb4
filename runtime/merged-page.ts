interface Item {
  readonly id: string;
}

export interface MergeSources<T extends Item> {
  readonly limit: number;
  /** From below this id on. */
  readonly before: string | undefined;
  /** Newest first: what memory has. */
  readonly memory: (before: string | undefined, limit: number) => readonly T[] | Promise<readonly T[]>;
  /** Newest first: what the archive has. It may be older than what memory has of the same id. */
  readonly archive: (before: string | undefined, limit: number) => Promise<readonly T[]>;
  /** What memory says of an id: the item, `hidden` when it is not to be listed; undefined when it knows nothing of it. */
  readonly now: (id: string) => T | "hidden" | undefined;
}

/** Pages of the archive that are read for one of ours, when memory knows better of all that is on them. */
const ARCHIVE_PAGES_MAX = 20;

/**
 * A page of what memory and archive have together, newest first, each id once. Memory is read first: what leaves it
 * meanwhile is in the archive already, and what comes back into it is asked for again. Nothing is shown from beyond the
 * place up to which both have been read, so that nothing is left out.
 */
export async function mergedPage<T extends Item>(
  sources: MergeSources<T>,
): Promise<{ items: T[]; next: string | null }> {
  const { limit, before, memory, archive, now } = sources;
  const found = new Map<string, T>();
  const inMemory = await memory(before, limit + 1);
  for (const item of inMemory) found.set(item.id, item);
  const memoryEnd = endOf(inMemory, limit);
  let from = before;
  for (let page = 1; ; page++) {
    const archived = await archive(from, limit + 1);
    for (const item of archived) {
      if (found.has(item.id)) continue;
      const current = now(item.id) ?? item;
      if (current !== "hidden") found.set(item.id, current);
    }
    const archiveEnd = endOf(archived, limit);
    const end = memoryEnd > archiveEnd ? memoryEnd : archiveEnd;
    const items = [...found.values()].filter(({ id }) => id >= end).sort((a, b) => (a.id < b.id ? 1 : -1));
    if (items.length > limit) return { items: items.slice(0, limit), next: items[limit - 1]!.id };
    if (archiveEnd === "") return { items, next: null };
    if (page === ARCHIVE_PAGES_MAX) return { items, next: archiveEnd };
    from = archiveEnd;
  }
}

/** The last id that was read; "" where everything was. */
function endOf(items: readonly Item[], limit: number): string {
  return items.length > limit ? items[items.length - 1]!.id : "";
}
