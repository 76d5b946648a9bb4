import { expect, it } from "vitest";
import { Quota } from "./quota.ts";

it("allows each so many in a second, whatever others do", () => {
  let nowMs = 0;
  const quota = new Quota({ monotonicMs: () => nowMs }, 2);
  const asked = (key: string, times: number) => Array.from({ length: times }, () => quota.allows(key));
  expect(asked("a", 3)).toEqual([true, true, false]);
  expect(asked("b", 1)).toEqual([true]);
  nowMs = 999;
  expect(asked("a", 1)).toEqual([false]);
  nowMs = 1_000;
  expect(asked("a", 3)).toEqual([true, true, false]);
});
