import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planReplay, type Step } from "./plan.ts";
import type { CallRecord, UnitRun } from "./records.ts";
import { callRecord, unitRun } from "./testing/rows.ts";

const story = (steps: readonly Step[]) =>
  steps.map(({ kind, call, run }) => [kind, call, run?.callSign].join(" ").trim());

describe("a plan", () => {
  it("tells a call from its creation to its close", () => {
    const runs = [
      unitRun({ callSign: "E1", dispatchedAtMs: 10, enRouteAtMs: 20, onSceneAtMs: 30, availableAtMs: 60 }),
      unitRun({
        callSign: "M1",
        dispatchedAtMs: 10,
        sequence: 2,
        onSceneAtMs: 35,
        transportingAtMs: 50,
        availableAtMs: 90,
      }),
    ];
    expect(story(planReplay([callRecord({ key: "a", receivedAtMs: 5, runs })]).steps)).toEqual([
      "create 0",
      "assign 0 E1",
      "assign 0 M1",
      "en_route 0 E1",
      "on_scene 0 E1",
      "on_scene 0 M1",
      "transporting 0 M1",
      "clear 0 E1",
      "clear 0 M1",
      "resolve 0",
      "close 0",
    ]);
  });

  it("frees a unit in the second in which its next call takes it", () => {
    const calls = [
      callRecord({
        key: "a",
        receivedAtMs: 0,
        runs: [unitRun({ callSign: "E1", dispatchedAtMs: 1, availableAtMs: 50 })],
      }),
      callRecord({ key: "b", receivedAtMs: 40, runs: [unitRun({ callSign: "E1", dispatchedAtMs: 50 })] }),
    ];
    const { steps } = planReplay(calls);
    expect(story(steps)).toEqual([
      "create 0",
      "assign 0 E1",
      "create 1",
      "clear 0 E1",
      "resolve 0",
      "close 0",
      "assign 1 E1",
      "resolve 1",
      "close 1",
    ]);
    expect(steps[6]?.after.toSorted()).toEqual([2, 3]);
  });

  it("frees by its resolution a unit of which the record does not say that it was free", () => {
    const station = (key: string, receivedAtMs: number) =>
      callRecord({ key, receivedAtMs, runs: [unitRun({ callSign: "STA 1", dispatchedAtMs: receivedAtMs })] });
    const { steps } = planReplay([station("a", 7), station("b", 7)]);
    const assign = steps.findIndex(({ kind, call }) => kind === "assign" && call === 1);
    const resolve = steps.findIndex(({ kind, call }) => kind === "resolve" && call === 0);
    expect(steps[assign]?.after).toContain(resolve);
  });

  it("cancels a call without units", () => {
    expect(story(planReplay([callRecord({ key: "a", receivedAtMs: 5 })]).steps)).toEqual(["create 0", "cancel 0"]);
  });
});

/** Up to 12 calls in a few minutes, shared by four units: ties and overlaps are common. */
const calls: fc.Arbitrary<CallRecord[]> = fc
  .array(
    fc.record({
      receivedAtMs: fc.nat(20),
      runs: fc.uniqueArray(
        fc.record({
          callSign: fc.constantFrom("E1", "E2", "M1", "T1"),
          sequence: fc.integer({ min: 1, max: 4 }),
          delays: fc.tuple(fc.nat(5), fc.nat(5), fc.nat(5), fc.nat(5), fc.nat(5)),
          known: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean()),
        }),
        { selector: (run) => run.callSign, maxLength: 4 },
      ),
    }),
    { maxLength: 12 },
  )
  .map((drafts) =>
    drafts
      .toSorted((a, b) => a.receivedAtMs - b.receivedAtMs)
      .map(({ receivedAtMs, runs }, index) =>
        callRecord({
          key: String(index).padStart(3, "0"),
          receivedAtMs,
          runs: runs.map(({ callSign, sequence, delays, known }): UnitRun => {
            const at = (step: number) => delays.slice(0, step + 1).reduce((sum, delay) => sum + delay, receivedAtMs);
            return unitRun({
              callSign,
              sequence,
              dispatchedAtMs: at(0),
              enRouteAtMs: known[0] ? at(1) : undefined,
              onSceneAtMs: known[1] ? at(2) : undefined,
              transportingAtMs: known[2] ? at(3) : undefined,
              availableAtMs: known[3] ? at(4) : undefined,
            });
          }),
        }),
      ),
  );

const indexed = (steps: readonly Step[]) => steps.map((step, index) => ({ ...step, index }));

/** True where each step waits, by way of others, for the one before it. */
function isChain(steps: readonly Step[], chain: readonly { readonly index: number }[]): boolean {
  return chain.every(({ index }, position) => {
    const before = chain[position - 1]?.index;
    return before === undefined || (steps[index]?.after ?? []).includes(before);
  });
}

describe("any plan", () => {
  it("is in the order of the record, and waits for earlier steps only", () => {
    fc.assert(
      fc.property(calls, (records) => {
        const { steps } = planReplay(records);
        for (const { index, atMs, after } of indexed(steps)) {
          expect(atMs).toBeGreaterThanOrEqual(steps[index - 1]?.atMs ?? 0);
          expect(after.every((before) => before >= 0 && before < index)).toBe(true);
        }
      }),
    );
  });

  it("keeps the steps of each call in a chain, from create to close", () => {
    fc.assert(
      fc.property(calls, (records) => {
        const { steps } = planReplay(records);
        for (const [call, record] of records.entries()) {
          const own = indexed(steps).filter((step) => step.call === call);
          expect(isChain(steps, own)).toBe(true);
          expect(own[0]?.kind).toBe("create");
          expect(own.slice(record.runs.length === 0 ? -1 : -2).map(({ kind }) => kind)).toEqual(
            record.runs.length === 0 ? ["cancel"] : ["resolve", "close"],
          );
          for (const run of record.runs) {
            const kinds = own.filter((step) => step.run === run).map(({ kind }) => kind);
            const expected = ["assign", "en_route", "on_scene", "transporting", "clear"];
            expect(kinds).toEqual(expected.filter((kind) => (kinds as string[]).includes(kind)));
            expect(kinds[0]).toBe("assign");
          }
        }
      }),
    );
  });

  it("keeps the steps of each unit in a chain, and never sends it on before it is free where the record does not", () => {
    fc.assert(
      fc.property(calls, (records) => {
        const { steps } = planReplay(records);
        for (const callSign of ["E1", "E2", "M1", "T1"]) {
          const isRelease = (step: Step) =>
            step.kind === "resolve" &&
            records[step.call]?.runs.some((run) => run.callSign === callSign && run.availableAtMs === undefined);
          const own = indexed(steps).filter((step) => step.run?.callSign === callSign || isRelease(step));
          expect(isChain(steps, own)).toBe(true);
          for (const clear of own.filter(({ kind }) => kind === "clear")) {
            const later = records.filter(
              (record, call) =>
                call !== clear.call &&
                record.runs.some(
                  (run) =>
                    run.callSign === callSign &&
                    run.dispatchedAtMs >= clear.atMs &&
                    run.dispatchedAtMs > (clear.run?.dispatchedAtMs ?? 0),
                ),
            );
            for (const record of later) {
              const assign = own.find(({ kind, call }) => kind === "assign" && records[call] === record);
              expect(assign?.index).toBeGreaterThan(clear.index);
            }
          }
        }
      }),
    );
  });
});
