import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packed } from "./packs.ts";

const sender = (name: string, ...entries: readonly [subject: string, payload: string][]) => ({
  name,
  entries: entries.map(([subject, payload]) => ({ subject, payload })),
});
const limits = { reports: 3, characters: 10 };
const told = (packs: ReturnType<typeof packed<ReturnType<typeof sender>>>) =>
  packs.map(({ subject, texts, senders }) => [subject, texts.join(" "), [...senders].map(({ name }) => name).join("")]);

describe("reports as few messages", () => {
  it("those of one subject are one, whoever has sent them", () => {
    const packs = packed([sender("a", ["s", "1"], ["u", "2"]), sender("b", ["s", "3"])], limits);
    expect(told(packs)).toEqual([
      ["s", "1 3", "ab"],
      ["u", "2", "a"],
    ]);
  });

  it("more or larger ones than fit are several", () => {
    const count = packed([sender("a", ["s", "1"], ["s", "2"], ["s", "3"], ["s", "4"])], limits);
    expect(told(count)).toEqual([
      ["s", "1 2 3", "a"],
      ["s", "4", "a"],
    ]);
    const size = packed([sender("a", ["s", "1234"], ["s", "5678901"], ["s", "larger than fits"], ["s", "2"])], limits);
    expect(told(size).map(([, texts]) => texts)).toEqual(["1234", "5678901", "larger than fits", "2"]);
  });

  it("those of one sender stay together where they fit, and the next ones go with the last of a subject", () => {
    const packs = packed(
      [sender("a", ["s", "1"], ["s", "2"]), sender("b", ["s", "3"], ["s", "4"]), sender("c", ["s", "5"])],
      limits,
    );
    expect(told(packs)).toEqual([
      ["s", "1 2", "a"],
      ["s", "3 4 5", "bc"],
    ]);
  });

  it("those of one sender are in its order, as their places tell which is the newer one", () => {
    const raised = packed([sender("a", ["urgent", "1"], ["normal", "over"], ["urgent", "again"])], limits);
    expect(told(raised).map(([subject, texts]) => [subject, texts])).toEqual([
      ["urgent", "1"],
      ["normal", "over"],
      ["urgent", "again"],
    ]);
    const next = packed([sender("a", ["s", "1"], ["t", "2"]), sender("b", ["t", "3"], ["s", "4"])], limits);
    expect(told(next)).toEqual([
      ["s", "1", "a"],
      ["t", "2 3", "ab"],
      ["s", "4", "b"],
    ]);
  });

  it("every report is in one of them, in the order of its subject and of its sender, and none is more than fits", () => {
    const entry = fc.tuple(fc.constantFrom("s", "t", "u"), fc.string({ maxLength: 14 }));
    const some = fc.array(fc.array(entry, { minLength: 1, maxLength: 8 }), { maxLength: 12 });
    fc.assert(
      fc.property(some, (sent) => {
        const packs = packed(
          sent.map((entries, index) => sender(String(index), ...entries)),
          limits,
        );
        for (const subject of ["s", "t", "u"]) {
          const texts = packs.filter((pack) => pack.subject === subject).flatMap((pack) => pack.texts);
          const expected = sent.flat().filter(([of]) => of === subject);
          expect(texts).toEqual(expected.map(([, payload]) => payload));
        }
        const placed = packs.flatMap(({ texts }) => texts);
        for (const entries of sent) {
          let from = 0;
          for (const [, payload] of entries) {
            const at = placed.indexOf(payload, from);
            expect(at).toBeGreaterThanOrEqual(from);
            from = at + 1;
          }
        }
        for (const { texts } of packs) {
          expect(texts.length).toBeLessThanOrEqual(limits.reports);
          if (texts.length > 1) expect(texts.join("").length).toBeLessThanOrEqual(limits.characters);
        }
      }),
    );
  });
});
