import fc from "fast-check";
import { expect, it } from "vitest";
import type { AnyActor } from "./actor.ts";
import { type Row, Trail } from "./board-trail.ts";

/** Remembers the commands that it was given. */
const definition: AnyActor = {
  kind: "story",
  initial: "",
  limits: { mailboxMax: 1, idleMs: 1 },
  agencyOf: () => "a",
  decide: {},
  evolve: { told: (state: string, { word }: { word: string }) => state + word },
  deadlines: () => [],
};

const entryOf = (id: string, version: number, sequence: number) => ({
  sequence,
  subject: `evt.a.story.${id}`,
  payload: JSON.stringify({
    v: 1,
    kind: "story",
    id,
    agency: "a",
    version,
    commandId: `c${sequence}`,
    at: "2026-01-01T00:00:00.000Z",
    by: "a",
    prev: "",
    events: [{ type: "told", word: `${sequence} ` }],
  }),
});

it("tells what each actor was before and after every entry, however far the board has gone ahead of some", () => {
  const anyStory = fc.array(fc.record({ id: fc.constantFrom("x", "y", "z"), ahead: fc.nat({ max: 6 }) }), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(anyStory, (steps) => {
      const versions = new Map<string, number>();
      const entries = steps.map(({ id }, at) => {
        versions.set(id, (versions.get(id) ?? 0) + 1);
        return { id, entry: entryOf(id, versions.get(id)!, at + 1) };
      });
      /** All rows there ever are, in order; the first is before everything. */
      const truth = new Map<string, Row[]>();
      for (const { id, entry } of entries) {
        const rows = truth.get(id) ?? [];
        const state = `${(rows.at(-1)?.state as string) ?? ""}${entry.sequence} `;
        truth.set(id, [...rows, { id, agency: "a", state, version: rows.length + 1, sequence: entry.sequence }]);
      }
      const trail = new Trail();
      const shown = new Map<string, Row>();
      const show = (id: string, row: Row | undefined) => {
        const known = shown.get(id);
        if (row === undefined || (known !== undefined && known.version >= row.version)) return;
        shown.set(id, row);
        trail.shown(id, known, row);
      };
      entries.forEach(({ id, entry }, at) => {
        const rows = truth.get(id)!;
        const now = rows.findIndex(({ sequence }) => sequence === entry.sequence);
        // The board may know of later commits already, and not of those between.
        show(id, rows[Math.min(rows.length - 1, now + steps[at]!.ahead)]);
        expect(trail.pass(id, definition, entry, shown.get(id))).toEqual({ before: rows[now - 1], after: rows[now] });
      });
    }),
  );
});

it("says that it cannot tell, where an entry is missing", () => {
  const trail = new Trail();
  const row = { id: "x", agency: "a", state: "1 ", version: 1, sequence: 1 };
  expect(trail.pass("x", definition, entryOf("x", 3, 3), row).after).toBeUndefined();
});
