import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Ports, PortUnavailable, type Repeatable, UncertainOutcome } from "../../runtime/ports/index.ts";
import { KeptOnce } from "./kept-once.ts";

type AppendOnce = Ports["intake"]["appendOnce"];

const idsOf = (entries: readonly Repeatable[]) => entries.map(({ id }) => id);
const keeping = (appendOnce: AppendOnce, batchFrom = 3) =>
  new KeptOnce(
    { soon: (task) => queueMicrotask(task) },
    { appendOnce },
    { groupMin: batchFrom, groupMax: 256, groupsMax: 2 },
  );

/** One that keeps all of what it is given or none. */
function stream(...before: readonly string[]) {
  const kept: string[] = [];
  const known = new Set(before);
  const write = (entries: readonly Repeatable[]) => {
    const ids = idsOf(entries);
    if (new Set(ids).size < ids.length || ids.some((id) => known.has(id))) return false;
    for (const id of ids) known.add(id);
    kept.push(...ids);
    return true;
  };
  return { kept, write };
}

/** With a stream whose writes are told, and may fail. */
function written(fails: (ids: string) => Error | undefined = () => undefined, ...before: readonly string[]) {
  const { kept, write } = stream(...before);
  const writes: string[] = [];
  const once = keeping(async (entries) => {
    const ids = idsOf(entries).join(" ");
    writes.push(ids);
    const error = fails(ids);
    if (error !== undefined) throw error;
    return write(entries) ? { ok: true, sequences: [] } : { ok: false };
  });
  const keep = (ids: string, isUrgent = false) =>
    once
      .keep(
        ids.split(" ").map((id) => ({ subject: "s", payload: id, id })),
        isUrgent,
      )
      .then(
        () => "kept",
        ({ name }) => name,
      );
  return { kept, writes, once, keep };
}

const requestsOf = (name: number, requests: readonly number[]) =>
  requests.map((size, index) =>
    Array.from({ length: size }, (_, at) => ({ subject: "s", payload: "", id: `${name}-${index}-${at}` })),
  );

describe("what senders may repeat", () => {
  it("is written one by one while it is little, and else at once, what is urgent first", async () => {
    const { writes, keep, once } = written();
    await Promise.all([keep("a"), keep("b")]);
    await Promise.all([keep("c"), keep("d1 d2"), keep("e", true)]);
    expect(writes).toEqual(["a", "b", "e c d1 d2"]);
    expect(once.count).toBe(6);
  });

  it("is taken apart where one was there before, as far as it takes, and counted where it was not", async () => {
    const { writes, kept, keep, once } = written(undefined, "b2");
    expect(await Promise.all([keep("a1 a2"), keep("b1 b2 b3"), keep("c")])).toEqual(["kept", "kept", "kept"]);
    expect(writes).toEqual(["a1 a2 b1 b2 b3 c", "a1 a2", "b1 b2 b3", "c", "b1", "b2", "b3"]);
    expect(kept).toEqual(["a1", "a2", "c", "b1", "b3"]);
    expect(once.count).toBe(5);
  });

  it("does not fail with what it stands beside", async () => {
    const { keep, kept } = written((ids) => (ids.includes("large") ? new RangeError("too large") : undefined));
    expect(await Promise.all([keep("a"), keep("large"), keep("b")])).toEqual(["kept", "RangeError", "kept"]);
    expect(kept).toEqual(["a", "b"]);
  });

  it("is not said to be unchanged where it may have been kept together with others", async () => {
    const { keep } = written((ids) => (ids.includes(" ") ? new UncertainOutcome("lost") : new PortUnavailable("gone")));
    expect(await Promise.all([keep("a"), keep("b"), keep("c")])).toEqual(Array(3).fill("UncertainOutcome"));
    expect(await keep("d")).toBe("PortUnavailable");
  });

  it("is kept once and in its sender's order, however senders come together, repeat it and hear nothing", async () => {
    const fate = fc.constantFrom("answered", "answered", "lost", "unanswered", "late");
    const sender = fc.record({
      /** Each of so many reports; none is begun before the one before it is kept. */
      requests: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }),
      /** So many say the same at the same time. */
      twins: fc.integer({ min: 1, max: 3 }),
    });
    const all = fc.record({
      senders: fc.array(sender, { maxLength: 8 }),
      fates: fc.array(fate),
      batchFrom: fc.nat({ max: 8 }),
      /** Of each request this report, if it has so many, was there before. */
      before: fc.option(fc.nat({ max: 3 })),
    });
    await fc.assert(
      fc.asyncProperty(all, async ({ senders, fates, batchFrom, before }) => {
        const said = senders.map(({ requests, twins }, name) => ({ requests: requestsOf(name, requests), twins }));
        const isBefore = (id: string) => id.endsWith(`-${before}`);
        const ids = said.flatMap(({ requests }) => idsOf(requests.flat()));
        const { kept, write } = stream(...ids.filter(isBefore));
        let unheard = 0;
        const late: (readonly Repeatable[])[] = [];
        const writeUnheard = (entries: readonly Repeatable[]) => {
          if (write(entries)) unheard += entries.length;
        };
        const answers = fates.values();
        const once = keeping(async (entries) => {
          const fate = answers.next().value ?? "answered";
          await Promise.resolve();
          const arrived = late.splice(0);
          if (fate === "answered") {
            const ok = write(entries);
            arrived.forEach(writeUnheard);
            return ok ? { ok, sequences: [] } : { ok };
          }
          if (fate === "unanswered") writeUnheard(entries);
          if (fate === "late") late.push(entries);
          arrived.forEach(writeUnheard);
          throw new UncertainOutcome(fate);
        }, batchFrom);
        const until = async (entries: readonly Repeatable[]): Promise<void> =>
          once.keep(entries, entries.length === 2).catch(() => until(entries));
        await Promise.all(
          said.flatMap(({ requests, twins }) =>
            Array.from({ length: twins }, async () => {
              for (const request of requests) await until(request);
            }),
          ),
        );
        late.forEach(writeUnheard);
        for (const name of senders.keys()) {
          const isTheirs = (id: string) => id.startsWith(`${name}-`) && !isBefore(id);
          expect(kept.filter(isTheirs)).toEqual(ids.filter(isTheirs));
        }
        expect(once.count + unheard).toBe(kept.length);
      }),
      { numRuns: 300 },
    );
  });
});
