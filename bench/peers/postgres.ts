import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  findPrograms,
  type PostgresTree,
  packagedTree,
  run,
  unprivilegedUser,
} from "../../commands/postgres/programs.ts";
import { freePort } from "../load/free-port.ts";

export interface Postgres {
  readonly pid: number;
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  };
  stop(): Promise<void>;
  /** After it was stopped: on the same data, at the same place. */
  startAgain(): Promise<void>;
}

interface PostgresOptions {
  readonly tree?: PostgresTree;
  /** Beside what initdb gives it. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How the server is started; default: as a child of this process. */
  readonly spawn?: (command: string, args: readonly string[], options: SpawnOptions) => ChildProcess;
}

const START_MS = 60_000;

/**
 * A new PostgreSQL cluster with the settings that initdb gives it, which include fsync and synchronous_commit, reached over
 * TCP as a database is.
 *
 * @param folder an empty one for its data, which is given to the user that it runs as
 */
export async function startPostgres(
  folder: string,
  { tree, settings = {}, spawn: start = spawn }: PostgresOptions = {},
): Promise<Postgres> {
  const owner = await unprivilegedUser();
  if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
  const as: SpawnOptions = { ...owner, cwd: folder, env: { PATH: process.env.PATH ?? "", LC_ALL: "C" } };
  const programs = await findPrograms(folder, as, tree ?? (await packagedTree()));
  const data = join(folder, "data");
  const passwordFile = join(folder, "password");
  const password = randomBytes(16).toString("hex");
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (owner !== undefined) await chown(passwordFile, owner.uid, owner.gid);
  await run(
    join(programs, "initdb"),
    [
      `--pgdata=${data}`,
      "--username=bench",
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--no-locale",
      "--encoding=UTF8",
    ],
    as,
  );
  const port = await freePort();
  const given = { listen_addresses: "127.0.0.1", unix_socket_directories: "", ...settings };
  const begin = async () => {
    const server = start(
      join(programs, "postgres"),
      ["-D", data, "-p", String(port), ...Object.entries(given).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
      { ...as, stdio: ["ignore", "ignore", "pipe"] },
    );
    await accepting(server);
    return server;
  };
  let server = await begin();
  return {
    get pid() {
      return server.pid ?? 0;
    },
    connection: { host: "127.0.0.1", port, user: "bench", password, database: "postgres" },
    async stop() {
      if (server.exitCode !== null || server.signalCode !== null) return;
      const exited = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGINT"); // A fast shutdown: connections are ended, not waited for.
      await exited;
    },
    async startAgain() {
      server = await begin();
    },
  };
}

function accepting(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = "";
    const timer = setTimeout(() => {
      server.kill("SIGKILL");
      reject(new Error(`PostgreSQL was not ready in ${START_MS / 1_000} s: ${log}`));
    }, START_MS);
    server.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      log = (log + chunk).slice(-2_000);
      if (!log.includes("ready to accept connections")) return;
      clearTimeout(timer);
      resolve();
    });
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`PostgreSQL ended: ${log}`)));
  });
}
