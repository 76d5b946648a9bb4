import { describe, expect, it } from "vitest";
import type { DeadLetter, DeadLetters, Ports } from "../../runtime/ports/index.ts";
import { SimProcess } from "../../runtime/sim/process.ts";
import { SimServer } from "../../runtime/sim/server.ts";
import { World } from "../../runtime/sim/world.ts";
import { NoServer } from "../server/running-server.ts";
import { heard } from "../testing/heard.ts";
import { runDead } from "./dead.ts";

const letter: DeadLetter = {
  kind: "incident",
  id: "i1",
  reason: "Error: \u001b]0;owned\u0007\u009b2J",
  at: "2026-01-01T00:00:00.000Z",
  requestId: "r-1",
  message: { op: "read", text: "\u001b[31m" },
};

async function lettersOf(...letters: readonly DeadLetter[]): Promise<Ports> {
  const { ports } = new SimProcess(new SimServer(new World(1)), "p");
  for (const one of letters) await ports.deadLetters.put(one);
  return ports;
}

async function run(line: string, ports: Ports) {
  const { out, said } = heard();
  let closed = false;
  const code = await runDead(line.split(" "), {
    out,
    open: async () => ({
      ...ports,
      close: async () => {
        closed = true;
      },
    }),
  });
  return { code, ...said(), closed };
}

describe("the dead command", () => {
  it("lists letters, with nothing in them that a terminal would obey", async () => {
    const { code, result, closed } = await run("list", await lettersOf(letter));
    expect(code).toBe(0);
    expect(closed).toBe(true);
    expect(result.split("\n")).toEqual([
      expect.stringMatching(/^seq {2}when {22}actor {8}reason +request id$/),
      "1    2026-01-01T00:00:00.000Z  incident.i1  Error: \\u001b]0;owned\\u0007\\u009b2J  r-1",
    ]);
  });

  it("lists as JSON, a letter a line, whole and harmless", async () => {
    const { result } = await run("list --json", await lettersOf(letter, { ...letter, id: "i2" }));
    const lines = result.split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { ...letter, sequence: 1 },
      { ...letter, id: "i2", sequence: 2 },
    ]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    expect(lines.join("")).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  it("lists thousands page by page, and says where to go on", async () => {
    const ports = await lettersOf(...Array.from({ length: 3_000 }, (_, index) => ({ ...letter, id: `i${index}` })));
    let largest = 0;
    const deadLetters: DeadLetters = {
      ...ports.deadLetters,
      list: (limit, after) => {
        largest = Math.max(largest, limit);
        return ports.deadLetters.list(limit, after);
      },
    };
    const all = await run("list --json --limit 5000", { ...ports, deadLetters });
    expect(all.result.split("\n")).toHaveLength(3_000);
    expect(largest).toBeLessThanOrEqual(500);
    const first = await run("list", { ...ports, deadLetters });
    expect(first.result.split("\n")).toHaveLength(101);
    expect(first.note).toContain("--after 100");
    const last = await run("list --after 2999", { ...ports, deadLetters });
    expect(last.result.split("\n")).toHaveLength(2);
    expect(last.note).toBe("");
  });

  it("shows a whole letter, and says when there is none", async () => {
    const ports = await lettersOf(letter);
    const { code, result } = await run("show 1", ports);
    expect(code).toBe(0);
    expect(JSON.parse(result)).toEqual({ ...letter, sequence: 1 });
    expect(result).not.toContain("\u001b");
    expect(await run("show 2", ports)).toMatchObject({ code: 1, note: "there is no letter 2" });
  });

  it("shows a letter that is nested too deeply to be written", async () => {
    const depth = 200_000;
    const message = JSON.parse("[".repeat(depth) + "]".repeat(depth));
    const { code, result } = await run("show 1", await lettersOf({ ...letter, message }));
    expect(code).toBe(0);
    expect(JSON.parse(result).message).toBe("nested too deeply to be shown");
  });

  it("removes what is named, and tells of what is not there", async () => {
    const ports = await lettersOf(letter, letter, letter);
    expect(await run("remove 3 1", ports)).toMatchObject({ code: 0, result: "1  removed\n3  removed" });
    expect((await ports.deadLetters.list(10)).map(({ sequence }) => sequence)).toEqual([2]);
    expect(await run("remove 1 2", ports)).toMatchObject({ code: 1, result: "1  there is no such letter\n2  removed" });
  });

  it("says what it cannot do, before it connects", async () => {
    const { out, said } = heard();
    const open = async () => {
      throw new NoServer("no nats-server runs on data");
    };
    expect(await runDead(["bury"], { out, open })).toBe(2);
    expect(said().note).toContain('there is no "bury"');
    expect(said().note).not.toContain("no nats-server");
    expect(await runDead(["list"], { out, open })).toBe(2);
    expect(said().note).toContain("no nats-server runs on data");
    expect(await runDead(["--help"], { out, open })).toBe(0);
  });

  it("names every kind of letter that there is, when it is asked for help", async () => {
    const { result } = await run("--help", await lettersOf());
    for (const kind of ["delivery", "page", "alert-report", "mqtt-message"]) expect(result).toContain(`  ${kind}.…  `);
  });
});
