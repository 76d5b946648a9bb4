import { describe, expect, it } from "vitest";
import { specificationOf } from "../../runtime/testing/given.ts";
import type { AlertKeyCommand, AlertKeyEvent } from "../../schema/alert.ts";
import { type AlertKeyState, alertkey, isFlapping } from "./definition.ts";

const given = specificationOf<AlertKeyCommand, AlertKeyEvent>(alertkey, "k");
const claim = (alertId: string, over?: string): AlertKeyCommand => ({
  type: "claim",
  agencyId: "a",
  alertId,
  at: "2026-01-01T00:00:00.000Z",
  ...(over === undefined ? {} : { over: { alertId: over, seen: { normal: 7 } } }),
});
const claimed = (alertId: string): AlertKeyEvent => ({ type: "alertkey.claimed", agencyId: "a", alertId, seen: {} });

describe("a key", () => {
  it("flaps when five of its alerts were opened within ten minutes", () => {
    const opened = (...minutes: readonly number[]) =>
      given(
        ...minutes.map((minute): AlertKeyEvent => {
          const at = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
          return { type: "alertkey.claimed", agencyId: "a", alertId: `a${minute}`, seen: {}, at };
        }),
      ).state as AlertKeyState;
    expect(isFlapping(opened(0, 1, 2, 3))).toBe(false);
    expect(isFlapping(opened(0, 1, 2, 3, 10))).toBe(true);
    expect(isFlapping(opened(0, 1, 2, 3, 11))).toBe(false);
    expect(isFlapping(opened(0, 1, 2, 3, 10, 30))).toBe(false);
  });

  it("is the first one's who claims it", () => {
    expect(given().when(claim("a1")).types).toEqual(["alertkey.claimed"]);
    expect(given(claimed("a1")).when(claim("a2")).types).toEqual([]);
  });

  it("has its alert begin with the report that claims it, in one commit; of many who claim it at once, with that of one alone", () => {
    const first = { record: { id: "a1" }, intake: { lane: "normal", sequence: 8, at: "2026-01-01T00:00:00.000Z" } };
    const opening = { ...claim("a1"), first } as AlertKeyCommand;
    const { types, joins } = given().when(opening);
    expect(types).toEqual(["alertkey.claimed"]);
    expect(joins).toEqual([
      { to: { kind: "alert", id: "a1" }, command: { type: "receive", ...first, seenBefore: {} } },
    ]);
    expect(given(claimed("a2")).when(opening)).toMatchObject({ types: [], joins: [] });
  });

  it("knows the alert before", () => {
    expect(given(claimed("a1")).state).toMatchObject({ alertId: "a1", before: null });
    expect(given(claimed("a1"), claimed("a2")).state).toMatchObject({ alertId: "a2", before: "a1" });
  });

  it("goes to one alone of all who find its alert over, and says what was done before", () => {
    expect(given(claimed("a1")).when(claim("a2", "a1")).events).toMatchObject([{ alertId: "a2", seen: { normal: 7 } }]);
    expect(given(claimed("a1"), claimed("a2")).when(claim("a3", "a1")).types).toEqual([]);
  });
});
