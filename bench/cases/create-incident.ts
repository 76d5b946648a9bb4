import type { BenchCase, BenchContext, BenchReport, Cell, Table } from "../case.ts";
import { startFastifyPg, startUwsAlone } from "../load/peers.ts";
import { requireCreated } from "../load/request.ts";
import { startTocsin } from "../load/server.ts";
import { medianOf, rounded } from "../load/statistics.ts";
import type { System } from "../load/system.ts";
import { findWrk } from "../load/tools.ts";
import { createIncidents, type LoadResult } from "../load/wrk.ts";

const systems = {
  replicated: {
    title: "Tocsin, DURABILITY=replicated",
    start: ({ root, cleanup }: BenchContext) => startTocsin({ root, durability: "replicated" }, cleanup),
  },
  sync: {
    title: "Tocsin, DURABILITY=sync",
    start: ({ root, cleanup }: BenchContext) => startTocsin({ root, durability: "sync" }, cleanup),
  },
  archived: {
    title: "Tocsin, DURABILITY=sync, with its archive",
    start: ({ root, cleanup }: BenchContext) => startTocsin({ root, durability: "sync", archive: true }, cleanup),
  },
  peer: {
    title: "Fastify + PostgreSQL, BEGIN to COMMIT",
    start: ({ cleanup }: BenchContext) => startFastifyPg("statements", cleanup),
  },
  peerInOne: {
    title: "Fastify + PostgreSQL, one statement",
    start: ({ cleanup }: BenchContext) => startFastifyPg("one", cleanup),
  },
  alone: { title: "uWebSockets.js alone", start: ({ cleanup }: BenchContext) => startUwsAlone(cleanup) },
} satisfies Record<string, { title: string; start(context: BenchContext): Promise<System> }>;

const shortTitles = { peer: "peer", peerInOne: "peer in one statement", alone: "uWS alone" };

type SystemName = keyof typeof systems;
const names = Object.keys(systems) as SystemName[];

interface Run extends LoadResult {
  readonly system: SystemName;
  readonly connections: number;
  readonly round: number;
}

export const createIncident: BenchCase = {
  name: "create-incident",
  describe: "POST /api/v1/incidents, beside a Fastify + PostgreSQL peer and the HTTP server answering alone.",

  async run(context): Promise<BenchReport> {
    const wrk = await findWrk(context.root);
    const runs: Run[] = [];
    const settings: Partial<Record<SystemName, unknown>> = {};
    const unable = new Map<SystemName, string>();
    for (let round = 1; round <= context.rounds; round++) {
      for (const connections of context.connections) {
        // Interleaved, each alone on the machine and beginning without data: what disturbs the machine for a while, and
        // what one leaves behind, falls on all alike. Another one begins in each round.
        for (const system of rotated(names, round)) {
          if (unable.has(system)) continue;
          const label = `round ${round}/${context.rounds}, ${connections} connections, ${systems[system].title}`;
          try {
            const { result, said } = await measure(context, system, connections, wrk);
            settings[system] = said;
            runs.push({ system, connections, round, ...result });
            context.progress(`${label}: ${summary(result)}`);
          } catch (error) {
            // One that cannot run here must not keep the others from being measured.
            const why = error instanceof Error ? error.message : String(error);
            unable.set(system, why);
            context.progress(`${label}: FAILED: ${why}`);
          }
        }
      }
    }
    const failed = [...unable].map(
      // Without the folders of this machine: it is written into the results.
      ([system, why]) =>
        `${systems[system].title} is missing or incomplete: ${why.split("\n", 1)[0]?.replaceAll(`${context.root}/`, "")}`,
    );
    if (runs.length === 0) throw new Error(`no system could be measured:\n${[...unable.values()].join("\n")}`);
    return {
      tables: [throughput(runs, context.connections), ratios(runs, context.connections)],
      notes: [
        `Medians of ${context.rounds} round(s) of ${context.seconds} s each, after ${context.warmUpSeconds} s of warm-up. Systems take turns; each measurement has the machine to itself, and starts with an empty store. Ratios are taken within a round, and are medians too.`,
        "The load generator (wrk, one thread) runs on the same machine, and takes part of its cores. It is a closed loop: a connection sends its next request when the last one is answered, so latency is that at the throughput shown.",
        "Tocsin does its whole work: token, validation, fenced commit to the journal, hash chain, board. `replicated` leaves fsync to the server's interval, which is for three servers; one server alone here. `sync` and PostgreSQL are on disk before they answer.",
        "With its archive, PostgreSQL and the process that fills it run on the same cores; the others run without. Dispatch does not wait for the archive.",
        "The peer checks the same token and the same fields, and inserts the incident and its timeline row in one transaction, with prepared statements, over a pool of 20 connections (the fastest of those tried). It is measured as it is usually written (BEGIN, two INSERTs, COMMIT: four round trips) and at its best (both inserts in one statement with a WITH clause: one round trip). PostgreSQL has its default settings.",
        "uWebSockets.js alone parses the body and answers JSON of the same size. It checks nothing and keeps nothing.",
      ],
      notMeasured: [
        "Networks: all traffic stays on 127.0.0.1.",
        "Clusters: one nats-server and one host. Three servers would add a round trip to each commit.",
        "TLS, and clients that connect anew for each request.",
        "Large stores: each measurement begins empty and lasts seconds.",
        "Latency at a fixed rate of arrivals; bursts.",
      ],
      failures: failed,
      measurements: { settings, runs },
    };
  },
};

