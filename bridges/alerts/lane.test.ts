import { describe, expect, it } from "vitest";
import type { IntakeEntry, Ports } from "../../runtime/ports/index.ts";
import { packReports } from "../../schema/intake.ts";
import { Lane, type LaneReport } from "./lane.ts";

const textOf = (id: string) => JSON.stringify({ v: 1, id, dedupKey: "k", source: { scope: "s", name: "s" } });

/** A lane that somebody feeds by hand, from where the one before it has left it. */
async function running(noted: Map<string, string>, atOnce = Number.POSITIVE_INFINITY) {
  let handle: (entry: IntakeEntry) => Promise<void> = async () => undefined;
  let from = -1;
  const ports = {
    config: {
      get: async (key: string) => (noted.has(key) ? { value: noted.get(key)! } : undefined),
      put: async ([{ key, value }]: readonly [{ key: string; value: string }]) => void noted.set(key, value),
    },
    intake: {
      follow: async (_subject: string, after: number, onEntry: typeof handle) => {
        from = after;
        handle = onEntry;
        return () => undefined;
      },
    },
    // Of the ports a lane needs but these, and of them no more.
  } as unknown as Ports;
  const begun: LaneReport[] = [];
  const ends: (() => void)[] = [];
  const lane = new Lane(
    "normal",
    ports,
    () => atOnce,
    (report) => {
      begun.push(report);
      return new Promise((end) => ends.push(end));
    },
  );
  await lane.start();
  return {
    lane,
    begun,
    places: () => begun.map(({ intake }) => intake.sequence),
    from: () => from,
    comes: (sequence: number, ids: readonly string[], pending = 0) =>
      handle({ sequence, subject: "alert.in.a.s", payload: packReports(ids.map(textOf)), atMs: 0, pending }),
    /** @param index of those begun */
    end: async (...indexes: readonly number[]) => {
      for (const index of indexes) ends[index]!();
      await settled();
    },
  };
}

/** What follows from promises that are resolved by now has happened. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("a lane of the intake", () => {
  it("begins the reports of messages in order, each at a place of its own", async () => {
    const { comes, begun, places } = await running(new Map());
    await comes(4, ["a", "b"]);
    await comes(9, ["c"]);
    expect(places()).toEqual([4_000, 4_001, 9_000]);
    expect(begun.map(({ record }) => record?.id)).toEqual(["a", "b", "c"]);
  });

  it("notes the last message up to which all reports have ended", async () => {
    const noted = new Map<string, string>();
    const { comes, end, lane } = await running(noted);
    await comes(4, ["a", "b"]);
    await comes(9, ["c"]);
    await end(2, 1);
    await lane.note();
    expect([...noted.values()]).toEqual(["3"]);
    await end(0);
    await lane.note();
    expect([...noted.values()]).toEqual(["9"]);
  });

  it("begins a message again as a whole, at the same places, when it is left in its midst", async () => {
    const noted = new Map<string, string>();
    const first = await running(noted);
    await first.comes(4, ["a"]);
    await first.comes(5, ["b", "c", "d"]);
    await first.end(0, 1, 3);
    await first.lane.note();
    const second = await running(noted);
    expect(second.from()).toBe(4);
    await second.comes(5, ["b", "c", "d"]);
    expect(second.places()).toEqual(first.places().slice(1));
  });

  it("works on no more at once than it may, and begins none of a message's others once it is stopped", async () => {
    const noted = new Map<string, string>();
    const { comes, end, lane, begun } = await running(noted, 2);
    const coming = comes(4, ["a", "b", "c", "d"]);
    await settled();
    expect(begun).toHaveLength(2);
    await end(0);
    expect(begun).toHaveLength(3);
    lane.stop();
    await end(1, 2);
    await coming;
    expect(begun).toHaveLength(3);
    await lane.note();
    expect([...noted.values()]).toEqual(["3"]);
  });

  it("tells how many reports wait: those it has read, and of messages that are not read about as many as of late", async () => {
    const { comes, end, lane } = await running(new Map());
    for (let message = 1; message <= 200; message++)
      await comes(
        message,
        Array.from({ length: 50 }, () => "a"),
        100,
      );
    expect(Math.abs(lane.waiting - 200 * 50 - 100 * 50)).toBeLessThan(50);
    await comes(201, ["a"]);
    await end(...Array.from({ length: 200 * 50 }, (_, index) => index));
    expect(lane.waiting).toBe(1);
  });
});
