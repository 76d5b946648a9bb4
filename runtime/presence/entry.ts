import { hash } from "node:crypto";
import type { Principal } from "../../schema/principal.ts";

/** A gateway's key with a TTL says that it lives; what it says of somebody counts for as long as it does. */
export const GATEWAY = "gateway.";
const HERE = "here.";

/** What one gateway says of one principal. */
export interface Entry {
  readonly v: 1;
  readonly principal: Pick<Principal, "subject" | "agencies" | "roles" | "resourceId">;
  /** RFC 3339: when it came. */
  readonly since: string;
  readonly here: boolean;
  /** Topics of single things that it looks at just now. */
  readonly looking: readonly string[];
}

/** A subject is whatever a token says: a key takes its hash. */
export function entryKey(gateway: string, subject: string): string {
  return `${HERE}${gateway}.${hash("sha256", subject, "base64url")}`;
}

/** The gateway whose word about somebody this key has; undefined for another key. */
export function gatewayOf(key: string): string | undefined {
  return key.startsWith(HERE) ? key.split(".")[1] : undefined;
}
