import { describe, expect, it } from "vitest";
import { type Journal, type JournalEntry, type KeyValue, PortUnavailable } from "../../runtime/ports/index.ts";
import { systemClock } from "../../runtime/ports/system.ts";
import { heard } from "../testing/heard.ts";
import { Story } from "./testing/story.ts";
import { runVerify } from "./verify.ts";

async function run(line: string, entries: readonly JournalEntry[]) {
  const { out, said } = heard();
  const journal: Pick<Journal, "read" | "lastSequence"> = {
    lastSequence: async () => entries.length,
    read: async (_subject, after) => entries.slice(after),
  };
  const state: Pick<KeyValue, "entries"> = { async *entries() {} };
  const code = await runVerify(line.split(" ").filter(Boolean), {
    out,
    clock: systemClock,
    open: async () => ({ journal: journal as Journal, state: state as KeyValue, close: async () => undefined }),
  });
  return { code, ...said() };
}

const story = new Story().incident("i1").unit("u1").assign("i1", "u1");
const broken = [...story.entries, { sequence: 5, subject: "evt.a.incident.i1", payload: "\u001b[2J" }];

describe("the verify command", () => {
  it("says that nothing is wrong, and how much that was", async () => {
    const { code, result } = await run("", story.entries);
    expect(code).toBe(0);
    expect(result).toMatch(
      /^4 envelopes, 5 events; incident 1, resource 1\n[\d.]+ s, \d+ envelopes\/s\nnothing is wrong$/,
    );
  });

  it("names what is wrong and where, with nothing in it that a terminal would obey", async () => {
    const { code, result } = await run("", broken);
    expect(code).toBe(1);
    expect(result).toContain("PROBLEM unreadable");
    expect(result).toContain("first at sequence 5, incident.i1");
    expect(result).not.toContain("\u001b");
  });

  it("says it as JSON", async () => {
    const { code, result } = await run("--json", broken);
    expect(code).toBe(1);
    expect(JSON.parse(result)).toMatchObject({
      ok: false,
      envelopes: 5,
      problems: [{ kind: "unreadable", sequence: 5 }],
    });
    expect(JSON.parse((await run("--json", story.entries)).result)).toMatchObject({ ok: true, lastSequence: 4 });
  });

  it("says what it cannot do", async () => {
    expect(await run("--jsno", [])).toMatchObject({ code: 2, note: expect.stringContaining("--jsno") });
    expect(await run("--help", [])).toMatchObject({ code: 0, result: expect.stringContaining("agreement") });
    const { out, said } = heard();
    const open = () => Promise.reject(new PortUnavailable("the journal could not be read"));
    expect(await runVerify([], { out, clock: systemClock, open })).toBe(2);
    expect(said()).toEqual({ result: "", note: "the journal could not be read" });
  });
});
