import { randomBytes } from "node:crypto";
import type { KeyValue } from "../ports/index.ts";
import type { MasterKeys } from "./master-keys.ts";
import type { KeptKey } from "./vault.ts";

const SECRET_BYTES = 32;

/**
 * A secret that all nodes of an installation share, beside the keys of channels: made when it is first asked for, kept under
 * the master key, and carried along when that is rotated.
 */
export async function sharedSecret(bucket: KeyValue, keys: MasterKeys, name: string): Promise<Buffer> {
  const key = `secret.${name}`;
  for (;;) {
    const kept = await bucket.get(key);
    if (kept !== undefined) return keys.unwrap(JSON.parse(kept.value) as KeptKey, key);
    const made: KeptKey = { v: 1, ...keys.wrap(randomBytes(SECRET_BYTES), key) };
    await bucket.put([{ key, value: JSON.stringify(made), expectedRevision: 0 }]);
  }
}
