import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergedPage } from "./merged-page.ts";

interface Item {
  readonly id: string;
  readonly from: "memory" | "archive";
}

/** In memory: listed or hidden by the filters. In the archive: fits the filters or not, by an older state. */
const entity = fc.record({
  memory: fc.constantFrom("listed", "hidden", "absent"),
  archive: fc.constantFrom("listed", "hidden", "absent"),
});

const idOf = (index: number) => String(index).padStart(4, "0");

describe("a page of memory and archive", () => {
  it("with those after it has everything once, as memory knows it best, newest first", async () => {
    const cases = fc.tuple(fc.array(entity, { maxLength: 60 }), fc.integer({ min: 1, max: 7 }));
    await fc.assert(
      fc.asyncProperty(cases, async ([entities, limit]) => {
        const expected = entities
          .map(({ memory, archive }, index) => ({ id: idOf(index), memory, archive }))
          .filter(({ memory, archive }) => memory === "listed" || (memory === "absent" && archive === "listed"))
          .map(({ id, memory }): Item => ({ id, from: memory === "listed" ? "memory" : "archive" }))
          .reverse();
        expect(await allPages(limit, entities)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it("shows once what leaves memory between the two readings, and what comes back into it", async () => {
    const cases = fc.tuple(
      fc.array(fc.constantFrom("stays", "leaves", "returns"), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 5 }),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([moves, limit]) => {
        const all = moves.map((move, index) => ({ id: idOf(index), move })).reverse();
        let moved = false;
        const inMemory = (move: string) => (move === "stays" ? true : move === "leaves" ? !moved : moved);
        const page = await mergedPage<Item>({
          limit,
          before: undefined,
          memory: (_before, count) =>
            all
              .filter(({ move }) => inMemory(move))
              .map(({ id }): Item => ({ id, from: "memory" }))
              .slice(0, count),
          archive: async (before, count) => {
            moved = true;
            return all
              .filter(({ id, move }) => move !== "stays" && (before === undefined || id < before))
              .map(({ id }): Item => ({ id, from: "archive" }))
              .slice(0, count);
          },
          now: (id) => {
            const known = all.find((one) => one.id === id);
            return known !== undefined && inMemory(known.move) ? { id, from: "memory" } : undefined;
          },
        });
        expect(page.items.map(({ id }) => id)).toEqual(all.slice(0, limit).map(({ id }) => id));
      }),
    );
  });
});

async function allPages(limit: number, entities: readonly { memory: string; archive: string }[]): Promise<Item[]> {
  const newest = entities.map((one, index) => ({ id: idOf(index), ...one })).reverse();
  const listed = (source: "memory" | "archive") => (before: string | undefined, count: number) =>
    newest
      .filter((one) => one[source] === "listed" && (before === undefined || one.id < before))
      .slice(0, count)
      .map(({ id }): Item => ({ id, from: source }));
  const items: Item[] = [];
  let before: string | undefined;
  for (let pages = 0; pages < 100; pages++) {
    const page = await mergedPage<Item>({
      limit,
      before,
      memory: listed("memory"),
      archive: async (from, count) => listed("archive")(from, count),
      now: (id) => {
        const known = newest.find((one) => one.id === id)!.memory;
        return known === "absent" ? undefined : known === "hidden" ? "hidden" : { id, from: "memory" };
      },
    });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    if (page.next === null) return items;
    before = page.next;
  }
  throw new Error("the pages do not end");
}
