import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AnyActor } from "./actor.ts";
import { Board, type ListQuery, type View } from "./board.ts";
import { Coverage } from "./coverage.ts";
import type { Place } from "./places/place.ts";
import { type Region, regionOf } from "./places/region.ts";
import { SimProcess } from "./sim/process.ts";
import { SimServer } from "./sim/server.ts";
import { World } from "./sim/world.ts";

interface Thing {
  readonly colour: string;
  readonly size: number | null;
  readonly tags: readonly string[];
  readonly guests: readonly string[];
  readonly at?: Place;
}

const AGENCIES = ["a", "b", "c"];
const definition = { kind: "thing", sharedWith: (state: Thing) => state.guests } as unknown as AnyActor;

const view: View = {
  present: (id) => ({ id }),
  place: (state) => (state as Thing).at,
  indexed: {
    colour: (state) => (state as Thing).colour,
    size: (state) => (state as Thing).size,
    tag: (state) => (state as Thing).tags,
  },
  matches(state, filters) {
    const { colour, size, tags } = state as Thing;
    const { colour: colours, size: sizes, tag, even } = filters as Record<string, never[] | undefined>;
    return (
      (colours === undefined || colours.includes(colour as never)) &&
      (sizes === undefined || sizes.includes(size as never)) &&
      (tag === undefined || tags.includes(tag as unknown as string)) &&
      // No index knows of this one.
      (even === undefined || (size ?? 0) % 2 === 0)
    );
  },
};

function boardOn(world: World): Board {
  const { ports } = new SimProcess(new SimServer(world), "p");
  return new Board(new Map([["thing", definition]]), new Map([["thing", view]]), ports, new Coverage(0));
}

const idOf = (n: number) => String(n).padStart(6, "0");
const sees = (agencies: readonly string[], guests: readonly string[]) =>
  agencies.some((agency) => agency === "a" || guests.includes(agency));

/** Others' turns are the simulated world's: it has to run for them to come. */
async function page(world: World, board: Board, query: Omit<ListQuery, "kind">) {
  let listed: Awaited<ReturnType<Board["list"]>> | undefined;
  void board.list({ kind: "thing", ...query }).then((found) => {
    listed = found;
  });
  const wait = () => {
    if (listed === undefined) world.at(0, wait);
  };
  wait();
  await world.run(() => listed !== undefined, 1_000);
  return listed as unknown as { readonly items: readonly { readonly id: string }[]; readonly next: string | null };
}

async function allPages(world: World, board: Board, query: Omit<ListQuery, "kind" | "after">): Promise<string[]> {
  const ids: string[] = [];
  for (let after: { after?: string } = {}; ; ) {
    const { items, next } = await page(world, board, { ...query, ...after });
    ids.push(...items.map(({ id }) => id));
    if (next === null) return ids;
    expect(items).toHaveLength(query.limit);
    after = { after: next };
  }
}

const colour = fc.constantFrom("red", "green", "blue");
const tag = fc.constantFrom("x", "y", "z");
const size = fc.nat(4);
const commit = fc.record({
  id: fc.nat(30).map((n) => String(n).padStart(2, "0")),
  colour,
  size: fc.option(size),
  tags: fc.uniqueArray(tag),
  guests: fc.uniqueArray(fc.constantFrom("b", "c")),
});
const filters = fc.record(
  {
    colour: fc.array(colour, { minLength: 1, maxLength: 3 }),
    size: fc.array(size, { minLength: 1 }),
    tag,
    even: fc.constant(true),
  },
  { requiredKeys: [] },
);
const query = fc.record({
  filters,
  agencies: fc.subarray(AGENCIES, { minLength: 1 }),
  limit: fc.integer({ min: 1, max: 7 }),
});

describe("a filtered list", () => {
  it("is what looking at everything would have found, page by page, however rows have changed", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(commit, { maxLength: 80 }),
        fc.array(query, { minLength: 1, maxLength: 5 }),
        async (commits, queries) => {
          const world = new World(1);
          const board = boardOn(world);
          const model = new Map<string, Thing>();
          for (const [index, { id, ...state }] of commits.entries()) {
            board.committed({ kind: "thing", id }, { agency: "a", state, version: index + 1, sequence: index + 1 });
            model.set(id, state);
          }
          for (const { filters, agencies, limit } of queries) {
            const expected = [...model]
              .filter(([, state]) => sees(agencies, state.guests))
              .filter(([, state]) => view.matches(state, filters))
              .map(([id]) => id)
              .sort()
              .reverse();
            expect(await allPages(world, board, { agencies, filters, limit })).toEqual(expected);
            expect([...board.rowsOf("thing", agencies, filters)].map(({ id }) => id)).toEqual(expected);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("of an area is what looking at everything would have found, whether much is in the area or fits, or little", async () => {
    const world = new World(1);
    const board = boardOn(world);
    const rows = Array.from({ length: 5_000 }, (_, n) => {
      const at = { lat: (n % 70) / 10, lon: Math.floor(n / 70) / 10 };
      return {
        id: idOf(n),
        colour: n % 500 === 0 ? "green" : "red",
        size: n,
        tags: [],
        guests: n % 3 ? [] : ["b"],
        at,
      };
    });
    for (const [index, { id, ...state }] of rows.entries())
      board.committed({ kind: "thing", id }, { agency: "a", state, version: 1, sequence: index + 1 });
    const areas = [
      { west: -180, south: -90, east: 180, north: 90 },
      { west: 0.95, south: 0.95, east: 2.05, north: 2.05 },
      { west: 50, south: 50, east: 51, north: 51 },
    ];
    for (const area of areas) {
      const region = regionOf(area) as Region;
      for (const colours of [["red"], ["green"], ["red", "green"]])
        for (const agencies of [["a"], ["b"], ["a", "b"], ["c"]]) {
          const expected = rows
            .filter(
              ({ colour, guests, at }) => colours.includes(colour) && region.contains(at) && sees(agencies, guests),
            )
            .map(({ id }) => id)
            .reverse();
          expect(await allPages(world, board, { agencies, filters: { colour: colours }, limit: 500, region })).toEqual(
            expected,
          );
        }
    }
  });

  it("that fits next to nothing gives others their turn, and ends its page after so many rows, saying where to go on", async () => {
    const world = new World(1);
    const board = boardOn(world);
    for (let n = 0; n < 60_000; n++) {
      const state: Thing = { colour: "red", size: n === 1 ? 2 : 1, tags: [], guests: [] };
      board.committed({ kind: "thing", id: idOf(n) }, { agency: "a", state, version: 1, sequence: n + 1 });
    }
    let turns = 0;
    const everyTurn = () => {
      turns += 1;
      world.at(0, everyTurn);
    };
    world.at(0, everyTurn);
    // Of these filters no index finds fewer than all.
    const asked = { agencies: ["a"], filters: { colour: ["red"], even: true }, limit: 5 };
    const first = await page(world, board, asked);
    expect(first).toEqual({ items: [], next: idOf(10_000) });
    expect(turns).toBeGreaterThan(20);
    expect(await page(world, board, { ...asked, after: first.next! })).toEqual({
      items: [{ id: idOf(1) }],
      next: null,
    });
  });
});
