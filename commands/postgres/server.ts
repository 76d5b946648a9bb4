import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { chown, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { setPriority } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../../runtime/ports/index.ts";
import { homeOf } from "./home.ts";
import { findPrograms, packagedTree, run, unprivilegedUser } from "./programs.ts";

export interface PostgresServerOptions {
  readonly dataDir: string;
  /** Beside ours. */
  readonly settings?: Readonly<Record<string, string>>;
}

const START_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 20;
const AGAIN_FIRST_MS = 200;
const AGAIN_MAX_MS = 10_000;
/** After this long a fast shutdown has not been fast: it is ended as it is, and recovers at its next start. */
const STOP_TIMEOUT_MS = 20_000;
const USER = "tocsin";
/** Dispatch goes before history. */
const NICENESS = 5;

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "50",
  // A backlog is written at full speed without a checkpoint every few seconds.
  max_wal_size: "2GB",
  wal_compression: "on",
};

interface Programs {
  /** The folder they are in. */
  readonly programs: string;
  /** Whose processes they become. */
  readonly as: SpawnOptions;
}

interface Made extends Programs {
  readonly data: string;
  readonly password: string;
  readonly port: number;
}

/** A PostgreSQL of our own as a child: made, started, started again when it dies, stopped with us. */
export class PostgresServer {
  readonly #options: PostgresServerOptions;
  readonly #log: Log;
  #child: ChildProcess | undefined;
  #stopping = false;
  #made: Made | undefined;

  constructor(options: PostgresServerOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  /** Known once it has started for the first time; it stays the same. */
  get url(): string {
    if (this.#made === undefined) throw new Error("it has not been started");
    const { password, port } = this.#made;
    return `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Makes the cluster where there is none. @throws when it does not come up, with what it logged */
  async start(): Promise<void> {
    const { dataDir } = this.#options;
    this.#stopping = false;
    const owner = await unprivilegedUser();
    const home = await homeOf(dataDir, owner);
    const as: SpawnOptions = { ...owner, cwd: home, env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C" } };
    const found = { programs: await findPrograms(home, as, await packagedTree()), as };
    const data = join(home, "data");
    const password = await passwordOf(dataDir);
    if (!existsSync(join(data, "PG_VERSION"))) await makeCluster(home, data, password, found);
    await stopLeftOver(data);
    this.#made = { data, password, port: this.#made?.port ?? (await freePort()), ...found };
    await this.#run(this.#made);
    await writeFile(join(dataDir, "database.url"), `${this.url}\n`, { mode: 0o600 });
  }

  /** Ends its connections, writes what it has; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((done) => child.once("exit", () => done()));
    child.kill("SIGINT");
    const given = new AbortController();
    await Promise.race([gone, sleep(STOP_TIMEOUT_MS, undefined, { signal: given.signal }).catch(() => undefined)]);
    given.abort();
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGQUIT");
    await gone;
  }

  async #run(made: Made): Promise<void> {
    const { data, port, programs, as } = made;
    const output = openSync(join(this.#options.dataDir, "postgres.log"), "a", 0o600);
    const settings = Object.entries({ ...SETTINGS, ...this.#options.settings });
    const child = spawn(
      join(programs, "postgres"),
      ["-D", data, "-p", String(port), ...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`])],
      { ...as, stdio: ["ignore", output, output] },
    );
    closeSync(output);
    this.#child = child;
    child.on("exit", (code, signal) => {
      if (this.#stopping || this.#child !== child) return;
      this.#log.error({ code, signal }, "PostgreSQL went away; starting it again");
      void this.#again(made);
    });
    lowerPriority(child);
    await this.#ready(child, data);
  }

  async #again(made: Made): Promise<void> {
    for (let waitMs = AGAIN_FIRST_MS; !this.#stopping; waitMs = Math.min(AGAIN_MAX_MS, waitMs * 2)) {
      await sleep(waitMs);
      if (this.#stopping) return;
      try {
        this.#child = undefined;
        await this.#run(made);
        return;
      } catch (error) {
        this.#log.error({ error }, "PostgreSQL could not be started again; trying on");
      }
    }
  }

  async #ready(child: ChildProcess, data: string): Promise<void> {
    const giveUpAt = performance.now() + START_TIMEOUT_MS;
    let failed: Error | undefined;
    child.once("error", (error) => {
      failed = error;
    });
    while (performance.now() < giveUpAt && child.exitCode === null && child.signalCode === null && !failed) {
      const { pid, status } = lockFileOf(data);
      if (pid === child.pid && status === "ready") return;
      await sleep(LOOK_EVERY_MS);
    }
    const log = join(this.#options.dataDir, "postgres.log");
    const end = existsSync(log) ? readFileSync(log, "utf8").split("\n").slice(-8).join("\n") : "";
    if (this.#child === child) this.#child = undefined;
    child.kill("SIGQUIT");
    throw new Error(`PostgreSQL did not start${failed ? `: ${failed.message}` : ""}; the end of ${log}:\n${end}`);
  }
}

async function passwordOf(dataDir: string): Promise<string> {
  const file = join(dataDir, "postgres.password");
  if (!existsSync(file)) await writeFile(file, randomBytes(24).toString("base64url"), { mode: 0o600 });
  return readFileSync(file, "utf8").trim();
}

/** A cluster that was begun and not finished is begun anew. */
async function makeCluster(home: string, data: string, password: string, { programs, as }: Programs): Promise<void> {
  const passwordFile = join(home, "initial-password");
  await rm(data, { recursive: true, force: true });
  await rm(`${data}.new`, { recursive: true, force: true });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (as.uid !== undefined && as.gid !== undefined) await chown(passwordFile, as.uid, as.gid);
  try {
    await run(
      join(programs, "initdb"),
      [
        `--pgdata=${data}`,
        `--username=${USER}`,
        `--pwfile=${passwordFile}`,
        "--auth=scram-sha-256",
        "--no-locale",
        "--encoding=UTF8",
        "--data-checksums",
      ],
      as,
    );
  } catch (error) {
    await rm(data, { recursive: true, force: true });
    throw error;
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/** What the server says of itself in its data directory. */
function lockFileOf(data: string): { readonly pid?: number; readonly status?: string } {
  try {
    const lines = readFileSync(join(data, "postmaster.pid"), "utf8").split("\n");
    return { pid: Number(lines[0]), status: (lines[7] ?? "").trim() };
  } catch {
    return {};
  }
}

/** A killed parent leaves its server running: two on the same files must never be. A copy names the original's, which is left alone. */
async function stopLeftOver(data: string): Promise<void> {
  const { pid } = lockFileOf(data);
  if (pid === undefined || !(pid > 0)) return;
  const giveUpAt = performance.now() + START_TIMEOUT_MS;
  // Where that cannot be looked up, the server itself refuses to be the second one.
  if (existsSync("/proc/self") && !worksIn(pid, data)) rmSync(join(data, "postmaster.pid"), { force: true });
  while (worksIn(pid, data)) {
    if (performance.now() > giveUpAt) throw new Error(`an old PostgreSQL, process ${pid}, does not stop: kill it`);
    process.kill(pid, "SIGINT");
    await sleep(50);
  }
}

function worksIn(pid: number, data: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(resolve(data));
  } catch {
    return false;
  }
}

function lowerPriority({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, NICENESS);
  } catch {
    // It only is not as modest as it should be.
  }
}

function freePort(): Promise<number> {
  return new Promise((resolved, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolved(port));
    });
  });
}
