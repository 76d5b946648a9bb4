import type { KeyValue } from "../ports/index.ts";
import type { MasterKeys } from "./master-keys.ts";

const KEY = "master-key";

/** The id of the master key that this cluster's messages are under; undefined before there is one. */
export async function agreedMasterKey(config: KeyValue): Promise<string | undefined> {
  return (await config.get(KEY))?.value;
}

/**
 * All nodes of a cluster, and all its starts, need the same master key.
 * @throws when this node has another one: nobody could read through it what others write
 */
export async function agreeOnMasterKey(config: KeyValue, keys: MasterKeys, from: string): Promise<void> {
  for (;;) {
    const agreed = await agreedMasterKey(config);
    if (agreed !== undefined) {
      if (keys.ids.includes(agreed)) return;
      throw new Error(
        `messages here are encrypted under master key ${agreed}; ${from} has ${keys.ids.join(", ")}. ` +
          "Put the right one back, from your backup or another node: without it no message can ever be read again. " +
          "Where it is lost for good, start once with MASTER_KEY_LOST=go-on",
      );
    }
    await config.put([{ key: KEY, value: keys.currentId, expectedRevision: 0 }]);
  }
}

export async function noteMasterKey(config: KeyValue, id: string): Promise<void> {
  await config.put([{ key: KEY, value: id }]);
}
