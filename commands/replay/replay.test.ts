import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import { heard } from "../testing/heard.ts";
import { runReplay } from "./replay.ts";
import type { Summary } from "./summary.ts";
import { FAKE_TOKEN, type FakeDispatch, startFakeDispatch } from "./testing/fake-dispatch.ts";
import { sfFile, sfRow } from "./testing/rows.ts";

let server: FakeDispatch;
let folder: string;

beforeEach(async () => {
  server = await startFakeDispatch();
  folder = await mkdtemp(join(tmpdir(), "tocsin-replay-"));
});

afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

interface Extra {
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  readonly retryBudgetMs?: number;
}

async function run(args: readonly string[], { env, signal, retryBudgetMs = 5_000 }: Extra = {}) {
  const { out, said } = heard();
  const exitCode = await runReplay(args, {
    env: env ?? { TOCSIN_URL: server.url, TOCSIN_TOKEN: FAKE_TOKEN },
    out,
    clock: systemClock,
    ids: systemIds,
    signal: signal ?? new AbortController().signal,
    retryBudgetMs,
  });
  return { exitCode, ...said() };
}

async function fileOf(text: string | Buffer, name = "calls.csv"): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

async function replay(
  text: string,
  args: readonly string[] = [],
  extra?: Extra,
): Promise<Summary & { exitCode: number }> {
  const { exitCode, result } = await run([await fileOf(text), "--json", ...args], extra);
  return { ...(JSON.parse(result) as Summary), exitCode };
}

const medic = (fields: Readonly<Record<string, string>> = {}) =>
  sfRow({
    "Unit ID": "M91",
    "Unit Type": "MEDIC",
    "Unit sequence in call dispatch": "2",
    "Transport DtTm": "06/03/2024 01:20:00 PM",
    "Hospital DtTm": "06/03/2024 01:28:00 PM",
    "Available DtTm": "06/03/2024 01:50:00 PM",
    "Call Final Disposition": "Code 2 Transport",
    ...fields,
  });

/** Two calls one after the other, both by engine 91. */
const twoCalls = sfFile(
  sfRow({
    "Call Number": "990010002",
    "Received DtTm": "06/03/2024 01:29:00 PM",
    "Dispatch DtTm": "06/03/2024 01:30:00 PM",
    "Response DtTm": "",
    "On Scene DtTm": "",
    "Available DtTm": "",
  }),
  medic(),
  sfRow(),
);

