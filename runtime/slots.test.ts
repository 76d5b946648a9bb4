import { describe, expect, it } from "vitest";
import { type Room, Slots } from "./slots.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Tasks that end when they are told to, and a clock that goes on when it is told to. */
function slots(room: Room) {
  const now = { ...room };
  const ringing: (() => void)[] = [];
  const after = (_ms: number, ring: () => void) => {
    ringing.push(ring);
    return () => undefined;
  };
  const gate = new Slots({ after }, () => now);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (name: string) =>
    void gate.run(() => {
      begun.push(name);
      return new Promise<void>((end) => ends.set(name, end));
    });
  const end = async (name: string) => {
    ends.get(name)!();
    await settled();
  };
  return { now, begun, run, end, ring: () => ringing.splice(0).map((one) => one()) };
}

describe("slots", () => {
  it("let in as many as there is room for, the others in order", async () => {
    const { begun, run, end } = slots({ places: 2, pauseMs: 0 });
    for (const name of "abcd") run(name);
    await settled();
    expect(begun).toEqual(["a", "b"]);
    await end("b");
    expect(begun).toEqual(["a", "b", "c"]);
  });

  it("follow the room as it changes", async () => {
    const { now, begun, run, end } = slots({ places: 1, pauseMs: 0 });
    for (const name of "abcd") run(name);
    await settled();
    now.places = 3;
    await end("a");
    expect(begun).toEqual(["a", "b", "c", "d"]);
    now.places = 0;
    run("e");
    for (const name of "bcd") await end(name);
    expect(begun, "one goes on at least").toEqual(["a", "b", "c", "d", "e"]);
  });

  it("keep a place empty for as long as they are to", async () => {
    const { begun, run, end, ring } = slots({ places: 1, pauseMs: 4 });
    run("a");
    await settled();
    await end("a");
    run("b");
    await settled();
    expect(begun).toEqual(["a"]);
    ring();
    await settled();
    expect(begun).toEqual(["a", "b"]);
  });
});
