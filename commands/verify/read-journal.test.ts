import { describe, expect, it } from "vitest";
import { registry } from "../../actors/registry.ts";
import { type Clock, type Journal, PortUnavailable } from "../../runtime/ports/index.ts";
import { JournalCheck } from "./journal-check.ts";
import { readJournal } from "./read-journal.ts";
import { Story } from "./testing/story.ts";

/** Waits for nothing: whatever is put off comes at once, and the time it takes has passed. */
function hastyClock(): Clock {
  let nowMs = 0;
  const after = (delayMs: number, callback: () => void) => {
    nowMs += delayMs;
    setImmediate(callback);
    return () => undefined;
  };
  return { now: () => nowMs, monotonicMs: () => nowMs, after, soon: (callback) => void after(0, callback) };
}

/** A journal in pages of three, of which at first only so many entries can be seen. */
function journalOf({ entries }: Story, visible = entries.length) {
  let reads = 0;
  const read = async (_subject: string, after: number) => {
    reads += 1;
    // Two looks after the end was reached, the rest is there.
    const seen = reads > Math.ceil(visible / 3) + 2 ? entries.length : visible;
    return entries.filter(({ sequence }) => sequence > after && sequence <= seen).slice(0, 3);
  };
  return { read } as Pick<Journal, "read"> as Journal;
}

async function checkedUpTo(until: number, journal: Journal) {
  const check = new JournalCheck(registry);
  const progress: number[] = [];
  await readJournal(journal, until, hastyClock(), check, (position) => progress.push(position));
  return { ...check.end(), progress };
}

const story = new Story().incident("i1").incident("i2").unit("u1").assign("i1", "u1").incident("i3");

describe("reading a journal", () => {
  it("reads page by page to the end", async () => {
    const { envelopes, problems, progress } = await checkedUpTo(6, journalOf(story));
    expect({ envelopes, problems, progress }).toEqual({ envelopes: 6, problems: [], progress: [3, 6] });
  });

  it("reads nothing of an empty journal", async () => {
    expect(await checkedUpTo(0, journalOf(new Story()))).toMatchObject({ envelopes: 0, problems: [] });
  });

  it("takes the rest of the last commit with it, and no more", async () => {
    expect(await checkedUpTo(4, journalOf(story))).toMatchObject({ envelopes: 5, problems: [] });
  });

  it("waits for the rest of a commit that is being written", async () => {
    expect(await checkedUpTo(4, journalOf(story, 4))).toMatchObject({ envelopes: 5, problems: [] });
  });

  it("says that a commit is broken when its rest never comes", async () => {
    const half = new Story();
    half.entries.push(...story.entries.slice(0, 4));
    const { problems } = await checkedUpTo(4, journalOf(half));
    expect(problems).toMatchObject([{ kind: "agreement", sequence: 4 }]);
  });

  it("says that the end is missing where less is there than should be", async () => {
    const { problems } = await checkedUpTo(8, journalOf(story));
    expect(problems).toMatchObject([{ kind: "missing", sequence: 7 }]);
  });

  it("fails when the journal cannot be read", async () => {
    const read = () => Promise.reject(new PortUnavailable("away"));
    await expect(checkedUpTo(1, { read } as Pick<Journal, "read"> as Journal)).rejects.toThrow("away");
  });
});
