import { expect, test } from "vitest";
import type { Clock } from "./ports/index.ts";
import { Pressure } from "./pressure.ts";

function watched() {
  let nowMs = 0;
  const pressure = new Pressure({ monotonicMs: () => nowMs } as Clock);
  return {
    pressure,
    pass: (ms: number) => {
      nowMs += ms;
    },
    /** So many at once, again and again; between two waves none is under way. */
    waves: (size: number, count: number) => {
      for (let wave = 0; wave < count; wave++) {
        for (let index = 0; index < size; index++) pressure.began();
        for (let index = 0; index < size; index++) pressure.ended();
        nowMs += 5;
      }
    },
  };
}

test("nobody presses in the beginning", () => {
  expect(watched().pressure.isHigh).toBe(false);
});

test("one after the other presses nobody, however many they are", () => {
  const { pressure, waves } = watched();
  waves(1, 10_000);
  expect(pressure.isHigh).toBe(false);
});

test("a flood presses, also in the moment between two of its waves", () => {
  const { pressure, waves } = watched();
  waves(64, 20);
  expect(pressure.isHigh).toBe(true);
});

test("once nobody comes any more, the pressure is over at once", () => {
  const { pressure, waves, pass } = watched();
  waves(64, 20);
  pass(100);
  expect(pressure.isHigh).toBe(false);
});

test("after a flood a trickle is none", () => {
  const { pressure, waves } = watched();
  waves(64, 20);
  waves(1, 50);
  expect(pressure.isHigh).toBe(false);
});
