import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { PostgresTree } from "../../commands/postgres/programs.ts";
import type { BenchCase, BenchReport } from "../case.ts";
import { caughtUp, startArchiveBench } from "../load/archive.ts";
import { timeQueries } from "../load/archive-queries.ts";
import { fillTelemetry, recordsOf, unitOf } from "../load/past.ts";
import { rounded } from "../load/statistics.ts";

const FIXES = 1_000_000;
const QUICK_FIXES = 100_000;

interface Setup {
  postgresTree(root: string, name: string): PostgresTree & { readonly preload: readonly string[] };
}

export const archivePositions: BenchCase = {
  name: "archive-positions",
  describe:
    "Positions in a hypertable beside native partitions, on the same PostgreSQL 17: writing them, and asking for tracks.",

  async run({ root, cleanup, quick, progress }): Promise<BenchReport> {
    const setup: Setup = await import(pathToFileURL(join(root, "scripts/setup/postgres.mjs")).href);
    const { preload, ...tree } = setup.postgresTree(root, "timescale");
    const count = quick ? QUICK_FIXES : FIXES;
    const measured = [];
    for (const [name, libraries] of [
      ["hypertable", preload],
      ["native partitions", []],
    ] as const) {
      const bench = await startArchiveBench(root, cleanup, { tree, preload: libraries });
      const now = bench.ports.clock.now();
      await fillTelemetry(bench.ports, recordsOf(count, now), () => undefined);
      const startedMs = performance.now();
      const projecting = bench.startProjector();
      await caughtUp(bench);
      const seconds = (performance.now() - startedMs) / 1_000;
      const times = await timeQueries(bench, unitOf, now, quick ? 50 : 300);
      const { rows } = await bench.client
        .query("select count(*)::integer as rows from timescaledb_information.hypertables")
        .catch(() => ({ rows: [{ rows: 0 }] }));
      if (rows[0].rows > 0 !== (name === "hypertable")) throw new Error(`these are no ${name}`);
      await projecting.stop();
      await bench.stop();
      progress(`${name}: ${Math.round(count / seconds)} fixes/s`);
      measured.push({ name, seconds, tracks: times.filter(({ query }) => query.startsWith("track")) });
    }
    return {
      tables: [
        {
          title: `${count} fixes`,
          columns: ["", "fixes/s", ...measured[0]!.tracks.flatMap(({ query }) => [`${query}: p50 ms`, "p99 ms"])],
          rows: measured.map(({ name, seconds, tracks }) => [
            name,
            Math.round(count / seconds),
            ...tracks.flatMap(({ p50Ms, p99Ms }) => [rounded(p50Ms), rounded(p99Ms)]),
          ]),
        },
      ],
      notes: ["TimescaleDB is Debian's, the Apache edition: no compression, no continuous aggregate."],
      notMeasured: ["more data than fits into memory", "compressed chunks"],
      failures: [],
      measurements: { count, measured },
    };
  },
};
