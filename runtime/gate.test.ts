import { describe, expect, it } from "vitest";
import { Gate } from "./gate.ts";

describe("a gate", () => {
  it("lets so many through at once, the others in order, whether those before succeed or fail", async () => {
    const gate = new Gate(2);
    const entered: number[] = [];
    const leave: ((fails: boolean) => void)[] = [];
    const passing = Array.from({ length: 5 }, (_, n) =>
      gate.pass(
        () =>
          new Promise<number>((resolve, reject) => {
            entered.push(n);
            leave[n] = (fails) => (fails ? reject(new Error(`${n}`)) : resolve(n));
          }),
      ),
    );
    const outcomes = Promise.allSettled(passing);
    expect(entered).toEqual([0, 1]);
    leave[1]!(true);
    await expect(passing[1]).rejects.toThrow("1");
    expect(entered).toEqual([0, 1, 2]);
    for (const n of [0, 2]) leave[n]!(false);
    await Promise.all([passing[0], passing[2]]);
    expect(entered).toEqual([0, 1, 2, 3, 4]);
    for (const n of [3, 4]) leave[n]!(false);
    expect((await outcomes).map(({ status }) => status === "fulfilled")).toEqual([true, false, true, true, true]);
  });
});
