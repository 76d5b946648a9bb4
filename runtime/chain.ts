import { hash } from "node:crypto";

/**
 * The hash by which an envelope names the one before it: SHA-256 of its bytes in the journal, base64url. In one call, as
 * wherever much is hashed: an object for each hash is dear to make, and dearer to collect.
 */
export function chainHash(payload: string): string {
  return hash("sha256", payload, "base64url");
}
