import { describe, expect, it } from "vitest";
import { specificationOf } from "../../runtime/testing/given.ts";
import type { AlertKeyCommand, AlertKeyEvent } from "../../schema/alert.ts";
import { alertkey } from "./definition.ts";

const given = specificationOf<AlertKeyCommand, AlertKeyEvent>(alertkey, "k");
const claim = (alertId: string, over?: string): AlertKeyCommand => ({
  type: "claim",
  agencyId: "a",
  alertId,
  ...(over === undefined ? {} : { over: { alertId: over, seen: { normal: 7 } } }),
});
const claimed = (alertId: string): AlertKeyEvent => ({ type: "alertkey.claimed", agencyId: "a", alertId, seen: {} });

describe("a key", () => {
  it("is the first one's who claims it", () => {
    expect(given().when(claim("a1")).types).toEqual(["alertkey.claimed"]);
    expect(given(claimed("a1")).when(claim("a2")).types).toEqual([]);
  });

  it("goes to one alone of all who find its alert over, and says what was done before", () => {
    expect(given(claimed("a1")).when(claim("a2", "a1")).events).toMatchObject([{ alertId: "a2", seen: { normal: 7 } }]);
    expect(given(claimed("a1"), claimed("a2")).when(claim("a3", "a1")).types).toEqual([]);
  });
});
