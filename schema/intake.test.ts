import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packReports, reportsIn } from "./intake.ts";
import { RECORDS_PER_MESSAGE } from "./packing.ts";

const textOf = (id: string) => JSON.stringify({ v: 1, id, dedupKey: "k", source: { scope: "api", name: "api" } });

describe("reports in a message of the intake", () => {
  it("come out as they were packed, whatever characters they have", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" }), { minLength: 1, maxLength: 20 }), (ids) => {
        const reports = reportsIn(7, packReports(ids.map(textOf)));
        expect(reports.map(({ record }) => record?.id)).toEqual(ids);
        expect(reports.map(({ text }) => text)).toEqual(ids.map(textOf));
      }),
    );
  });

  it("have places that rise from report to report, above those that were counted by messages", () => {
    const messages = fc.array(fc.integer({ min: 1, max: RECORDS_PER_MESSAGE }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000_000 }), messages, (before, counts) => {
        const places = counts.flatMap((count, index) => {
          const payload = packReports(Array.from({ length: count }, () => "{}"));
          return reportsIn(before + 1 + index, payload).map(({ place }) => place);
        });
        let last = before;
        for (const place of places) {
          expect(place).toBeGreaterThan(last);
          last = place;
        }
      }),
      { numRuns: 20 },
    );
  });

  it("are one where a report is a message of its own, as each once was", () => {
    expect(reportsIn(5, textOf("a"))).toMatchObject([{ place: 5_000, text: textOf("a"), record: { id: "a" } }]);
  });

  it("are told from what is none, each by itself", () => {
    const reports = reportsIn(5, packReports([textOf("a"), "no JSON", '{"v":2}', '{"v":1}', textOf("b")]));
    expect(reports.map(({ place, record }) => [place, record?.id])).toEqual([
      [5_000, "a"],
      [5_001, undefined],
      [5_002, undefined],
      [5_003, undefined],
      [5_004, "b"],
    ]);
    expect(reportsIn(5, "")).toMatchObject([{ place: 5_000, record: undefined }]);
  });

  it("are none where they are more than have a place before the next message", () => {
    const payload = packReports(Array.from({ length: RECORDS_PER_MESSAGE + 1 }, () => textOf("a")));
    expect(reportsIn(5, payload)).toEqual([{ place: 5_000, text: payload, record: undefined }]);
  });
});
