import { buckets, streams } from "../../schema/subjects.ts";

/**
 * What is backed up, in this order, which is what makes the whole consistent though every stream is taken at another moment:
 * - `config` notes how far the snapshots in `state` reach: it must not tell of later ones.
 * - A snapshot must not be newer than the journal.
 * - What is waiting to become events (deadlines, in-boxes) is taken before the journal: what was done meanwhile is in both, and
 *   doing it again does nothing. Taken after, it would be in neither.
 * - What follows from the journal is taken after it: a counter must not be lower than a number given in the journal, and the
 *   key of a creation must not be forgotten while what it created is known.
 * Leases are not backed up: who owned what is over.
 */
const BEFORE_JOURNAL = [`KV_${buckets.config}`, `KV_${buckets.state}`, streams.timers.name, "ALERTS"];
const NEVER = [`KV_${buckets.leases}`, `KV_${buckets.presence}`];

/** @param existing the streams that the server has */
export function partsOf(existing: readonly string[]): readonly string[] {
  const ours = [
    ...Object.values(streams).map(({ name }) => name),
    ...Object.values(buckets).map((name) => `KV_${name}`),
  ];
  const before = BEFORE_JOURNAL.filter((name) => ours.includes(name));
  const ordered = [...before, streams.events.name];
  const after = ours.filter((name) => !ordered.includes(name) && !NEVER.includes(name));
  return [...ordered, ...after].filter((name) => existing.includes(name));
}

/** Whether newer messages of a stream take the place of older ones: see stream-entries.ts. */
export function isRewritten(name: string): boolean {
  return name.startsWith("KV_") || name === streams.timers.name;
}
