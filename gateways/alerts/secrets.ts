import { createHmac, hash, timingSafeEqual } from "node:crypto";

/** How far a signature's time may be off, either way. */
const SKEW_MAX_MS = 300_000;

/**
 * The secrets of those who send us alerts, and of those whom we send to. None is kept anywhere: each follows from the node's key, its owner's id, and how often it was
 * changed, so that every host of a cluster knows it and no backup of the journal holds it.
 */
export class SourceSecrets {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  secretOf(id: string, generation: number, of: "source" | "hook" = "source"): string {
    return createHmac("sha256", this.#key).update(`${of} ${id} ${generation}`).digest("base64url");
  }
}

/** Compares in constant time, whatever the lengths. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(hash("sha256", a, "buffer"), hash("sha256", b, "buffer"));
}

/**
 * HMAC-SHA256 of the timestamp as it was sent, a dot, and the body as it was sent; hexadecimal.
 * @returns what is wrong; undefined when all is well
 */
export function flawInSignature(
  secret: string,
  {
    timestamp,
    signature,
    bytes,
  }: { readonly timestamp: string; readonly signature: string; readonly bytes: Uint8Array },
  nowMs: number,
): string | undefined {
  if (!/^\d{1,12}$/.test(timestamp)) return "Tocsin-Timestamp: the seconds since 1970 when it was signed";
  if (Math.abs(nowMs - Number(timestamp) * 1_000) > SKEW_MAX_MS)
    return "Tocsin-Timestamp: more than five minutes from our clock";
  const expected = createHmac("sha256", secret).update(`${timestamp}.`).update(bytes).digest("hex");
  return sameText(signature.toLowerCase(), `sha256=${expected}`)
    ? undefined
    : "Tocsin-Signature: not sha256= and the HMAC-SHA256 of timestamp, dot and body";
}
