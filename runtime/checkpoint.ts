import { addressOfStateKey } from "../schema/subjects.ts";
import type { Coverage } from "./coverage.ts";
import { readSnapshot, SNAPSHOT_VERSION } from "./image.ts";
import type { Ports } from "./ports/index.ts";

/** Snapshots of another layout cover nothing: so each layout has a checkpoint of its own. */
const KEY = `checkpoint-${SNAPSHOT_VERSION}`;

/** The journal sequence up to which snapshots cover everything; 0 while nothing was ever noted. */
export async function readCheckpoint(ports: Ports): Promise<number> {
  return Number((await ports.config.get(KEY))?.value ?? 0);
}

/**
 * Notes how far the snapshots reach. Several hosts may do so: each notes only what it has made sure of itself.
 * @param wake called for actors that nobody has written a snapshot of for long: theirs is to be made
 */
export async function advanceCheckpoint(ports: Ports, coverage: Coverage, wake: (key: string) => void): Promise<void> {
  // Another host's snapshots are not told to us: look at those that have waited longest.
  for (const key of coverage.oldest(STRAGGLERS)) {
    const snapshot = await ports.state.get(key);
    const image = snapshot && readSnapshot(snapshot.value);
    if (image !== undefined) coverage.snapshot(key, image.sequence);
  }
  for (const key of coverage.oldest(STRAGGLERS)) if (addressOfStateKey(key) !== undefined) wake(key);
  const known = await ports.config.get(KEY);
  const covered = coverage.coveredUpTo;
  if (covered <= Number(known?.value ?? 0)) return;
  await ports.config.put([{ key: KEY, value: String(covered), expectedRevision: known?.revision ?? 0 }]);
}

/** Looked at each time. */
const STRAGGLERS = 500;
