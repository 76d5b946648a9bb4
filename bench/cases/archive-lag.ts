import type { BenchCase, BenchReport } from "../case.ts";
import { caughtUp, startArchiveBench } from "../load/archive.ts";
import { measureLag } from "../load/lag.ts";
import { rounded } from "../load/statistics.ts";

const RATES = { eventsPerSecond: 2_000, fixesPerSecond: 10_000 };

export const archiveLag: BenchCase = {
  name: "archive-lag",
  describe:
    "The archive's lag at 2,000 events and 10,000 fixes a second: from writing an entry to the commit of its row.",

  async run({ root, cleanup, quick, progress }): Promise<BenchReport> {
    const bench = await startArchiveBench(root, cleanup);
    const projecting = bench.startProjector();
    await caughtUp(bench);
    await measureLag(bench, { ...RATES, seconds: 3, numberFrom: 0 });
    const lags = await measureLag(bench, { ...RATES, seconds: quick ? 5 : 30, numberFrom: 100_000 });
    await projecting.stop();
    for (const { of, p99Ms } of lags) progress(`${of}: p99 ${p99Ms.toFixed(0)} ms`);
    return {
      tables: [
        {
          title: "From writing to commit",
          columns: ["", "a second", "count", "p50 ms", "p99 ms", "max ms"],
          rows: lags.map(({ of, perSecond, count, p50Ms, p99Ms, maxMs }) => [
            of,
            Math.round(perSecond),
            count,
            rounded(p50Ms),
            rounded(p99Ms),
            rounded(maxMs),
          ]),
        },
      ],
      notes: [
        "Lag is PostgreSQL's commit timestamp of the row less the time at which the entry was made, just before it was sent to nats-server, on one clock.",
      ],
      notMeasured: ["dispatch that makes these events, on the same processors"],
      failures: [],
      measurements: { rates: RATES, lags },
    };
  },
};
