import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Clock } from "../../runtime/ports/index.ts";
import { IndexHeap } from "./index-heap.ts";
import { runSchedule, type Schedulable } from "./scheduler.ts";

/** A clock that stands until it is moved. */
function handClock() {
  let now = 0;
  const timers = new Set<{ at: number; callback: () => void }>();
  const clock: Clock = {
    now: () => now,
    monotonicMs: () => now,
    after(delayMs, callback) {
      const timer = { at: now + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    soon: (callback) => queueMicrotask(callback),
  };
  const moveTo = async (ms: number) => {
    now = ms;
    for (const timer of [...timers]) if (timer.at <= now && timers.delete(timer)) timer.callback();
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  return { clock, moveTo };
}

const never = new AbortController().signal;

const steps: fc.Arbitrary<Schedulable[]> = fc
  .array(fc.array(fc.nat(1_000), { maxLength: 3 }), { maxLength: 60 })
  .map((picks) =>
    picks.map((pick, index) => ({
      atMs: index * 10,
      after: index === 0 ? [] : [...new Set(pick.map((n) => n % index))],
    })),
  );

describe("a schedule", () => {
  it("performs every step once, after all that it waits for, and no more at once than it may", async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.integer({ min: 1, max: 5 }),
        fc.infiniteStream(fc.nat(4)),
        async (plan, connections, lags) => {
          const done = new Set<number>();
          let atWork = 0;
          const report = await runSchedule({
            steps: plan,
            connections,
            speed: undefined,
            clock: handClock().clock,
            signal: never,
            perform: async (index) => {
              expect(plan[index]?.after.every((before) => done.has(before))).toBe(true);
              atWork += 1;
              expect(atWork).toBeLessThanOrEqual(connections);
              for (let lag = lags.next().value ?? 0; lag > 0; lag -= 1) await Promise.resolve();
              atWork -= 1;
              expect(done.has(index)).toBe(false);
              done.add(index);
            },
          });
          expect(report.finished).toBe(plan.length);
          expect(done.size).toBe(plan.length);
        },
      ),
    );
  });

  it("prefers the earliest of the steps that are ready", async () => {
    const order: number[] = [];
    const plan = [
      { atMs: 0, after: [] },
      { atMs: 1, after: [0] },
      { atMs: 2, after: [] },
      { atMs: 3, after: [1] },
    ];
    const perform = async (index: number) => void order.push(index);
    await runSchedule({
      steps: plan,
      connections: 1,
      speed: undefined,
      clock: handClock().clock,
      signal: never,
      perform,
    });
    expect(order).toEqual([0, 1, 2, 3]);
  });

  it("does not run far ahead of a step that takes long", async () => {
    const begun: number[] = [];
    let finish = () => {};
    const plan = Array.from({ length: 10_000 }, (_, atMs) => ({ atMs, after: [] }));
    const perform = (index: number) => {
      begun.push(index);
      return index === 0 ? new Promise<void>((resolve) => (finish = resolve)) : Promise.resolve();
    };
    const { clock, moveTo } = handClock();
    const running = runSchedule({ steps: plan, connections: 9, speed: undefined, clock, signal: never, perform });
    for (let turn = 0; turn < 1_000; turn += 1) await moveTo(0);
    expect(begun.length).toBeLessThan(5_000);
    finish();
    expect((await running).finished).toBe(10_000);
  });

  it("begins a step at its time, divided by the speed, and says how late the latest was", async () => {
    const { clock, moveTo } = handClock();
    const order: string[] = [];
    const plan = [0, 60_000, 120_000].map((atMs) => ({ atMs: 1_000_000 + atMs, after: [] }));
    const perform = async (index: number) => void order.push(`${index} at ${clock.monotonicMs()}`);
    const running = runSchedule({ steps: plan, connections: 9, speed: 60, clock, signal: never, perform });
    await moveTo(999);
    await moveTo(1_000);
    await moveTo(2_250);
    expect(order).toEqual(["0 at 0", "1 at 1000", "2 at 2250"]);
    expect(await running).toEqual({ finished: 3, behindMs: 250 });
  });

  it("stops at once when told to, after the steps at work", async () => {
    const { clock } = handClock();
    const stop = new AbortController();
    let finish = () => {};
    const plan = [
      { atMs: 0, after: [] },
      { atMs: 1, after: [] },
    ];
    const perform = () => new Promise<void>((resolve) => (finish = resolve));
    const running = runSchedule({ steps: plan, connections: 1, speed: undefined, clock, signal: stop.signal, perform });
    stop.abort();
    finish();
    expect((await running).finished).toBe(1);
  });

  it("stops, and throws, when a step cannot be performed", async () => {
    const plan = [
      { atMs: 0, after: [] },
      { atMs: 1, after: [0] },
    ];
    const perform = () => Promise.reject(new Error("gone"));
    await expect(
      runSchedule({ steps: plan, connections: 1, speed: 1, clock: handClock().clock, signal: never, perform }),
    ).rejects.toThrow("gone");
  });

  it("has nothing to do for no steps", async () => {
    const report = await runSchedule({
      steps: [],
      connections: 1,
      speed: 1,
      clock: handClock().clock,
      signal: never,
      perform: async () => {},
    });
    expect(report).toEqual({ finished: 0, behindMs: 0 });
  });
});

it("a heap gives numbers smallest first", () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), (numbers) => {
      const heap = new IndexHeap();
      for (const number of numbers) heap.push(number);
      expect(numbers.map(() => heap.pop())).toEqual(numbers.toSorted((a, b) => a - b));
      expect(heap.peek()).toBeUndefined();
    }),
  );
});