describe("a replay", () => {
  it("moves incidents and units as the record says, in its order", async () => {
    const summary = await replay(twoCalls);
    expect(summary).toMatchObject({
      exitCode: 0,
      rows: 3,
      calls: 2,
      created: 2,
      units: { created: 2, reused: 0, refused: 0 },
      assigned: 3,
      moved: { total: 7, enRoute: 2, onScene: 2, transporting: 1, available: 2 },
      resolved: 2,
      closed: 2,
      refused: {},
      failed: {},
    });
    expect([...server.incidents.values()].map(({ status }) => status)).toEqual(["closed", "closed"]);
    const of = (incidentId: string) => server.log.filter((write) => write.incidentId === incidentId);
    const told = of("incident-1").map(({ action, callSign }) => [action, callSign].join(" ").trim());
    expect(told).toEqual([
      "create",
      "assign E91",
      "assign M91",
      "en_route E91",
      "en_route M91",
      "on_scene E91",
      "on_scene M91",
      "transporting M91",
      "available E91",
      "available M91",
      "resolved",
      "close",
    ]);
    const [created] = of("incident-1");
    expect(created?.body).toMatchObject({
      type: "structure_fire",
      category: "fire",
      priority: 2,
      location: { lat: 37.5, lon: -122.5 },
      metadata: { receivedAt: "2024-06-03T20:00:00.000Z", dispatchedAt: { E91: "2024-06-03T20:01:00.000Z" } },
    });
    expect(of("incident-1").find(({ action }) => action === "transporting")?.body["reason"]).toBe(
      "recorded at 2024-06-03T20:20:00.000Z, at hospital 2024-06-03T20:28:00.000Z",
    );
    expect(of("incident-1").at(-1)?.body["disposition"]).toBe("Code 2 Transport");
  });

  it("uses units that exist already, however many pages they fill", async () => {
    await replay(
      sfFile(...["E1", "E2", "E3", "E4", "E5", "E6", "E7"].map((callSign) => sfRow({ "Unit ID": callSign }))),
    );
    const summary = await replay(sfFile(sfRow({ "Unit ID": "E6" }), sfRow({ "Unit ID": "E8" })));
    expect(summary).toMatchObject({ exitCode: 0, units: { created: 1, reused: 1 } });
    expect(server.units.size).toBe(8);
  });

  it("says which units are held by earlier incidents, and makes them free where asked to", async () => {
    await replay(twoCalls);
    const unit = [...server.units.values()].find(({ callSign }) => callSign === "E91");
    if (unit) unit.incidentId = "incident-1";
    expect(await replay(twoCalls)).toMatchObject({
      units: { reused: 2, held: 1 },
      refused: { unit_held: { count: 2 } },
    });
    expect(await replay(twoCalls, ["--free-units"])).toMatchObject({
      units: { reused: 2, held: 0 },
      refused: {},
      closed: 2,
    });
  });

  it("counts a refusal under its code, passes over what builds on it, and goes on", async () => {
    const early = { "Dispatch DtTm": "06/03/2024 01:10:00 PM", "Received DtTm": "06/03/2024 01:09:00 PM" };
    const summary = await replay(sfFile(sfRow(), sfRow({ "Call Number": "990010002", ...early })));
    expect(summary).toMatchObject({
      exitCode: 0,
      created: 2,
      assigned: 1,
      closed: 1,
      cancelled: 1,
      refused: { unit_held: { count: 1, example: "assign E91 call 990010002: unit_held here" } },
      skipped: { unit_not_assigned: 3, call_not_resolved: 1 },
    });
  });

  it("sends a step again under the same key after 503, a lost answer and 429", async () => {
    const trouble = [{ status: 503, retryAfter: "0" }, "drop", { status: 429 }] as const;
    server.hinder = ({ path, count }) => (/incidents$|assign$/.test(path) ? trouble[count - 1] : undefined);
    const summary = await replay(twoCalls);
    expect(summary).toMatchObject({ exitCode: 0, created: 2, assigned: 3, closed: 2, failed: {} });
    expect(summary.retries).toBe(3 * (2 + 3));
    const keys = server.requests.filter(({ method }) => method !== "GET").map(({ key }) => key);
    expect(keys.every((key) => key !== undefined)).toBe(true);
    expect(new Set(keys).size).toBe(summary.requests + summary.units.created);
    expect(server.log.filter(({ action }) => action === "create")).toHaveLength(2);
  });

  it("fails where the server keeps failing, and still plays the rest", async () => {
    server.hinder = ({ path }) => (path.endsWith("/close") ? { status: 500 } : undefined);
    const summary = await replay(twoCalls);
    expect(summary).toMatchObject({ exitCode: 1, resolved: 2, closed: 0, failed: { hindered: { count: 2 } } });
  });

  it("stops with a summary where the server goes away for longer than it is waited for", async () => {
    server.hinder = ({ path }) => (path.endsWith("/assign") ? "drop" : undefined);
    const summary = await replay(twoCalls, [], { retryBudgetMs: 300 });
    expect(summary).toMatchObject({ exitCode: 1, assigned: 0, closed: 0 });
    expect(summary.stopped).toMatch(/^the server went away/);
  });

  it("stops with a summary when it is interrupted", async () => {
    const stop = new AbortController();
    server.hinder = ({ path }) => {
      if (path.endsWith("/assign")) stop.abort();
      return undefined;
    };
    const summary = await replay(twoCalls, ["--connections", "1"], { signal: stop.signal });
    expect(summary).toMatchObject({ exitCode: 0, created: 1, assigned: 1, closed: 0, stopped: "interrupted" });
  });

  it("keeps to the record's pace", async () => {
    const summary = await replay(twoCalls, ["--speed", "10000"]);
    // 50 minutes and 0 seconds of record at 10,000 times the speed.
    expect(summary.wallMs).toBeGreaterThanOrEqual(300);
    expect(summary.closed).toBe(2);
  });

  it("takes the earliest calls up to the limit", async () => {
    expect(await replay(twoCalls, ["--limit", "1"])).toMatchObject({ rows: 3, calls: 1, created: 1, closed: 1 });
  });

  it("reads gzip whatever its name, and prints the summary for a person", async () => {
    const { exitCode, result } = await run([
      await fileOf(gzipSync(sfFile(sfRow(), sfRow({ "Unit ID": "" }))), "calls.csv"),
    ]);
    expect(exitCode).toBe(0);
    expect(result).toMatch(/calls created +1\n/);
    expect(result).toMatch(/bad rows +1: 1 missing id\n +line 3: missing id: Unit ID is empty/);
    expect(result).toMatch(/calls\/s/);
  });
});

