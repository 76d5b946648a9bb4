import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { BenchCase, BenchContext, BenchReport } from "../case.ts";
import { type ArchiveBench, caughtUp, psql, startArchiveBench } from "../load/archive.ts";
import { timeQueries } from "../load/archive-queries.ts";
import { type CoresUsed, countCpu } from "../load/cpu.ts";
import { envelopesOf, fillJournal, fillTelemetry, recordsOf, unitOf } from "../load/past.ts";
import { rounded } from "../load/statistics.ts";

const SIZES = { events: 1_000_000, fixes: 5_000_000 };
const QUICK = { events: 50_000, fixes: 250_000 };

/** In the order in which they may be filled. */
const TABLES = [
  "tocsin.audit_log",
  "tocsin.incidents",
  "tocsin.assignments",
  "tocsin.resources",
  "tocsin.resource_statuses",
  "tocsin_positions.location_history",
];

interface Catching {
  readonly rows: number;
  readonly projectorSeconds: number;
  /** Kept busy by the projector, nats-server and PostgreSQL meanwhile. */
  readonly cores: CoresUsed | undefined;
  readonly copySeconds: number;
  readonly nowMs: number;
}

export const archive: BenchCase = {
  name: "archive",
  describe: "The archive: rows a second from a standing start, beside COPY of the same rows by psql.",

  async run(context): Promise<BenchReport> {
    const sizes = context.quick ? QUICK : SIZES;
    const bench = await startArchiveBench(context.root, context.cleanup);
    const catching = await catchUp(context, bench, sizes);
    const asked = await timeQueries(bench, unitOf, catching.nowMs, context.quick ? 50 : 300);
    const perSecond = (seconds: number) => Math.round(catching.rows / seconds);
    return {
      tables: [
        {
          title: `Rows a second from a standing start: ${sizes.events} events, ${sizes.fixes} fixes`,
          columns: [
            "",
            "rows",
            "seconds",
            "rows/s",
            "of COPY",
            "cores: node",
            "cores: PostgreSQL",
            "cores: nats-server",
          ],
          rows: [
            [
              "projector",
              catching.rows,
              Math.round(catching.projectorSeconds * 10) / 10,
              perSecond(catching.projectorSeconds),
              `${Math.round((100 * catching.copySeconds) / catching.projectorSeconds)} %`,
              ...["node", "postgres", "nats-server"].map((name) => rounded(catching.cores?.byProgram[name])),
            ],
            [
              "COPY by psql",
              catching.rows,
              Math.round(catching.copySeconds * 10) / 10,
              perSecond(catching.copySeconds),
              "100 %",
              undefined,
              undefined,
              undefined,
            ],
          ],
        },
        {
          title: "Lists and tracks over these rows, one after the other",
          columns: ["", "p50 ms", "p99 ms"],
          rows: asked.map(({ query, p50Ms, p99Ms }) => [query, rounded(p50Ms), rounded(p99Ms)]),
        },
      ],
      notes: [
        "The projector reads from nats-server, folds, and writes with a checkpoint, beside everything else of the machine; psql reads files, " +
          "one table after the other, into the same tables with their indexes and constraints.",
        "Queries are asked of the reader that the API uses, on one connection, from the question to its rows.",
      ],
      notMeasured: ["a journal and an archive on separate machines", "queries at the same time"],
      failures: [],
      measurements: { sizes, catching, asked },
    };
  },
};

async function catchUp(
  { cleanup, progress }: BenchContext,
  bench: ArchiveBench,
  sizes: typeof SIZES,
): Promise<Catching> {
  const { ports, client } = bench;
  const now = ports.clock.now();
  await fillJournal(ports, envelopesOf(sizes.events, ports, now - 86_400_000), (done) => progress(`${done} events`));
  await fillTelemetry(ports, recordsOf(sizes.fixes, now), (done) => progress(`${done} fixes`));
  const startedMs = performance.now();
  const projecting = bench.startProjector();
  const used = countCpu([projecting.pid, bench.postgres.pid, bench.natsPid]);
  await caughtUp(bench);
  const cores = used();
  const projectorSeconds = (performance.now() - startedMs) / 1_000;
  await projecting.stop();
  const { rows: counted } = await client.query(
    `select ${TABLES.map((table) => `(select count(*) from ${table})`).join(" + ")} as rows`,
  );
  progress(`projector: ${projectorSeconds.toFixed(1)} s for ${counted[0].rows} rows`);

  const folder = await cleanup.folder("copy");
  const { rows: columns } = await client.query<{ name: string; list: string }>(
    `select table_schema || '.' || table_name as name, string_agg(column_name, ', ' order by ordinal_position) as list
     from information_schema.columns where is_generated = 'NEVER' group by 1`,
  );
  const listOf = (table: string) => columns.find(({ name }) => name === table)?.list;
  const files = TABLES.map((table) => ({ table, file: join(folder, table), list: listOf(table) }));
  const out = files.map(({ table, file, list }) => `\\copy (select ${list} from ${table}) to '${file}'\n`);
  await psql("psql", bench.url, out.join(""), folder);
  await client.query(`truncate ${TABLES.join(", ")}`);
  await client.query("checkpoint");
  const copyStartedMs = performance.now();
  const into = files.map(({ table, file, list }) => `\\copy ${table} (${list}) from '${file}'\n`);
  await psql("psql", bench.url, into.join(""), folder);
  const copySeconds = (performance.now() - copyStartedMs) / 1_000;
  const sizesOf = await Promise.all(files.map(({ file }) => stat(file)));
  progress(
    `COPY: ${copySeconds.toFixed(1)} s, ${Math.round(sizesOf.reduce((sum, { size }) => sum + size, 0) / 1e6)} MB`,
  );
  return { rows: Number(counted[0].rows), projectorSeconds, cores, copySeconds, nowMs: now };
}
