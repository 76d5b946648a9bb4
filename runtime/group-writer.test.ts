import { describe, expect, it } from "vitest";
import { GroupWriter } from "./group-writer.ts";

/** A stream that keeps at once, and turns that are taken by hand. */
function written(maxBatch: number) {
  const batches: string[][] = [];
  const stream = {
    maxBatch,
    append: async (entries: readonly string[]) => {
      batches.push([...entries]);
      return entries.map((_, index) => batches.length * 100 + index);
    },
  };
  const waiting: (() => void)[] = [];
  const writer = new GroupWriter<string>(stream, (callback) => waiting.push(callback));
  const turn = async () => {
    for (const callback of waiting.splice(0)) callback();
    await Promise.resolve();
  };
  return { writer, batches, turn };
}

describe("a writer in groups", () => {
  it("writes what comes turn by turn at once, when a turn brings nothing more", async () => {
    const { writer, batches, turn } = written(100);
    const sequences = [writer.write("a"), writer.write("b")];
    await turn();
    sequences.push(writer.write("c"));
    await turn();
    expect(batches).toEqual([]);
    await turn();
    expect(batches).toEqual([["a", "b", "c"]]);
    expect(await Promise.all(sequences)).toEqual([100, 101, 102]);
  });

  it("writes as soon as there is enough for a batch, and never more in one", async () => {
    const { writer, batches, turn } = written(3);
    for (const entry of "abcdefg") void writer.write(entry);
    await turn();
    await turn();
    expect(batches).toEqual([["a", "b", "c"], ["d", "e", "f"], ["g"]]);
  });

  it("does not wait for ever while there is always one more", async () => {
    const { writer, batches, turn } = written(1_000);
    for (let index = 0; index < 40; index++) {
      void writer.write(String(index));
      await turn();
    }
    expect(batches.length).toBeGreaterThan(1);
    expect(batches.flat()).toEqual(Array.from(batches.flat(), (_, index) => String(index)));
  });

  it("tells those of a large batch in parts, in their order, and others have turns in between", async () => {
    const waiting: (() => void)[] = [];
    const stream = { maxBatch: 100, append: async (entries: readonly string[]) => entries.map((_, index) => index) };
    const writer = new GroupWriter<string>(stream, (callback) => waiting.push(callback));
    const told: number[] = [];
    for (let index = 0; index < 60; index++)
      void writer.write(String(index)).then((sequence) => void told.push(sequence));
    const counts: number[] = [];
    while (told.length < 60) {
      for (const callback of waiting.splice(0)) callback();
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (told.length !== (counts.at(-1) ?? 0)) counts.push(told.length);
    }
    expect(counts).toEqual([25, 50, 60]);
    expect(told).toEqual(Array.from({ length: 60 }, (_, index) => index));
  });

  it("tells each whose batch was lost", async () => {
    const stream = { maxBatch: 10, append: () => Promise.reject(new Error("gone")) };
    const writer = new GroupWriter<string>(stream, (callback) => queueMicrotask(callback));
    const outcomes = await Promise.allSettled([writer.write("a"), writer.write("b")]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});
