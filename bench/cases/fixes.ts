import { setTimeout as sleep } from "node:timers/promises";
import { build } from "hdr-histogram-js";
import type { BenchCase, BenchContext, BenchReport, Cell } from "../case.ts";
import { City } from "../load/city.ts";
import { type CoresUsed, countCpu } from "../load/cpu.ts";
import { registerFleet } from "../load/fleet.ts";
import { HttpConnection } from "../load/http-connection.ts";
import { Mover } from "../load/mover.ts";
import { type Durability, startTocsin, type Tocsin } from "../load/server.ts";
import { medianOf, rounded } from "../load/statistics.ts";
import { until } from "../load/until.ts";

const UNITS = 10_000;
/**
 * Fixes in a request: a tracker that reports each, one that gathers some, one that was out of reach for a while; and the
 * feed of a vehicle location system, with one fix each of 100 units.
 */
const REPORTS = [1, 10, 100, "feed"] as const;
type Reports = (typeof REPORTS)[number];
const FEED_UNITS = 100;
const titleOf = (reports: Reports) =>
  reports === "feed" ? `${FEED_UNITS}, of as many units` : `${reports}, of one unit`;
const FIXED_RATE = 10_000;
/** More than any system takes. */
const AT_MOST = 1_000_000;

/** Units that are watched at the fixed rate; each sends a fix, and is asked for until it shows it. */
const WATCHED = 4;
const POLL_MS = 1;
const PAUSE_MS = 25;
const LONGEST_US = 60_000_000;

interface Run {
  readonly durability: Durability;
  readonly reports: Reports;
  /** Undefined: as many as it takes. */
  readonly rate: number | undefined;
  readonly round: number;
  readonly fixesPerSecond: number;
  readonly seenMs:
    | { readonly samples: number; readonly p50: number; readonly p99: number; readonly max: number }
    | undefined;
  readonly cores: CoresUsed | undefined;
}

export const fixes: BenchCase = {
  name: "fixes",
  describe: `Positions of ${UNITS} units over HTTP: how many a second at most, and at ${FIXED_RATE} a second from sending one to seeing it.`,

  async run(context): Promise<BenchReport> {
    const runs: Run[] = [];
    for (let round = 1; round <= context.rounds; round++) {
      for (const durability of ["replicated", "sync"] as const) {
        const tocsin = await startTocsin({ root: context.root, durability }, context.cleanup);
        try {
          const ids = await registerFleet(tocsin, new City(UNITS), context.progress);
          for (const rate of [undefined, FIXED_RATE]) {
            for (const reports of REPORTS) {
              const run = {
                durability,
                reports,
                rate,
                round,
                ...(await measure(context, tocsin, ids, reports, rate)),
              };
              runs.push(run);
              context.progress(
                `round ${round}/${context.rounds}, ${durability}, ${titleOf(reports)} in a request, ${rate ?? "as many as it takes"}: ` +
                  `${Math.round(run.fixesPerSecond)} fixes/s` +
                  (run.seenMs === undefined
                    ? ""
                    : `, seen after p50 ${rounded(run.seenMs.p50)} ms, p99 ${rounded(run.seenMs.p99)} ms`),
              );
            }
          }
        } finally {
          await tocsin.stop();
        }
      }
    }
    return {
      tables: [
        { title: "Fixes a second at most", columns: columns.most, rows: rowsOf(runs, undefined) },
        { title: `At ${FIXED_RATE} fixes a second`, columns: columns.fixed, rows: rowsOf(runs, FIXED_RATE) },
      ],
      notes: [
        `Medians of ${context.rounds} round(s) of ${context.seconds} s, after ${context.warmUpSeconds} s of warm-up. ${UNITS} units in turn: each request with the fixes of one of them, on 128 connections, or with one fix each of ${FEED_UNITS}, on 2; from a thread of the bench, which takes a part of the machine's cores. Every fix is accepted: one that is refused fails the bench.`,
        `Seen: ${WATCHED} more units send a fix now and then, and are asked for by GET on another connection of their own, every ${POLL_MS} ms from the moment of sending, until the answer has the fix. The time is from sending the fix to that answer.`,
        "Where fewer fixes were taken than sent, the latency is that of a system that is full.",
      ],
      notMeasured: ["Seeing a fix on another node than the one that took it.", "Networks, clusters, refused fixes."],
      failures: [],
      measurements: runs,
    };
  },
};

