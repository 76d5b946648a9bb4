import { hash } from "node:crypto";

/** A UUID (version 8) that the same text always leads to. */
export function idFrom(text: string): string {
  const bytes = hash("sha256", `tocsin id${text}`, "buffer").subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The same, and among ids that sort by their time it stands beside this one (a UUIDv7). */
export function idBeside(other: string, text: string): string {
  return other.slice(0, 13) + idFrom(text).slice(13);
}

/** The same, for what is of that time (RFC 3339). */
export function idAt(time: string, text: string): string {
  const hex = Date.parse(time).toString(16).padStart(12, "0");
  return idBeside(`${hex.slice(0, 8)}-${hex.slice(8)}`, text);
}