describe("a replay that cannot begin", () => {
  it.each([
    [[], "which file?"],
    [["a", "b"], "one file at a time"],
    [["a", "--speed", "0"], "--speed must be"],
    [["a", "--speed", "fast"], "--speed must be"],
    [["a", "--limit", "1.5"], "--limit must be"],
    [["a", "--connections", "-1"], "connections"],
    [["a", "--what"], "--what"],
  ])("%j: %s", async (args, message) => {
    const { exitCode, note } = await run(args);
    expect(exitCode).toBe(2);
    expect(note).toContain(message);
    expect(note).toContain("--help");
  });

  it("says to start the server where none answers", async () => {
    const { exitCode, note } = await run([await fileOf(twoCalls)], {
      env: { TOCSIN_URL: "http://127.0.0.1:1", TOCSIN_TOKEN: FAKE_TOKEN },
    });
    expect([exitCode, note.split("\n").length]).toEqual([2, 1]);
    expect(note).toContain("npm start");
  });

  it("says to start the server where there is no token, and takes the one that the server left", async () => {
    const file = await fileOf(twoCalls);
    const env = { TOCSIN_URL: server.url, DATA_DIR: folder };
    const without = await run([file], { env });
    expect(without.exitCode).toBe(2);
    expect(without.note).toContain("npm start");
    await writeFile(join(folder, "admin.token"), `${FAKE_TOKEN}\n`);
    expect((await run([file], { env })).exitCode).toBe(0);
  });

  it("says that the token is refused", async () => {
    const { exitCode, note } = await run([await fileOf(twoCalls)], {
      env: { TOCSIN_URL: server.url, TOCSIN_TOKEN: "x" },
    });
    expect(exitCode).toBe(2);
    expect(note).toContain("401 unauthenticated");
  });

  it.each([
    ["", "empty"],
    ["a,b\n1,2\n", "none of the layouts"],
    [Buffer.from("1f8b0800", "hex"), "unexpected end of file"],
    [Buffer.from("504b030414", "hex"), "unpack it first"],
  ])("%j: %s", async (content, message) => {
    const { exitCode, note } = await run([await fileOf(content)]);
    expect(exitCode).toBe(2);
    expect(note).toContain(message);
    expect(server.requests.filter(({ method }) => method !== "GET")).toEqual([]);
  });

  it("names a file that is not there", async () => {
    const { exitCode, note } = await run([join(folder, "none.csv")]);
    expect(exitCode).toBe(2);
    expect(note).toContain("no such file");
  });

  it("shows its help", async () => {
    expect(await run(["--help"])).toMatchObject({ exitCode: 0, result: expect.stringContaining("Usage:") as string });
  });
});
