import type { KeyValue } from "../ports/index.ts";
import type { MasterKeys } from "./master-keys.ts";
import type { KeptKey } from "./vault.ts";

/** Before the name of a key that no master key here opens. It is kept: the master key may turn up after all. */
const LOST = "lost.";

/** Puts aside what no master key here opens, so that channels can have new keys. @returns how many there were */
export async function giveUpLost(bucket: KeyValue, keys: MasterKeys): Promise<number> {
  let count = 0;
  for await (const { key, value } of bucket.entries()) {
    if (key.startsWith(LOST) || keys.ids.includes((JSON.parse(value) as KeptKey).masterKeyId)) continue;
    await bucket.put([{ key: LOST + key, value }]);
    await bucket.delete(key);
    count += 1;
  }
  return count;
}

/** How many keys there are under each master key. */
export async function countByMasterKey(bucket: KeyValue): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for await (const { key, value } of bucket.entries()) {
    if (key.startsWith(LOST)) continue;
    const { masterKeyId } = JSON.parse(value) as KeptKey;
    counts.set(masterKeyId, (counts.get(masterKeyId) ?? 0) + 1);
  }
  return counts;
}

/**
 * Puts every key that is under another master key under the current one. It may be broken off at any point, and done again.
 * @returns how many were changed
 * @throws UnknownMasterKey when one is under a master key that is not here
 */
export async function rewrapAll(bucket: KeyValue, keys: MasterKeys, progress: (done: number) => void): Promise<number> {
  for (let done = 0; ; ) {
    let missed = 0;
    for await (const { key, value, revision } of bucket.entries()) {
      const kept = JSON.parse(value) as KeptKey;
      if (kept.masterKeyId === keys.currentId || key.startsWith(LOST)) continue;
      const rewrapped: KeptKey = { v: 1, ...keys.wrap(keys.unwrap(kept, key), key) };
      const put = { key, value: JSON.stringify(rewrapped), expectedRevision: revision };
      if ((await bucket.put([put])).ok) progress(++done);
      else missed += 1;
    }
    // Another one may be at it as well: what it changed is looked at again.
    if (missed === 0) return done;
  }
}