async function measure(
  context: BenchContext,
  name: SystemName,
  connections: number,
  wrk: Parameters<typeof createIncidents>[0],
) {
  const system = await systems[name].start(context);
  try {
    await requireCreated(system.url, system.token);
    const load = { ...system, connections };
    await createIncidents(wrk, { ...load, seconds: context.warmUpSeconds }, context.cleanup);
    const result = await createIncidents(wrk, { ...load, seconds: context.seconds }, context.cleanup);
    return { result, said: system.settings };
  } finally {
    await system.stop();
  }
}

function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

function summary({ requestsPerSecond, latencyMs, refused, failed, cores }: LoadResult): string {
  const errors = refused + failed > 0 ? `, ${refused} REFUSED, ${failed} FAILED` : "";
  const disturbed = (cores?.others ?? 0) > 0.2 ? `, ${rounded(cores?.others)} cores used by others` : "";
  return `${Math.round(requestsPerSecond)}/s, p50 ${rounded(latencyMs.p50)} ms, p99 ${rounded(latencyMs.p99)} ms${errors}${disturbed}`;
}

function throughput(runs: readonly Run[], connections: readonly number[]): Table {
  return {
    title: "Throughput, latency, CPU",
    columns: [
      "connections",
      "system",
      "requests/s",
      "lowest to highest",
      "p50 ms",
      "p99 ms",
      "max ms",
      "errors",
      "cores: node",
      "cores: store",
      "cores: wrk",
      "cores: others",
    ],
    rows: connections.flatMap((count) =>
      names.flatMap((system): readonly Cell[][] => {
        const own = runs.filter((run) => run.system === system && run.connections === count);
        if (own.length === 0) return [];
        const rates = own.map((run) => run.requestsPerSecond);
        const store = ({ cores }: Run) =>
          cores && (cores.byProgram["nats-server"] ?? 0) + (cores.byProgram.postgres ?? 0);
        return [
          [
            count,
            systems[system].title,
            rounded(medianOf(own, (run) => run.requestsPerSecond)),
            `${rounded(Math.min(...rates))} to ${rounded(Math.max(...rates))}`,
            rounded(medianOf(own, (run) => run.latencyMs.p50)),
            rounded(medianOf(own, (run) => run.latencyMs.p99)),
            rounded(Math.max(...own.map((run) => run.latencyMs.max))),
            own.reduce((sum, run) => sum + run.refused + run.failed, 0),
            rounded(medianOf(own, (run) => run.cores?.byProgram.node)),
            system === "alone" ? "none" : rounded(medianOf(own, store)),
            rounded(medianOf(own, (run) => run.cores?.endedChildren)),
            rounded(medianOf(own, (run) => run.cores?.others)),
          ],
        ];
      }),
    ),
  };
}

function ratios(runs: readonly Run[], connections: readonly number[]): Table {
  const ratio = (count: number, of: SystemName, to: SystemName) =>
    rounded(
      medianOf(
        runs.filter((run) => run.system === of && run.connections === count),
        (run) => {
          const other = runs.find(
            (each) => each.system === to && each.connections === count && each.round === run.round,
          );
          return other === undefined ? undefined : run.requestsPerSecond / other.requestsPerSecond;
        },
      ),
    );
  return {
    title: "Ratios of requests/s",
    columns: [
      "connections",
      ...(["peer", "peerInOne", "alone"] as const).flatMap((to) =>
        (["replicated", "sync"] as const).map((of) => `${of} : ${shortTitles[to]}`),
      ),
    ],
    rows: connections.map((count) => [
      count,
      ...(["peer", "peerInOne", "alone"] as const).flatMap((to) =>
        (["replicated", "sync"] as const).map((of) => ratio(count, of, to)),
      ),
    ]),
  };
}
