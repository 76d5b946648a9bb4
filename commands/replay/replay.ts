import type { Clock, Ids } from "../../runtime/ports/index.ts";
import { UsageError } from "../usage.ts";
import { createApiClient, Unreachable } from "./api-client.ts";
import { readText, UnreadableFile } from "./file-text.ts";
import { UnknownLayout } from "./layouts/layout.ts";
import { REPLAY_HELP, type ReplayOptions, readReplayOptions } from "./options.ts";
import type { Output } from "./output.ts";
import { pathOf } from "./paths.ts";
import { type Plan, planReplay } from "./plan.ts";
import { createPlayer } from "./player.ts";
import { startProgress } from "./progress.ts";
import { type ReadCalls, readCalls } from "./read-calls.ts";
import { runSchedule } from "./scheduler.ts";
import { findServer, NoAccess, type ServerAccess } from "./server-access.ts";
import { type Summary, summarise } from "./summary.ts";
import { summaryText } from "./summary-text.ts";
import { Tally } from "./tally.ts";
import { type EnsuredUnits, ensureUnits, listUnits, NotReady } from "./units.ts";

/** What a replay needs from outside. */
export interface ReplayContext {
  readonly env: NodeJS.ProcessEnv;
  readonly out: Output;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Aborted when the person at the terminal has had enough. */
  readonly signal: AbortSignal;
  /** Default 30 s. */
  readonly retryBudgetMs?: number;
}

/** 0 done, 1 server errors, 2 could not begin. */
export type ExitCode = 0 | 1 | 2;

/** How long a server may be away in mid-replay. */
const RETRY_BUDGET_MS = 30_000;

/** Before anything is sent: is a server there, and does it take the token? Nothing is tried again here. */
async function probe(access: ServerAccess, { clock, ids, signal }: ReplayContext): Promise<void> {
  const api = createApiClient({ ...access, connections: 1, retryBudgetMs: 0, signal, clock, random: ids.random });
  try {
    await listUnits(api);
  } finally {
    api.close();
  }
}

interface Played {
  readonly tally: Tally;
  readonly units: EnsuredUnits;
  readonly finished: number;
  readonly behindMs: number;
  readonly wallMs: number;
  readonly stopped: string | undefined;
}

async function play(plan: Plan, access: ServerAccess, options: ReplayOptions, context: ReplayContext): Promise<Played> {
  const { clock, ids, out, signal } = context;
  const { connections, speed, freeUnits } = options;
  const runKey = ids.uuidV7();
  const retryBudgetMs = context.retryBudgetMs ?? RETRY_BUDGET_MS;
  const api = createApiClient({ ...access, connections, retryBudgetMs, signal, clock, random: ids.random });
  const tally = new Tally();
  let units: EnsuredUnits = { ids: new Map(), created: 0, reused: 0, held: 0, refused: [] };
  let stopped: string | undefined;
  let finished = 0;
  let behindMs = 0;
  let startMs = clock.monotonicMs();
  try {
    units = await ensureUnits(api, plan.units, { connections, runKey, signal, freeUnits });
    if (units.held > 0) out.note(`${units.held} units are held by incidents of before: see --free-units in --help`);
    startMs = clock.monotonicMs();
    const player = createPlayer({ api, plan, unitIds: units.ids, runKey, tally });
    const progress = startProgress(out, plan.steps.length, clock);
    const perform = async (index: number) => {
      await player(index);
      finished += 1;
      progress.update(finished, tally.countOf("create"), tally.refusedCount);
    };
    try {
      ({ behindMs } = await runSchedule({ steps: plan.steps, connections, speed, clock, signal, perform }));
    } finally {
      progress.stop();
    }
  } catch (error) {
    if (!(error instanceof Unreachable || error instanceof NotReady)) throw error;
    stopped = error instanceof NotReady ? error.message : `the server went away (${error.message})`;
  } finally {
    api.close();
  }
  if (signal.aborted) stopped = "interrupted";
  return { tally, units, finished, behindMs, wallMs: clock.monotonicMs() - startMs, stopped };
}

function print(summary: Summary, options: ReplayOptions, out: Output): void {
  if (options.json) {
    out.note(summaryText(summary));
    out.result(JSON.stringify(summary));
  } else out.result(summaryText(summary));
}

function succeeded({ tally, stopped }: Played, interrupted: boolean): boolean {
  return tally.failed.size === 0 && (stopped === undefined || interrupted);
}

/** What keeps a replay from beginning, as one message for a person; undefined for a defect of ours. */
function hindrance(error: unknown, file: string | undefined, url: URL | undefined): string | undefined {
  if (error instanceof UsageError) return `${error.message}\nTry: npm run replay -- --help`;
  if (error instanceof UnknownLayout || error instanceof UnreadableFile) return `${file}: ${error.message}`;
  if (error instanceof Unreachable)
    return `no server answers at ${url?.origin} (${error.message}): start it with "npm start" first`;
  return error instanceof NoAccess || error instanceof NotReady ? error.message : undefined;
}

async function replay(options: ReplayOptions, access: ServerAccess, context: ReplayContext): Promise<ExitCode> {
  const { out, signal } = context;
  await probe(access, context);
  out.note(`reading ${options.file}`);
  const read: ReadCalls = await readCalls(readText(pathOf(options.file, context.env)), options.limit);
  const plan = planReplay(read.calls);
  const counts = `${read.calls.length} calls, ${plan.units.size} units, ${plan.steps.length} steps`;
  out.note(`${read.layout}: ${read.rowCount} rows, ${read.badRows.total} bad; ${counts}`);

  const played = await play(plan, access, options, context);
  const summary = summarise({
    file: options.file,
    read,
    units: played.units,
    tally: played.tally,
    stepsPlanned: plan.steps.length,
    stepsFinished: played.finished,
    wallMs: played.wallMs,
    behindMs: played.behindMs,
    stopped: played.stopped,
  });
  print(summary, options, out);
  return succeeded(played, signal.aborted) ? 0 : 1;
}

/** The command: reads a file, plays it to a server, prints a summary. */
export async function runReplay(args: readonly string[], context: ReplayContext): Promise<ExitCode> {
  let file: string | undefined;
  let url: URL | undefined;
  try {
    const options = readReplayOptions(args);
    if (options === "help") {
      context.out.result(REPLAY_HELP);
      return 0;
    }
    file = options.file;
    const access = await findServer(context.env);
    url = access.url;
    return await replay(options, access, context);
  } catch (error) {
    const message = hindrance(error, file, url);
    if (message === undefined) throw error;
    context.out.note(message);
    return 2;
  }
}
