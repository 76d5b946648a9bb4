import { describe, expect, it } from "vitest";
import { Grouping } from "./grouping.ts";
import { systemClock } from "./ports/system.ts";

interface Item {
  readonly name: string;
  readonly weight: number;
}

const settled = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

/** What was written, and ends for it that come when they are asked for. */
function written(options: { readonly groupMin: number; readonly groupMax: number; readonly groupsMax: number }) {
  const writes: string[] = [];
  const ends = new Map<string, () => void>();
  const grouping = new Grouping<Item>(systemClock, options, {
    weigh: ({ weight }) => weight,
    // Of those with the same initial, one a group.
    newGroup: () => {
      const initials = new Set<string>();
      return ({ name }) => !initials.has(name[0]!) && initials.add(name[0]!) !== undefined;
    },
    write: (items) => {
      const names = items.map(({ name }) => name).join(" ");
      writes.push(names);
      return new Promise((end) => ends.set(names, end));
    },
  });
  const add = async (names: string, weight = 1, goesAhead = false) => {
    for (const name of names.split(" ")) grouping.add({ name, weight }, goesAhead);
    await settled();
  };
  const end = async (names: string) => {
    ends.get(names)!();
    await settled();
  };
  return { grouping, writes, add, end };
}

describe("grouping", () => {
  it("writes one by one what is little, and in groups what is much", async () => {
    const { writes, add, end } = written({ groupMin: 3, groupMax: 10, groupsMax: 2 });
    await add("a b");
    expect(writes).toEqual(["a", "b"]);
    await add("c d e f");
    expect(writes, "a group would wait behind them").toEqual(["a", "b"]);
    await end("a");
    await end("b");
    expect(writes).toEqual(["a", "b", "c d e f"]);
  });

  it("begins beside a group another one that is half as large at least, and no single one", async () => {
    const { writes, add, end } = written({ groupMin: 2, groupMax: 10, groupsMax: 2 });
    await add("a b c d e f");
    await add("g h");
    expect(writes).toEqual(["a b c d e f"]);
    await add("i");
    expect(writes).toEqual(["a b c d e f", "g h i"]);
    await add("j k l");
    expect(writes, "two are under way").toHaveLength(2);
    await end("a b c d e f");
    expect(writes).toEqual(["a b c d e f", "g h i", "j k l"]);
  });

  it("weighs what it takes, and takes what may not stand together apart", async () => {
    const { grouping, writes, add, end } = written({ groupMin: 3, groupMax: 10, groupsMax: 1 });
    await add("a", 6);
    await add("b c", 4);
    expect(writes).toEqual(["a"]);
    await end("a");
    expect(writes).toEqual(["a", "b c"]);
    await add("d1 e d2");
    await end("b c");
    expect(writes.at(-1)).toBe("d1 e");
    await end("d1 e");
    expect(writes.at(-1)).toBe("d2");
    await end("d2");
    expect(grouping.pending).toBe(0);
  });

  it("lets some go ahead, in their own order", async () => {
    const { writes, add, end } = written({ groupMin: 2, groupMax: 4, groupsMax: 1 });
    await add("a b c d");
    await add("e f g");
    await add("h i", 1, true);
    await end("a b c d");
    await end("h i e f");
    await add("j", 1, true);
    await end("g");
    expect(writes).toEqual(["a b c d", "h i e f", "g", "j"]);
  });

  it("takes what is heavier than a group all the same, alone", async () => {
    const { writes, add } = written({ groupMin: 3, groupMax: 5, groupsMax: 2 });
    await add("a", 7);
    expect(writes).toEqual(["a"]);
  });
});
