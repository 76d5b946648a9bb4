import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type RegisterDevice, registerDevice } from "../../schema/push.ts";
import { Addresses } from "./addresses.ts";

const keys = { p256dh: "B".repeat(87), auth: "A".repeat(22) };
const [hex, other] = ["ab".repeat(32), "cd".repeat(32)];
/** Each line is one place, written in several ways. */
const places: readonly (readonly object[])[] = [
  [
    { kind: "webpush", endpoint: "https://push.example/a", keys },
    { kind: "webpush", endpoint: "https://PUSH.example:443/a", keys: { ...keys, auth: "C".repeat(22) }, name: "Phone" },
  ],
  [{ kind: "webpush", endpoint: "https://push.example/A", keys }],
  [
    { kind: "ntfy", topic: "t" },
    { kind: "ntfy", topic: "t", server: "https://own.example" },
    { kind: "ntfy", topic: "t", server: "https://own.example/" },
  ],
  [{ kind: "ntfy", topic: "T" }],
  [{ kind: "ntfy", topic: "t", server: "https://other.example" }],
  [{ kind: "fcm", token: "t" }],
  [{ kind: "fcm", token: "T" }],
  [
    { kind: "apns", token: hex },
    { kind: "apns", token: hex.toUpperCase() },
  ],
  [{ kind: "apns", token: other }],
];

describe("an address", () => {
  const addresses = new Addresses(randomBytes(32));
  const markOf = (device: object) =>
    addresses.mark(registerDevice.parse(device) as RegisterDevice, "https://own.example");

  it("has one mark however it is written, and no other address has it", () => {
    const marks = places.map((ways) => [...new Set(ways.map(markOf))]);
    expect(marks.filter((of) => of.length > 1)).toEqual([]);
    expect(new Set(marks.flat()).size).toBe(places.length);
  });

  it("cannot be told by its mark without the key", () => {
    const [[device]] = places as [[object]];
    const elsewhere = new Addresses(randomBytes(32));
    expect(elsewhere.mark(registerDevice.parse(device))).not.toBe(markOf(device));
  });
});
