import { type Address, stateKey } from "../../schema/subjects.ts";

/** Fixed when a cluster is made: changing it would move actors without their owners knowing. */
export const PARTITIONS_DEFAULT = 64;

/** FNV-1a, 32 bits, finished with murmur3's mixer so that near-equal inputs land far apart. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash ^= text.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export function partitionOf(address: Address, partitions: number): number {
  return partitionOfKey(stateKey(address), partitions);
}

/** For whoever has the actor's key in hand: it is not made again. */
export function partitionOfKey(key: string, partitions: number): number {
  return hash32(key) % partitions;
}

/**
 * Rendezvous hashing: the host that wins a partition. A host that comes or goes moves only what it wins or had won.
 * @returns undefined when there are no hosts
 */
export function winner(partition: number, hosts: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestScore = -1;
  for (const host of hosts) {
    const score = hash32(`${host}/${partition}`);
    if (score > bestScore || (score === bestScore && host < best!)) {
      best = host;
      bestScore = score;
    }
  }
  return best;
}
