import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NumberDispenser } from "./numbers.ts";
import type { Clock, Numbers } from "./ports/index.ts";

/** A counter that several dispensers share, answered when the test says so, and a clock that it moves. */
function world() {
  let nowMs = 0;
  let value = 0;
  const reservations: number[] = [];
  const due: (() => void)[] = [];
  let fail: Error | undefined;
  const clock: Clock = {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    after: () => () => undefined,
    soon: (callback) => void due.push(callback),
  };
  const numbers: Pick<Numbers, "reserve"> = {
    reserve: (_subject, count) =>
      new Promise((resolve, reject) => {
        due.push(() => {
          if (fail !== undefined) return reject(fail);
          reservations.push(count);
          value += count;
          resolve(value);
        });
      }),
  };
  const settle = async () => {
    for (let step = due.shift(); step !== undefined; step = due.shift()) {
      step();
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
  };
  return {
    dispenser: () => new NumberDispenser(numbers, clock),
    settle,
    pass: (ms: number) => {
      nowMs += ms;
    },
    failWith: (error: Error | undefined) => {
      fail = error;
    },
    reservations,
  };
}

async function take(from: ReturnType<typeof world>, dispenser: NumberDispenser, count: number): Promise<number[]> {
  const taken = Array.from({ length: count }, () => dispenser.next("C"));
  await from.settle();
  return Promise.all(taken);
}

describe("numbers", () => {
  it("leave no gap to a lone caller, also when two hosts take turns", async () => {
    const it = world();
    const [one, other] = [it.dispenser(), it.dispenser()];
    const taken: number[] = [];
    for (let turn = 0; turn < 5; turn++) {
      taken.push(...(await take(it, one, 1)), ...(await take(it, other, 1)));
      it.pass(1_000);
    }
    expect(taken).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it("are reserved ahead for a crowd, so that few reservations serve many", async () => {
    const it = world();
    const dispenser = it.dispenser();
    let taken = 0;
    for (let turn = 0; turn < 1_000; turn++) {
      taken += (await take(it, dispenser, 16)).length;
      it.pass(2);
    }
    expect(taken).toBe(16_000);
    expect(it.reservations.length).toBeLessThan(40);
  });

  it("stop being reserved ahead once the crowd has gone", async () => {
    const it = world();
    const dispenser = it.dispenser();
    for (let turn = 0; turn < 100; turn++) {
      await take(it, dispenser, 16);
      it.pass(2);
    }
    const before = it.reservations.length;
    it.pass(60_000);
    // What is left of the crowd's last reservation, and then one at a time.
    for (let turn = 0; turn < 5_000; turn++) {
      await take(it, dispenser, 1);
      it.pass(1_000);
    }
    expect(it.reservations.length).toBeGreaterThan(before);
    expect(it.reservations.slice(before).every((count) => count === 1)).toBe(true);
  });

  it("are each handed out once, whoever asks when", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 60 }), fc.nat(300)), { maxLength: 60 }),
        async (turns) => {
          const it = world();
          const dispensers = [it.dispenser(), it.dispenser(), it.dispenser()];
          const all: Promise<number>[] = [];
          for (const [which, count, passedMs] of turns) {
            for (let n = 0; n < count; n++) all.push(dispensers[which]!.next("C"));
            it.pass(passedMs);
            if (passedMs % 2 === 0) await it.settle();
          }
          await it.settle();
          const taken = await Promise.all(all);
          expect(new Set(taken).size).toBe(taken.length);
        },
      ),
    );
  });

  it("are refused to those who wait while the counter does not answer, and go on after", async () => {
    const it = world();
    const dispenser = it.dispenser();
    it.failWith(new Error("away"));
    const refused = dispenser.next("C").catch((error: Error) => error.message);
    await it.settle();
    expect(await refused).toBe("away");
    it.failWith(undefined);
    expect(await take(it, dispenser, 2)).toEqual([1, 2]);
  });
});
