import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Ids, merged, SortedIds } from "./sorted-ids.ts";

const idOf = (n: number) => String(n).padStart(6, "0");
const descending = (ids: Iterable<string>) => [...new Set(ids)].sort().reverse();

describe("sorted ids", () => {
  const step = fc.record({ add: fc.boolean(), n: fc.nat(3_000) });

  it("are those that were added and not removed, once each, in order, whatever came in which order", () => {
    fc.assert(
      fc.property(fc.nat(2_500), fc.array(step, { maxLength: 400 }), fc.nat(3_000), (first, steps, from) => {
        const ids = new SortedIds();
        const model = new Set<string>();
        // Enough of them for several blocks.
        for (let n = 0; n < first; n++) {
          ids.add(idOf(n));
          model.add(idOf(n));
        }
        for (const { add, n } of steps) {
          if (add) ids.add(idOf(n));
          else ids.remove(idOf(n));
          if (add) model.add(idOf(n));
          else model.delete(idOf(n));
        }
        expect(ids.size).toBe(model.size);
        expect([...ids.descending()]).toEqual(descending(model));
        expect([...ids.descending(idOf(from))]).toEqual(descending(model).filter((id) => id < idOf(from)));
      }),
      { numRuns: 60 },
    );
  });

  it("of several lists are merged, each once", () => {
    const list = fc.array(fc.nat(50).map(idOf));
    fc.assert(
      fc.property(
        fc.array(list, { maxLength: 5 }),
        fc.option(fc.nat(50).map(idOf), { nil: undefined }),
        (all, from) => {
          const lists = all.map((ids): Ids => {
            if (ids.length === 1) return ids[0]!;
            const sorted = new SortedIds();
            for (const id of ids) sorted.add(id);
            return sorted;
          });
          expect([...merged(lists, from)]).toEqual(
            descending(all.flat()).filter((id) => from === undefined || id < from),
          );
        },
      ),
    );
  });
});
