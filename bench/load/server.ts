import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cleanup } from "./cleanup.ts";
import { freePort } from "./free-port.ts";
import { descendantsOf, programFileOf, programOf } from "./processes.ts";
import { firstLine } from "./run.ts";
import type { System } from "./system.ts";

/** The first start may have to fetch nats-server. */
const START_MS = 120_000;
const READY_POLL_MS = 50;

export type Durability = "replicated" | "sync";

export interface TocsinOptions {
  /** The checkout, built. */
  readonly root: string;
  readonly durability: Durability;
  /** With PostgreSQL and the process that fills it. Default: without, as everything that is measured here needs NATS alone. */
  readonly archive?: boolean;
  /** Default: a new one, removed when the server has stopped. */
  readonly dataDir?: string;
  /** For the server's process, beside what the bench sets. */
  readonly env?: NodeJS.ProcessEnv;
}

interface ServerFlags {
  readonly serverFlags: readonly string[];
}

export interface Tocsin extends System {
  readonly port: number;
  readonly dataDir: string;
  /** From the start of the process to the first 200 of /health/ready. */
  readonly startMs: number;
}

/** Tocsin as `npm start` runs it, on a free port of 127.0.0.1. */
export async function startTocsin(options: TocsinOptions, cleanup: Cleanup): Promise<Tocsin> {
  const dataDir = options.dataDir ?? (await cleanup.folder("tocsin"));
  const port = await freePort();
  const startedAt = performance.now();
  const { serverFlags } = (await import(join(options.root, "scripts/setup/server-flags.mjs"))) as ServerFlags;
  const child = cleanup.spawn(process.execPath, [...serverFlags, join(options.root, "dist/commands/start.main.js")], {
    cwd: options.root,
    env: {
      ...process.env,
      NODE_ENV: "production",
      PORT: String(port),
      DATA_DIR: dataDir,
      DURABILITY: options.durability,
      ARCHIVE: options.archive === true ? "on" : "off",
      MQTT: "off",
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const url = `http://127.0.0.1:${port}`;
  await firstLine(child, START_MS, (line) => (line.includes(`:${port}`) ? line : undefined));
  await ready(url);
  const startMs = performance.now() - startedAt;
  const token = (await readFile(join(dataDir, "admin.token"), "utf8")).trim();
  const pid = child.pid ?? 0;
  return {
    url,
    port,
    token,
    dataDir,
    startMs,
    pids: [pid],
    settings: { durability: options.durability, "nats-server": natsServerVersion(pid) },
    async stop() {
      await cleanup.stop(child);
      if (options.dataDir === undefined) await cleanup.remove(dataDir);
    },
  };
}

async function ready(url: string): Promise<void> {
  const giveUpAt = performance.now() + START_MS;
  for (let last = "no answer"; ; await sleep(READY_POLL_MS)) {
    try {
      const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5_000) });
      last = `${response.status} ${await response.text()}`;
      if (response.status === 200) return;
    } catch (error) {
      last = String(error);
    }
    if (performance.now() > giveUpAt)
      throw new Error(`${url} was not ready in ${START_MS / 1_000} s: ${last.slice(0, 500)}`);
  }
}

/** Of the nats-server that runs below a process; where that cannot be seen, `unknown`. */
function natsServerVersion(below: number): string {
  const pid = descendantsOf(below).find((each) => programOf(each) === "nats-server");
  const file = pid === undefined ? undefined : programFileOf(pid);
  if (file === undefined) return "unknown";
  try {
    return execFileSync(file, ["--version"], { encoding: "utf8", timeout: 5_000 })
      .trim()
      .replace(/^nats-server: v?/, "");
  } catch {
    return "unknown";
  }
}
