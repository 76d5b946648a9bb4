import { describe, expect, it } from "vitest";
import { letterOf } from "./dead-letters.ts";

const stored = (text: string) => ({
  seq: 7,
  subject: "dead.incident.i1",
  timestamp: "2026-01-01T00:00:00Z",
  string: () => text,
});

describe("a stored dead letter", () => {
  it("is read as it was put", () => {
    const letter = { kind: "resource", id: "u1", reason: "r", at: "t", requestId: "q", message: { op: "read" } };
    expect(letterOf(stored(JSON.stringify(letter)))).toEqual({ ...letter, sequence: 7 });
  });

  it.each([["no JSON \u001b["], ["null"], ["[]"], ['{"kind":"incident","id":"i1","reason":{},"at":1}']])(
    "is shown as it is when it is none: %j",
    (text) => {
      expect(letterOf(stored(text))).toEqual({
        kind: "incident",
        id: "i1",
        reason: "this is no letter of Tocsin",
        at: "2026-01-01T00:00:00Z",
        requestId: "",
        message: text,
        sequence: 7,
      });
    },
  );
});
