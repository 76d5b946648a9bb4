import { setTimeout as sleep } from "node:timers/promises";
import type { BenchCase, BenchContext, BenchReport } from "../case.ts";
import { requireCreated } from "../load/request.ts";
import { startTocsin, type Tocsin } from "../load/server.ts";
import { medianOf, rounded } from "../load/statistics.ts";
import { findWrk } from "../load/tools.ts";
import { createIncidents, type LoadResult } from "../load/wrk.ts";
import { type Postgres, startPostgres } from "../peers/postgres.ts";

const CONNECTIONS = 64;
const LOOK_EVERY_MS = 500;

const titles = {
  none: "without an archive",
  running: "with its archive",
  away: "its PostgreSQL is stopped",
} as const;

type Way = keyof typeof titles;

/** What /health says of the journal's feed. */
interface Told {
  readonly atSeconds: number;
  readonly state: string;
  readonly behind: number;
  readonly behindMs: number;
}

interface Run extends LoadResult {
  readonly way: Way;
  readonly round: number;
}

interface Return {
  readonly round: number;
  /** From when the load began. */
  readonly told: readonly Told[];
  /** Entries that waited when PostgreSQL came back, and how long it took until none did. */
  readonly waiting: number;
  readonly seconds: number;
}

export const archiveAway: BenchCase = {
  name: "archive-away",
  describe:
    "POST /api/v1/incidents while the archive's PostgreSQL is stopped, beside running and without; then catching up.",

  async run(context): Promise<BenchReport> {
    const wrk = await findWrk(context.root);
    const runs: Run[] = [];
    const returns: Return[] = [];
    const ways = Object.keys(titles) as Way[];
    for (let round = 1; round <= context.rounds; round++) {
      for (let turn = 0; turn < ways.length; turn++) {
        const way = ways[(turn + round) % ways.length]!;
        const { tocsin, postgres } = await start(context, way);
        await requireCreated(tocsin.url, tocsin.token);
        const pids = [...tocsin.pids, ...(postgres === undefined ? [] : [postgres.pid])];
        const load = { ...tocsin, pids, connections: CONNECTIONS };
        await createIncidents(wrk, { ...load, seconds: context.warmUpSeconds }, context.cleanup);
        if (way !== "none") await untilArchived(tocsin);
        if (way === "away") await postgres!.stop();
        const watching = way === "away" ? watch(tocsin) : undefined;
        const result = await createIncidents(wrk, { ...load, seconds: context.seconds }, context.cleanup);
        runs.push({ way, round, ...result });
        context.progress(`round ${round}, ${titles[way]}: ${Math.round(result.requestsPerSecond)}/s`);
        if (watching !== undefined) {
          const { behind } = await feedOf(tocsin);
          const startedMs = performance.now();
          await postgres!.startAgain();
          await untilArchived(tocsin);
          const seconds = (performance.now() - startedMs) / 1_000;
          returns.push({ round, told: await watching.end(), waiting: behind, seconds });
          context.progress(`round ${round}: ${behind} entries were behind, none after ${seconds.toFixed(1)} s`);
        }
        await tocsin.stop();
        await postgres?.stop();
      }
    }
    return report(context, runs, returns);
  },
};

async function start({ root, cleanup }: BenchContext, way: Way): Promise<{ tocsin: Tocsin; postgres?: Postgres }> {
  if (way === "none") return { tocsin: await startTocsin({ root, durability: "sync" }, cleanup) };
  const spawn = (...args: Parameters<typeof cleanup.spawn>) => cleanup.spawn(...args);
  const postgres = await startPostgres(await cleanup.folder("archive"), { spawn });
  cleanup.defer(() => postgres.stop());
  const { user, password, host, port, database } = postgres.connection;
  const env = { DATABASE_URL: `postgres://${user}:${password}@${host}:${port}/${database}` };
  const tocsin = await startTocsin({ root, durability: "sync", archive: true, env }, cleanup);
  await untilArchived(tocsin);
  return { tocsin, postgres };
}

async function feedOf({ url }: Tocsin): Promise<Omit<Told, "atSeconds">> {
  const health = (await (await fetch(`${url}/health/ready`)).json()) as { archive?: { feeds?: { events?: Told } } };
  const { state = "none", behind = 0, behindMs = 0 } = health.archive?.feeds?.events ?? {};
  return { state, behind, behindMs };
}

/** Reactions go on for a while after the load: so it has to be so twice. */
async function untilArchived(tocsin: Tocsin): Promise<void> {
  for (let times = 0; times < 2; await sleep(LOOK_EVERY_MS)) {
    const { state, behind } = await feedOf(tocsin);
    times = state === "running" && behind === 0 ? times + 1 : 0;
  }
}

function watch(tocsin: Tocsin): { end(): Promise<readonly Told[]> } {
  const told: Told[] = [];
  const startedMs = performance.now();
  let ended = false;
  const watching = (async () => {
    while (!ended) {
      told.push({ atSeconds: (performance.now() - startedMs) / 1_000, ...(await feedOf(tocsin)) });
      await sleep(2 * LOOK_EVERY_MS);
    }
  })();
  return {
    async end() {
      ended = true;
      await watching;
      return told;
    },
  };
}

function report({ rounds, seconds }: BenchContext, runs: readonly Run[], returns: readonly Return[]): BenchReport {
  const of = (way: Way) => runs.filter((run) => run.way === way);
  const ratio = (way: Way, to: Way) =>
    rounded(
      medianOf(of(way), (run) => {
        const other = of(to).find(({ round }) => round === run.round);
        return other === undefined ? undefined : run.requestsPerSecond / other.requestsPerSecond;
      }),
    );
  const told = returns[0]?.told ?? [];
  return {
    tables: [
      {
        title: `${CONNECTIONS} connections, DURABILITY=sync`,
        columns: ["", "requests/s", "of without", "p50 ms", "p99 ms", "errors", "cores: node", "cores: PostgreSQL"],
        rows: (Object.keys(titles) as Way[]).map((way) => [
          titles[way],
          rounded(medianOf(of(way), (run) => run.requestsPerSecond)),
          ratio(way, "none"),
          rounded(medianOf(of(way), (run) => run.latencyMs.p50)),
          rounded(medianOf(of(way), (run) => run.latencyMs.p99)),
          of(way).reduce((sum, run) => sum + run.refused + run.failed, 0),
          rounded(medianOf(of(way), (run) => run.cores?.byProgram.node)),
          rounded(medianOf(of(way), (run) => run.cores?.byProgram.postgres ?? 0)),
        ]),
      },
      {
        title: "Catching up, once PostgreSQL is started again",
        columns: ["round", "entries behind", "seconds until none", "entries/s"],
        rows: returns.map((one) => [
          one.round,
          one.waiting,
          rounded(one.seconds),
          Math.round(one.waiting / one.seconds),
        ]),
      },
      {
        title: "What /health says meanwhile (round 1)",
        columns: ["after s", "state", "entries behind", "behind for ms"],
        rows: told.map(({ atSeconds, state, behind, behindMs }) => [rounded(atSeconds), state, behind, behindMs]),
      },
    ],
    notes: [
      `Medians of ${rounds} round(s) of ${seconds} s; ratios are taken within a round. PostgreSQL, which is given by DATABASE_URL, and the projector run on the same two cores. \`node\` is dispatch and projector together.`,
      "Until none is behind, PostgreSQL has to come up, the projector has to notice, and what dispatch still does behind its answers has to be archived as well.",
    ],
    notMeasured: ["PostgreSQL on another machine", "hours without it"],
    failures: [],
    measurements: { runs, returns },
  };
}
