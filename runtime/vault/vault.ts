import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { KeyValue } from "../ports/index.ts";
import { ChannelKey } from "./channel-key.ts";
import { type MasterKeys, UnknownMasterKey, type Wrapped } from "./master-keys.ts";

const DATA_KEY_BYTES = 32;
/** Unwrapping takes microseconds, the bucket a round trip. */
const CACHED_KEYS = 10_000;

/** What the bucket `keys` holds of a channel. */
export interface KeptKey extends Wrapped {
  readonly v: 1;
}

export const keyOfChannel = (channelId: string) => `channel.${channelId}`;

/** The keys of channels: made when the first message is written, kept wrapped, known to this process in the clear. */
export class Vault {
  readonly #bucket: KeyValue;
  readonly #loadMasterKeys: () => MasterKeys;
  readonly #keys = new LRUCache<string, ChannelKey>({ max: CACHED_KEYS });
  #masterKeys: MasterKeys;

  /** @param loadMasterKeys looks them up again: they change when they are rotated */
  constructor(bucket: KeyValue, loadMasterKeys: () => MasterKeys) {
    this.#bucket = bucket;
    this.#loadMasterKeys = loadMasterKeys;
    this.#masterKeys = loadMasterKeys();
  }

  /** The channel's key; undefined where nothing was written yet. */
  async keyOf(channelId: string): Promise<ChannelKey | undefined> {
    const known = this.#keys.get(channelId);
    if (known !== undefined) return known;
    const kept = await this.#bucket.get(keyOfChannel(channelId));
    return kept === undefined ? undefined : this.#opened(channelId, JSON.parse(kept.value));
  }

  /** The channel's key, made if there is none: of several who make one at the same moment, one prevails. */
  async keyFor(channelId: string): Promise<ChannelKey> {
    for (;;) {
      const known = await this.keyOf(channelId);
      if (known !== undefined) return known;
      const key = keyOfChannel(channelId);
      this.#masterKeys = this.#loadMasterKeys();
      const kept: KeptKey = { v: 1, ...this.#masterKeys.wrap(randomBytes(DATA_KEY_BYTES), key) };
      await this.#bucket.put([{ key, value: JSON.stringify(kept), expectedRevision: 0 }]);
    }
  }

  #opened(channelId: string, kept: KeptKey): ChannelKey {
    const key = new ChannelKey(channelId, this.#unwrapped(kept, keyOfChannel(channelId)));
    this.#keys.set(channelId, key);
    return key;
  }

  #unwrapped(kept: KeptKey, owner: string): Buffer {
    try {
      return this.#masterKeys.unwrap(kept, owner);
    } catch (error) {
      if (!(error instanceof UnknownMasterKey)) throw error;
      this.#masterKeys = this.#loadMasterKeys();
      return this.#masterKeys.unwrap(kept, owner);
    }
  }
}
