import { build } from "hdr-histogram-js";
import type { BenchCase, BenchContext, BenchReport } from "../case.ts";
import { City } from "../load/city.ts";
import { registerFleet } from "../load/fleet.ts";
import { HttpConnection } from "../load/http-connection.ts";
import { createIncidentBody, createIncidentPath } from "../load/request.ts";
import { type Durability, startTocsin, type Tocsin } from "../load/server.ts";
import { medianOf, rounded } from "../load/statistics.ts";

const CONNECTIONS = [8, 64] as const;
const UNITS_EACH = [1, 5] as const;
const LONGEST_US = 60_000_000;

interface Run {
  readonly durability: Durability;
  readonly connections: number;
  readonly unitsEach: number;
  readonly round: number;
  readonly assignmentsPerSecond: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

export const assignments: BenchCase = {
  name: "assignments",
  describe: "POST /api/v1/incidents/{id}/assign: one unit, and five at once, each held by one incident only.",

  async run(context): Promise<BenchReport> {
    const runs: Run[] = [];
    for (let round = 1; round <= context.rounds; round++) {
      for (const durability of ["replicated", "sync"] as const) {
        const tocsin = await startTocsin({ root: context.root, durability }, context.cleanup);
        try {
          // All of them available.
          const city = new City(context.quick ? 500 : 2_000, { availableShare: 1 });
          const units = await registerFleet(tocsin, city, context.progress);
          for (const connections of CONNECTIONS) {
            for (const unitsEach of UNITS_EACH) {
              const measured = await measure(context, tocsin, units, connections, unitsEach);
              runs.push({ durability, connections, unitsEach, round, ...measured });
              context.progress(
                `round ${round}/${context.rounds}, ${durability}, ${connections} connections, ${unitsEach} at once: ` +
                  `${Math.round(measured.assignmentsPerSecond)}/s, p50 ${rounded(measured.latencyMs.p50)} ms, p99 ${rounded(measured.latencyMs.p99)} ms`,
              );
            }
          }
        } finally {
          await tocsin.stop();
        }
      }
    }
    const rows = (["replicated", "sync"] as const).flatMap((durability) =>
      CONNECTIONS.flatMap((connections) =>
        UNITS_EACH.map((unitsEach) => {
          const own = runs.filter(
            (run) => run.durability === durability && run.connections === connections && run.unitsEach === unitsEach,
          );
          const of = (pick: (run: Run) => number) => rounded(medianOf(own, pick));
          return [
            durability,
            connections,
            unitsEach,
            of((run) => run.assignmentsPerSecond),
            of((run) => run.assignmentsPerSecond * unitsEach),
            of((run) => run.latencyMs.p50),
            of((run) => run.latencyMs.p99),
            of((run) => run.latencyMs.max),
          ];
        }),
      ),
    );
    return {
      tables: [
        {
          title: "Assignments",
          columns: [
            "DURABILITY",
            "connections",
            "units at once",
            "assignments/s",
            "units/s",
            "p50 ms",
            "p99 ms",
            "max ms",
          ],
          rows,
        },
      ],
      notes: [
        `Medians of ${context.rounds} round(s) of at least ${context.seconds} s of assigning, after ${context.warmUpSeconds} s of it as warm-up. Incidents are created, then all units are assigned at once, as fast as the connections go, then the incidents are resolved, which frees the units; only the assigning is measured, and so it comes in bursts.`,
        "Each assignment is one commit of the incident and its units together: a unit is never held by two. The client, one thread, is on the same machine.",
      ],
      notMeasured: [
        "Many who want the same unit at the same moment.",
        "`auto`, which has the units chosen.",
        "Networks, clusters.",
      ],
      failures: [],
      measurements: runs,
    };
  },
};

async function measure(
  { seconds, warmUpSeconds }: BenchContext,
  tocsin: Tocsin,
  units: readonly string[],
  connections: number,
  unitsEach: number,
): Promise<Pick<Run, "assignmentsPerSecond" | "latencyMs">> {
  const open = () => HttpConnection.open(tocsin.url, tocsin.token);
  const lanes = await Promise.all(Array.from({ length: connections }, open));
  const count = Math.floor(units.length / unitsEach);
  const forEach = async (task: (connection: HttpConnection, index: number) => Promise<void>) => {
    let next = 0;
    const lane = async (connection: HttpConnection) => {
      while (next < count) await task(connection, next++);
    };
    await Promise.all(lanes.map(lane));
  };
  const histogram = build({ highestTrackableValue: LONGEST_US, numberOfSignificantValueDigits: 3 });
  /** Assigns all units and frees them again. @returns how long the assigning took */
  const burst = async (): Promise<number> => {
    const incidents: string[] = [];
    await forEach(async (connection, index) => {
      const body = JSON.parse(createIncidentBody);
      incidents[index] = JSON.parse(await connection.expect(201, "POST", createIncidentPath, body)).id;
    });
    const startedAt = performance.now();
    await forEach(async (connection, index) => {
      const unitIds = units.slice(index * unitsEach, (index + 1) * unitsEach);
      const sentAt = performance.now();
      await connection.expect(200, "POST", `${createIncidentPath}/${incidents[index]}/assign`, { unitIds });
      histogram.recordValue(Math.min(LONGEST_US, Math.round((performance.now() - sentAt) * 1_000)));
    });
    const tookMs = performance.now() - startedAt;
    await forEach(async (connection, index) => {
      await connection.expect(200, "PATCH", `${createIncidentPath}/${incidents[index]}`, { status: "resolved" });
    });
    return tookMs;
  };
  for (let tookMs = 0; tookMs < warmUpSeconds * 1_000; ) tookMs += await burst();
  histogram.reset();
  let [tookMs, assigned] = [0, 0];
  while (tookMs < seconds * 1_000) {
    tookMs += await burst();
    assigned += count;
  }
  for (const lane of lanes) lane.close();
  const ms = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1_000;
  return {
    assignmentsPerSecond: assigned / (tookMs / 1_000),
    latencyMs: { p50: ms(50), p99: ms(99), max: histogram.maxValue / 1_000 },
  };
}
