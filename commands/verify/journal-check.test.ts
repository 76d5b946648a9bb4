import { describe, expect, it } from "vitest";
import { registry } from "../../actors/registry.ts";
import { chainHash } from "../../runtime/chain.ts";
import { SNAPSHOT_VERSION } from "../../runtime/image.ts";
import type { JournalEntry } from "../../runtime/ports/index.ts";
import { JournalCheck } from "./journal-check.ts";
import { aboard, assigned, carrying, cleared, held, released, Story } from "./testing/story.ts";

function checked(entries: readonly JournalEntry[]) {
  const check = new JournalCheck(registry);
  for (const entry of entries) check.entry(entry);
  return check.end();
}

/** What is wrong, as `kind×count@first`. */
function problemsOf({ entries }: Story): string[] {
  return checked(entries).problems.map(({ kind, count, sequence }) => `${kind}×${count}@${sequence}`);
}

const noted = { type: "incident.noted", note: "n" };
const worked = () => new Story().incident("i1").incident("i2").unit("u1").assign("i1", "u1");

describe("a journal check", () => {
  it("finds nothing in a true story, and counts it", () => {
    const story = worked().commit(cleared("i1", "u1"), released("u1", "i1")).assign("i2", "u1");
    expect(checked(story.entries)).toEqual({
      envelopes: 9,
      archived: 0,
      events: 12,
      actors: { incident: 2, resource: 1 },
      problems: [],
    });
  });

  it("finds a version that is left out, once", () => {
    const story = worked()
      .commit({ kind: "incident", id: "i1", events: [noted], twist: { version: 4 } })
      .commit({ kind: "incident", id: "i1", events: [noted] });
    expect(problemsOf(story)).toEqual(["version×1@6"]);
  });

  it("finds an envelope that was changed, by the hash in the one after it", () => {
    const story = worked().commit({ kind: "incident", id: "i1", events: [noted] });
    const [first, ...rest] = story.entries;
    const changed = { ...first!, payload: first!.payload.replace('"title":"t"', '"title":"T"') };
    const { problems } = checked([changed, ...rest]);
    expect(problems).toMatchObject([{ kind: "chain", count: 1, sequence: 4, actor: "incident.i1" }]);
  });

  it("finds events that cannot have happened, and asks no more of that actor than its chain", () => {
    const story = worked()
      .commit({ kind: "resource", id: "u1", events: [{ type: "resource.assigned", incidentId: "i2" }] })
      .commit({ kind: "resource", id: "u1", events: [{ type: "resource.unheard_of" }] });
    const { problems } = checked(story.entries);
    expect(problems).toMatchObject([{ kind: "fold", count: 1, sequence: 6, detail: "the unit is held by i1" }]);
  });

  it("finds what is no envelope, of an unknown actor or under another's subject", () => {
    const story = worked()
      .raw("evt.a.incident.i1", "{}")
      .commit({ kind: "incident", id: "i1", events: [noted], twist: { version: 4 } })
      .raw("evt.a.drone.d1", "{}")
      .commit({ kind: "incident", id: "i2", events: [noted], twist: { agency: "b" } });
    expect(problemsOf(story)).toEqual(["unreadable×1@6", "misplaced×2@8"]);
  });

  it("finds a command that was done twice and a number that was given twice", () => {
    const story = worked()
      .commit({ kind: "incident", id: "i1", events: [noted], twist: { commandId: "command-1" } })
      .incident("i3", "A-2026-i2");
    expect(problemsOf(story)).toEqual(["repeated×1@6", "number×1@7"]);
  });

  it("finds entries that are not there, at the start and in between", () => {
    const { entries } = new Story().incident("i1").incident("i2").incident("i3").incident("i4");
    const { problems } = checked([entries[1]!, entries[3]!]);
    expect(problems).toMatchObject([{ kind: "missing", count: 2, sequence: 1 }]);
  });

  it("takes what has left the journal from the archive, of actors alone that have departed", () => {
    const over = [{ type: "incident.cancelled" }, { type: "incident.archived" }];
    const story = new Story().incident("i1").incident("i2");
    for (const event of over) story.commit({ kind: "incident", id: "i1", events: [event] });
    const check = new JournalCheck(registry);
    for (const entry of story.entries.slice(0, 3)) check.entry(entry, entry.sequence === 2 ? "journal" : "archive");
    expect(check.unaccounted).toMatchObject([{ kind: "incident", id: "i1" }]);
    check.entry(story.entries[3]!);
    expect(check.end()).toMatchObject({ envelopes: 4, archived: 2, problems: [] });

    const lost = new JournalCheck(registry);
    for (const entry of story.entries.slice(0, 3)) lost.entry(entry, entry.sequence === 2 ? "archive" : "journal");
    expect(lost.end().problems).toMatchObject([{ kind: "missing", sequence: 2, actor: "incident.i2" }]);
  });

  it.each([
    ["a unit that is held by nobody's word but its own", [held("u1", "i1")], 4],
    ["a unit that is assigned and does not know it", [assigned("i1", "u1")], 4],
    ["a unit that is held by another incident than it is assigned to", [assigned("i1", "u1"), held("u1", "i2")], 5],
    [
      "a unit on two incidents",
      [assigned("i1", "u1"), { ...assigned("i2", "u1"), twist: { commandId: "command-4" } }, held("u1", "i1")],
      6,
    ],
  ])("finds %s", (_what, parts, sequence) => {
    const story = new Story().incident("i1").incident("i2").unit("u1");
    story.commit(...parts);
    expect(problemsOf(story)).toEqual([`agreement×1@${sequence}`]);
  });

  it("finds a unit that was set free by one side alone", () => {
    expect(problemsOf(worked().commit(cleared("i1", "u1")))).toEqual(["agreement×1@6"]);
    expect(problemsOf(worked().commit(released("u1", "i1")))).toEqual(["agreement×1@6"]);
  });

  it("finds carriers and members that do not know of each other", () => {
    const crew = () => new Story().unit("u1").unit("u2").unit("p1");
    expect(problemsOf(crew().commit(carrying("u1", "p1"), aboard("p1", "u1")))).toEqual([]);
    expect(problemsOf(crew().commit(aboard("p1", "u1")))).toEqual(["agreement×1@4"]);
    expect(problemsOf(crew().commit(carrying("u1", "p1")))).toEqual(["agreement×1@4"]);
    expect(problemsOf(crew().commit(carrying("u1", "p1"), aboard("p1", "u2")))).toEqual(["agreement×1@5"]);
  });

  it("counts a disagreement once for as long as it lasts, and again when it comes back", () => {
    const story = new Story().incident("i1").unit("u1").commit(assigned("i1", "u1"));
    const note = () => story.commit({ kind: "incident", id: "i1", events: [noted] });
    note();
    note();
    expect(problemsOf(story)).toEqual(["agreement×1@3"]);
    story.commit(held("u1", "i1")).commit(released("u1", "i1"));
    expect(problemsOf(story)).toEqual(["agreement×2@3"]);
  });

  const snapshotOf = (version: number, sequence: number, hash: string) =>
    JSON.stringify({ v: SNAPSHOT_VERSION, state: {}, version, sequence, hash, recent: [] });

  it.each([
    ["of the newest version", snapshotOf(2, 4, "right"), []],
    ["of an older version", snapshotOf(1, 1, "whatever"), []],
    ["of another layout", '{"v":0}', []],
    ["written while the journal was read", snapshotOf(3, 9, "new"), []],
    ["of what the journal does not hold", snapshotOf(3, 10, "new"), ["snapshot×1@10"]],
    ["of a version that the journal does not know", snapshotOf(3, 5, "new"), ["snapshot×1@5"]],
    ["of another history", snapshotOf(2, 4, "another"), ["snapshot×1@4"]],
  ])("holds a snapshot %s against the journal", (_what, text, problems) => {
    const { entries } = worked();
    const check = new JournalCheck(registry);
    for (const entry of entries) check.entry(entry);
    const known = text.replace("right", chainHash(entries[3]!.payload));
    if (!check.snapshot("incident.i1", known)) check.snapshot("incident.i1", known, 9);
    expect(check.end().problems.map(({ kind, count, sequence }) => `${kind}×${count}@${sequence}`)).toEqual(problems);
  });
});
