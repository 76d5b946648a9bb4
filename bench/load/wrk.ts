import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Cleanup } from "./cleanup.ts";
import { type CoresUsed, countCpu } from "./cpu.ts";
import { createIncidentBody, createIncidentPath } from "./request.ts";
import { finished } from "./run.ts";
import type { Program } from "./tools.ts";

export interface Load {
  readonly url: string;
  readonly token: string;
  readonly connections: number;
  readonly seconds: number;
  /** The processes under load, whose CPU time is counted with all below them. */
  readonly pids: readonly number[];
}

export interface LoadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly latencyMs: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number };
  /** Answers of 400 and above. */
  readonly refused: number;
  /** Connections that failed, and answers that took more than ten seconds. */
  readonly failed: number;
  readonly cores: CoresUsed | undefined;
}

/** Longer answers count as failed. */
const ANSWER_SECONDS = 10;

/**
 * Creates incidents over HTTP on a number of connections, each sending its next request when the last one is answered:
 * a closed loop. One thread of wrk saturates any of the servers measured here and leaves them the other cores.
 */
export async function createIncidents(wrk: Program, load: Load, cleanup: Cleanup): Promise<LoadResult> {
  const folder = await cleanup.folder("wrk");
  const script = join(folder, "create.lua");
  await writeFile(script, scriptFor(load.token));
  const end = countCpu(load.pids);
  const child = cleanup.spawn(
    wrk.file,
    [
      "--threads=1",
      `--connections=${load.connections}`,
      `--duration=${load.seconds}s`,
      `--timeout=${ANSWER_SECONDS}s`,
      `--script=${script}`,
      load.url + createIncidentPath,
    ],
    { env: wrk.env, stdio: ["ignore", "pipe", "pipe"] },
  );
  const output = await finished(child, (load.seconds + 2 * ANSWER_SECONDS) * 1_000);
  const cores = end();
  await cleanup.remove(folder);
  const summary: WrkSummary = JSON.parse(output.slice(output.lastIndexOf(MARK) + MARK.length));
  const ms = (microseconds: number) => microseconds / 1_000;
  return {
    requests: summary.requests,
    requestsPerSecond: summary.requests / (summary.duration / 1_000_000),
    latencyMs: { p50: ms(summary.p50), p90: ms(summary.p90), p99: ms(summary.p99), max: ms(summary.max) },
    refused: summary.status,
    failed: summary.connect + summary.read + summary.write + summary.timeout,
    cores,
  };
}

type WrkSummary = Record<
  "requests" | "duration" | "p50" | "p90" | "p99" | "max" | "connect" | "read" | "write" | "timeout" | "status",
  number
>;

const MARK = "SUMMARY ";

/**
 * No request() or response() in it: wrk then builds the request once and counts answers by itself, without a call into
 * Lua for each. It counts as a bad status what is above 399, and none of these routes answers with a redirection.
 */
function scriptFor(token: string): string {
  return `
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = ${luaText(`Bearer ${token}`)}
wrk.body = ${luaText(createIncidentBody)}

function done(summary, latency)
  local e = summary.errors
  io.write("${MARK}", string.format(
    '{"requests":%d,"duration":%d,"p50":%d,"p90":%d,"p99":%d,"max":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max,
    e.connect, e.read, e.write, e.timeout, e.status), "\\n")
end
`;
}

function luaText(text: string): string {
  if (text.includes("]==]")) throw new Error("text with ]==] in it cannot be written as a Lua string here");
  return `[==[${text}]==]`;
}
