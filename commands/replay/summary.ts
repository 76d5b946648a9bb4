import type { BadRow } from "./bad-rows.ts";
import { type Latency, latencyOf } from "./latency.ts";
import type { ReadCalls } from "./read-calls.ts";
import type { Counted, Tally } from "./tally.ts";
import type { EnsuredUnits } from "./units.ts";

type Counts = Readonly<Record<string, number>>;
type Examples = Readonly<Record<string, Readonly<Counted>>>;

/** What a replay did; `--json` prints it. */
export interface Summary {
  readonly file: string;
  readonly layout: string;
  readonly rows: number;
  readonly calls: number;
  readonly badRows: { readonly total: number; readonly byReason: Counts; readonly first: readonly BadRow[] };
  readonly repairs: Counts;
  readonly steps: { readonly planned: number; readonly finished: number };
  readonly created: number;
  readonly units: {
    readonly created: number;
    readonly reused: number;
    readonly held: number;
    readonly refused: number;
  };
  readonly assigned: number;
  /** Statuses moved: en route, on scene, transporting, available again. */
  readonly moved: {
    readonly total: number;
    readonly enRoute: number;
    readonly onScene: number;
    readonly transporting: number;
    readonly available: number;
  };
  readonly resolved: number;
  readonly closed: number;
  readonly cancelled: number;
  readonly refused: Examples;
  readonly failed: Examples;
  readonly skipped: Counts;
  readonly requests: number;
  readonly retries: number;
  readonly wallMs: number;
  readonly callsPerSecond: number;
  readonly requestsPerSecond: number;
  readonly latency: { readonly overall: Latency | undefined; readonly byStep: Readonly<Record<string, Latency>> };
  /** How late the latest step began, against --speed. */
  readonly behindMs: number;
  /** Why the replay ended before its last step. */
  readonly stopped: string | undefined;
}

export interface SummaryParts {
  readonly file: string;
  readonly read: ReadCalls;
  readonly units: EnsuredUnits;
  readonly tally: Tally;
  readonly stepsPlanned: number;
  readonly stepsFinished: number;
  readonly wallMs: number;
  readonly behindMs: number;
  readonly stopped: string | undefined;
}

const perSecond = (count: number, wallMs: number) => (wallMs === 0 ? 0 : Math.round((count * 10_000) / wallMs) / 10);

export function summarise({ file, read, units, tally, wallMs, ...parts }: SummaryParts): Summary {
  const refused = new Map([...tally.refused].map(([code, counted]) => [code, { ...counted }]));
  for (const { callSign, problem } of units.refused) {
    const known = refused.get(problem.code);
    if (known) known.count += 1;
    else refused.set(problem.code, { count: 1, example: `create unit ${callSign}: ${problem.detail}` });
  }
  const byStep: Record<string, Latency> = {};
  for (const [kind, times] of tally.tookMs) {
    const latency = latencyOf(times);
    if (latency) byStep[kind] = latency;
  }
  const times = [...tally.tookMs.values()].flat();
  const moves = {
    enRoute: tally.countOf("en_route"),
    onScene: tally.countOf("on_scene"),
    transporting: tally.countOf("transporting"),
    available: tally.countOf("clear"),
  };
  return {
    file,
    layout: read.layout,
    rows: read.rowCount,
    calls: read.calls.length,
    badRows: {
      total: read.badRows.total,
      byReason: Object.fromEntries(read.badRows.byReason),
      first: read.badRows.first,
    },
    repairs: Object.fromEntries(read.repairs),
    steps: { planned: parts.stepsPlanned, finished: parts.stepsFinished },
    created: tally.countOf("create"),
    units: { created: units.created, reused: units.reused, held: units.held, refused: units.refused.length },
    assigned: tally.countOf("assign"),
    moved: { total: Object.values(moves).reduce((sum, count) => sum + count, 0), ...moves },
    resolved: tally.countOf("resolve"),
    closed: tally.countOf("close"),
    cancelled: tally.countOf("cancel"),
    refused: Object.fromEntries(refused),
    failed: Object.fromEntries(tally.failed),
    skipped: Object.fromEntries(tally.skipped),
    requests: times.length,
    retries: tally.retries,
    wallMs: Math.round(wallMs),
    callsPerSecond: perSecond(tally.countOf("create"), wallMs),
    requestsPerSecond: perSecond(times.length, wallMs),
    latency: { overall: latencyOf(times), byStep },
    behindMs: Math.round(parts.behindMs),
    stopped: parts.stopped,
  };
}