async function measure(
  context: BenchContext,
  tocsin: Tocsin,
  ids: readonly string[],
  reports: Reports,
  rate: number | undefined,
): Promise<Pick<Run, "fixesPerSecond" | "seenMs" | "cores">> {
  // The last ones are watched.
  const target = {
    kind: "http",
    url: tocsin.url,
    token: tocsin.token,
    ids: ids.slice(0, -WATCHED),
    reports,
  } as const;
  // The mover counts moves: of a unit that reports for itself, one is a request.
  const fixesAMove = reports === "feed" ? 1 : reports;
  const mover = new Mover(target, target.ids.length, (rate ?? AT_MOST) / fixesAMove, { staysNear: true });
  try {
    await sleep(context.warmUpSeconds * 1_000);
    const end = countCpu(tocsin.pids);
    const [before, startedAt] = [await mover.moved(), performance.now()];
    const seenMs =
      rate === undefined ? undefined : await watch(tocsin, ids.slice(-WATCHED), startedAt + context.seconds * 1_000);
    await sleep(startedAt + context.seconds * 1_000 - performance.now());
    const moves = (await mover.moved()) - before;
    const fixesPerSecond = (moves * fixesAMove) / ((performance.now() - startedAt) / 1_000);
    return { fixesPerSecond, seenMs, cores: end() };
  } finally {
    await mover.stop();
  }
}

async function watch(tocsin: Tocsin, ids: readonly string[], endAt: number): Promise<Run["seenMs"]> {
  const histogram = build({ highestTrackableValue: LONGEST_US, numberOfSignificantValueDigits: 3 });
  const lane = async (id: string) => {
    const path = `/api/v1/resources/vehicles/${id}`;
    const open = () => HttpConnection.open(tocsin.url, tocsin.token);
    const [sending, asking] = await Promise.all([open(), open()]);
    const before = JSON.parse(await asking.expect(200, "GET", path)).location;
    for (let step = 1; performance.now() < endAt; step++) {
      // A metre on, and a metre back: never where it was last.
      const place = { lat: before.lat, lon: before.lon + (step % 2) * 0.00001 };
      const sentAt = performance.now();
      const taken = sending.expect(202, "POST", `${path}/location`, place);
      let refused = false;
      taken.catch(() => {
        refused = true;
      });
      await until(
        async () => refused || JSON.parse(await asking.expect(200, "GET", path)).location.lon === place.lon,
        () => `a fix of ${id} that was accepted`,
        { everyMs: POLL_MS },
      );
      histogram.recordValue(Math.min(LONGEST_US, Math.round((performance.now() - sentAt) * 1_000)));
      await taken;
      await sleep(PAUSE_MS);
    }
    sending.close();
    asking.close();
  };
  await Promise.all(ids.map(lane));
  const ms = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1_000;
  return { samples: histogram.totalCount, p50: ms(50), p99: ms(99), max: histogram.maxValue / 1_000 };
}

const cpu = ["cores: node", "cores: nats-server", "cores: others, the bench among them"];
const columns = {
  most: ["DURABILITY", "fixes in a request", "fixes/s", "requests/s", ...cpu],
  fixed: ["DURABILITY", "fixes in a request", "fixes/s", "seen: p50 ms", "p99 ms", "max ms", "samples", ...cpu],
};

function rowsOf(runs: readonly Run[], rate: number | undefined): Cell[][] {
  return (["replicated", "sync"] as const).flatMap((durability) =>
    REPORTS.map((reports) => {
      const own = runs.filter((run) => run.durability === durability && run.reports === reports && run.rate === rate);
      const of = (pick: (run: Run) => number | undefined) => rounded(medianOf(own, pick));
      const perSecond = of((run) => run.fixesPerSecond);
      return [
        durability,
        titleOf(reports),
        perSecond,
        ...(rate === undefined
          ? [of((run) => run.fixesPerSecond / (reports === "feed" ? FEED_UNITS : reports))]
          : [
              of((run) => run.seenMs?.p50),
              of((run) => run.seenMs?.p99),
              of((run) => run.seenMs?.max),
              own.reduce((sum, run) => sum + (run.seenMs?.samples ?? 0), 0),
            ]),
        of((run) => run.cores?.byProgram.node),
        of((run) => run.cores?.byProgram["nats-server"]),
        of((run) => run.cores?.others),
      ];
    }),
  );
}
