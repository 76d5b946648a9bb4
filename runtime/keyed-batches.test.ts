import { describe, expect, it } from "vitest";
import { KeyedBatches } from "./keyed-batches.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Batches that end when they are told to. Items are texts: the key is the first letter, and capitals are done alone. */
function batches({ room = 10, itemsMax = 3, weightMax = 100, passesAfter = 2 } = {}) {
  const now = { room };
  const begun: string[] = [];
  const done: string[] = [];
  const ends = new Map<string, () => void>();
  const queue = new KeyedBatches<string>(2, {
    itemsMax,
    weightMax,
    passesAfter,
    weigh: (item) => item.length,
    joins: (item) => item === item.toLowerCase(),
    room: () => now.room,
    work: (items) => {
      const name = items.join(" ");
      begun.push(name);
      return new Promise((end) => ends.set(name, end));
    },
  });
  const add = (items: string, rank = 1) => {
    for (const item of items.split(" "))
      void queue.run(item[0]!.toLowerCase(), item, rank).then(() => {
        done.push(item);
      });
  };
  const end = async (name: string) => {
    ends.get(name)!();
    await settled();
  };
  return { now, queue, begun, done, add, end };
}

describe("keyed batches", () => {
  it("begin at once what finds nothing of its key under way, and do together what waits meanwhile", async () => {
    const { begun, done, add, end } = batches();
    add("a1 b1 a2 a3");
    expect(begun).toEqual(["a1", "b1"]);
    await end("a1");
    expect(begun).toEqual(["a1", "b1", "a2 a3"]);
    expect(done).toEqual(["a1"]);
    await end("a2 a3");
    expect(done).toEqual(["a1", "a2", "a3"]);
    add("a4");
    expect(begun.at(-1)).toBe("a4");
  });

  it("hold no more items than may be, and weigh no more, but for a single one", async () => {
    const { queue, begun, add, end } = batches({ itemsMax: 3, weightMax: 6 });
    add("a a1 a2 a3 a4 a567 a heavy".replace("a heavy", "aaaaaaaaaa"));
    expect(queue.weight).toBe(22);
    for (const name of ["a", "a1 a2 a3", "a4 a567"]) await end(name);
    expect(begun).toEqual(["a", "a1 a2 a3", "a4 a567", "aaaaaaaaaa"]);
    expect(queue.weight).toBe(0);
  });

  it("keep the place of what is done alone", async () => {
    const { begun, add, end } = batches();
    add("a1 a2 a3 A4 A5 a6");
    for (const name of ["a1", "a2 a3", "A4", "A5"]) await end(name);
    expect(begun).toEqual(["a1", "a2 a3", "A4", "A5", "a6"]);
  });

  it("let more of a key join for as long as there is no room", async () => {
    const { now, begun, add, end } = batches({ room: 1 });
    add("a1 b1 c1 b2");
    expect(begun).toEqual(["a1"]);
    await end("a1");
    expect(begun).toEqual(["a1", "b1 b2"]);
    now.room = 2;
    add("d1");
    expect(begun, "the one that waits longest goes first").toEqual(["a1", "b1 b2", "c1"]);
  });

  it("give each rank room of its own, and begin the key of which something of a lower rank waits before the others", async () => {
    const { begun, add, end } = batches({ room: 1 });
    add("a1 b1 c1");
    add("d1 c2", 0);
    expect(begun).toEqual(["a1", "d1"]);
    await end("d1");
    expect(begun, "in the order of the key, each rank by itself").toEqual(["a1", "d1", "c1"]);
    await end("c1");
    expect(begun).toEqual(["a1", "d1", "c1", "c2"]);
    await end("a1");
    expect(begun.at(-1)).toBe("b1");
  });

  it("let a lower rank pass what waits for its key where that is much, and stay in order itself", async () => {
    const { begun, add, end } = batches({ itemsMax: 2 });
    add("a1 a2 a3 a4 a5");
    add("a6 a7", 0);
    add("a8");
    for (const name of ["a1", "a2 a3", "a6 a7", "a4 a5"]) await end(name);
    expect(begun).toEqual(["a1", "a2 a3", "a6 a7", "a4 a5", "a8"]);
  });

  it("begin no more once they are stopped, and tell when what was under way has ended", async () => {
    const { queue, begun, add, end } = batches();
    add("a1 a2");
    queue.stop();
    add("b1");
    expect(queue.isIdle).toBe(false);
    await end("a1");
    expect(queue.isIdle).toBe(true);
    expect(begun).toEqual(["a1"]);
  });
});
