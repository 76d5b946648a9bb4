import { basename, join } from "node:path";
import type { BenchCase, BenchReport, Cell, Table } from "../case.ts";
import { countCpu } from "../load/cpu.ts";
import { finished } from "../load/run.ts";
import { startTocsin } from "../load/server.ts";
import { rounded } from "../load/statistics.ts";

/** A day of a large city takes a few minutes; what takes longer than this is stuck. */
const REPLAY_MS = 1_800_000;
/** Rows replayed by a quick run. */
const QUICK_ROWS = 300;

export const mixedLifecycle: BenchCase = {
  name: "mixed-lifecycle",
  describe:
    "A day of dispatch records through the HTTP API as fast as it goes: incidents, units, assignments, statuses, closing.",

  async run({ root, replayFile, quick, cleanup, progress }): Promise<BenchReport> {
    const file = replayFile ?? join(root, "examples/day.csv");
    const summaries: Record<string, Readonly<Record<string, Cell>>> = {};
    for (const durability of ["replicated", "sync"] as const) {
      const server = await startTocsin({ root, durability }, cleanup);
      try {
        const end = countCpu(server.pids);
        const replay = cleanup.spawn(
          process.execPath,
          [
            join(root, "dist/commands/replay.main.js"),
            file,
            "--speed",
            "max",
            "--json",
            ...(quick ? ["--limit", String(QUICK_ROWS)] : []),
          ],
          {
            cwd: root,
            env: { ...process.env, PORT: String(server.port), DATA_DIR: server.dataDir },
            stdio: ["ignore", "pipe", "pipe"],
          },
        );
        const output = await finished(replay, REPLAY_MS);
        const cores = end();
        const summary = {
          // Numbers and texts alone: the lists hold records, which belong to whoever gave the file.
          ...Object.fromEntries(flatten(lastJson(output))),
          file: basename(file),
          "cores: node": rounded(cores?.byProgram.node),
          "cores: nats-server": rounded(cores?.byProgram["nats-server"]),
          "cores: replay": rounded(cores?.endedChildren),
        };
        summaries[`DURABILITY=${durability}`] = summary;
        progress(`DURABILITY=${durability}: done`);
      } finally {
        await server.stop();
      }
    }
    return {
      tables: [table(summaries)],
      notes: [
        replayFile === undefined
          ? "The records are the synthetic day in examples/: made by this project's simulator, in the layout of a real export."
          : "The records are a file given on the command line.",
        "The client that replays runs on the same machine, one process, and takes part of its cores.",
      ],
      notMeasured: ["Records at their own pace: all calls are made as fast as they are answered."],
      failures: [],
      measurements: summaries,
    };
  },
};

/** The summary is the last JSON object of the output, over one line or several. */
function lastJson(output: string): Record<string, unknown> {
  const text = output.trimEnd();
  for (let start = text.lastIndexOf("\n{") + 1; ; start = text.lastIndexOf("\n{", start - 2) + 1) {
    try {
      return JSON.parse(text.slice(start));
    } catch (error) {
      if (start === 0) throw new Error(`the replay printed no summary as JSON: ${text.slice(-500)}`, { cause: error });
    }
  }
}

/** A row for every value of the summaries, a column for every run. */
function table(summaries: Readonly<Record<string, Readonly<Record<string, Cell>>>>): Table {
  const all = Object.values(summaries);
  const keys = new Set(all.flatMap((summary) => Object.keys(summary)));
  return {
    title: "Replay",
    columns: ["", ...Object.keys(summaries)],
    rows: [...keys].map((key) => [key, ...all.map((summary) => summary[key])]),
  };
}

function flatten(value: Record<string, unknown>, prefix = ""): (readonly [string, Cell])[] {
  return Object.entries(value).flatMap(([key, part]) => {
    if (typeof part === "number") return [[prefix + key, rounded(part)]];
    if (typeof part === "string") return [[prefix + key, part]];
    // Lists are for the result file.
    if (typeof part !== "object" || part === null || Array.isArray(part)) return [];
    return flatten(part as Record<string, unknown>, `${prefix}${key}: `);
  });
}
