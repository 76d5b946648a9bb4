import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { PostgresTree } from "../../commands/postgres/programs.ts";

/** A program, and the environment that it needs to find its libraries. */
export interface Program {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The folder with the package.json, whether this file runs from the build or not. */
export function findRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
    if (folder === dirname(folder)) throw new Error("no package.json above this file");
  }
}

/**
 * wrk, the load generator: `WRK`, then PATH, then `.tools/`, where it is fetched to on a Debian system. Nothing is installed.
 * @throws when it is nowhere and cannot be fetched, saying what to do
 */
export async function findWrk(root: string): Promise<Program> {
  const given = process.env.WRK ?? "wrk";
  if (why(given, process.env) === undefined) return { file: given, env: process.env };
  if (process.env.WRK !== undefined) throw new Error(`WRK=${given} does not run: ${why(given, process.env)}`);
  const setup = await debianPackages(root);
  const folders = [join(root, ".tools/wrk")];
  const file = join(root, ".tools/wrk/usr/bin/wrk");
  try {
    setup.unpackDebianPackages(["wrk", "libluajit-5.1-2", "libluajit-5.1-common"], join(root, ".tools/wrk"));
    if (why(file, withLibraries(folders))?.includes("libssl")) {
      // Most systems have it; the smallest do not.
      setup.unpackDebianPackages(["libssl3"], join(root, ".tools/libssl3"));
      folders.push(join(root, ".tools/libssl3"));
    }
    const env = withLibraries(folders);
    const problem = why(file, env);
    if (problem !== undefined) throw new Error(problem);
    return { file, env };
  } catch (error) {
    throw new Error(
      `wrk, the load generator, could not be fetched: ${error instanceof Error ? error.message : error}\n` +
        "Install it (Debian and Ubuntu: the package wrk; macOS: brew install wrk), or set WRK to its path.",
      { cause: error },
    );
  }
}

/** With libraries, but those that every Debian has. */
const REDIS_PACKAGES = ["redis-server", "redis-tools", "libjemalloc2", "liblzf1", "libatomic1", "libssl3"];
/**
 * Redis: `REDIS_SERVER`, then PATH, then `.tools/`, where it is fetched to on Debian 12. Nothing is installed.
 * @throws when it is nowhere and cannot be fetched
 */
export async function findRedis(root: string): Promise<Program> {
  const version = ({ file, env }: Program) =>
    spawnSync(file, ["--version"], { env, encoding: "utf8", timeout: 10_000 });
  const given: Program = { file: process.env.REDIS_SERVER ?? "redis-server", env: process.env };
  if (version(given).status === 0) return given;
  if (process.env.REDIS_SERVER !== undefined) throw new Error(`REDIS_SERVER=${given.file} does not run`);
  const folder = join(root, ".tools/redis");
  (await debianPackages(root)).unpackDebianPackages(REDIS_PACKAGES, folder);
  const fetched: Program = { file: join(folder, "usr/bin/redis-server"), env: withLibraries([folder]) };
  const { status, error, stderr } = version(fetched);
  if (status !== 0) throw new Error(`redis-server as it was fetched does not run: ${error?.message ?? stderr}`);
  return fetched;
}

/**
 * PostgreSQL with PostGIS: as Debian installs it, else out of `.tools/`, where it is fetched to on Debian.
 * @throws when it cannot be fetched
 */
export async function findPostgis(root: string): Promise<PostgresTree> {
  const installed = existsSync(INSTALLED_POSTGRES) ? readdirSync(INSTALLED_POSTGRES) : [];
  const version = installed.find((each) => existsSync(join(INSTALLED_POSTGRES, each, "lib/postgis-3.so")));
  if (version !== undefined) return { folder: join(INSTALLED_POSTGRES, version), bin: "bin" };
  return (await import(pathToFileURL(join(root, "scripts/setup/postgres.mjs")).href)).postgresTree(root, "postgis");
}

const INSTALLED_POSTGRES = "/usr/lib/postgresql";

function debianPackages(
  root: string,
): Promise<{ unpackDebianPackages(names: readonly string[], folder: string): void }> {
  return import(pathToFileURL(join(root, "scripts/setup/debian-package.mjs")).href);
}

/** Why a wrk does not run; undefined when it does. */
function why(file: string, env: NodeJS.ProcessEnv): string | undefined {
  const { stdout, stderr, error } = spawnSync(file, ["-v"], { env, encoding: "utf8", timeout: 10_000 });
  // It prints its version and fails: the text tells, not the exit code.
  if (error === undefined && /^wrk /m.test(stdout)) return undefined;
  return error?.message ?? (stderr.trim() || "it does not print its version");
}

/** Packages unpacked into folders keep their libraries in usr/lib/<architecture>. */
function withLibraries(folders: readonly string[]): NodeJS.ProcessEnv {
  const libraries = folders.flatMap((folder) => {
    const parent = join(folder, "usr/lib");
    return existsSync(parent) ? readdirSync(parent).map((name) => join(parent, name)) : [];
  });
  return { ...process.env, LD_LIBRARY_PATH: libraries.join(":") };
}
