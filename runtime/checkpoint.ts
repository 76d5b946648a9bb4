import { addressOfStateKey } from "../schema/subjects.ts";
import type { Coverage } from "./coverage.ts";
import { readSnapshot, SNAPSHOT_VERSION } from "./image.ts";
import type { Ports } from "./ports/index.ts";

/** Snapshots of another layout cover nothing: so each layout has a checkpoint of its own. */
const KEY = `checkpoint-${SNAPSHOT_VERSION}`;
const COUNT_KEY = `snapshots-${SNAPSHOT_VERSION}`;

/** The journal sequence up to which snapshots cover everything; 0 while nothing was ever noted. */
export async function readCheckpoint(ports: Ports): Promise<number> {
  return Number((await ports.config.get(KEY))?.value ?? 0);
}

/** How many snapshots there were at least, when this was last noted. There are fewer only by `expectOneSnapshotLess`. */
export async function readSnapshotCount(ports: Ports): Promise<number> {
  return Number((await ports.config.get(COUNT_KEY))?.value ?? 0);
}

/** To be noted before one is taken away: whoever starts must not miss it. */
export async function expectOneSnapshotLess(ports: Ports): Promise<void> {
  for (;;) {
    const known = await ports.config.get(COUNT_KEY);
    const count = Number(known?.value ?? 0);
    if (known === undefined || count === 0) return;
    const put = { key: COUNT_KEY, value: String(count - 1), expectedRevision: known.revision };
    if ((await ports.config.put([put])).ok) return;
  }
}

/** Snapshots are not to be relied on any more: the whole journal is. */
export async function resetCheckpoint(ports: Ports): Promise<void> {
  await ports.config.put([
    { key: KEY, value: "0" },
    { key: COUNT_KEY, value: "0" },
  ]);
}

/**
 * Notes how far the snapshots reach. Several hosts may do so: each notes only what it has made sure of itself.
 * @param actors how many there are, with a snapshot or without; undefined when that cannot be told just now
 * @param isWaiting whether its snapshot is about to be written here, so that there is nothing to look for
 * @param wake called for actors that nobody has written a snapshot of for long: theirs is to be made
 */
export async function advanceCheckpoint(
  ports: Ports,
  coverage: Coverage,
  actors: () => number | undefined,
  isWaiting: (key: string) => boolean,
  wake: (key: string) => void,
): Promise<void> {
  // Another host's snapshots are not told to us: look at those that have waited longest.
  for (const key of coverage.oldest(STRAGGLERS)) {
    if (isWaiting(key)) continue;
    const snapshot = await ports.state.get(key);
    const image = snapshot && readSnapshot(snapshot.value);
    if (image !== undefined) coverage.snapshot(key, image.sequence);
  }
  for (const key of coverage.oldest(STRAGGLERS)) if (addressOfStateKey(key) !== undefined) wake(key);
  const known = await ports.config.get(KEY);
  const covered = coverage.coveredUpTo;
  if (covered <= Number(known?.value ?? 0)) return;
  const put = { key: KEY, value: String(covered), expectedRevision: known?.revision ?? 0 };
  const count = actors();
  const counted = count === undefined ? [] : [{ key: COUNT_KEY, value: String(count - coverage.size) }];
  await ports.config.put([put, ...counted]);
}

/** Looked at each time. */
const STRAGGLERS = 500;
