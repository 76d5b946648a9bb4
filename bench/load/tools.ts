import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

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
  const setup: { unpackDebianPackages(names: readonly string[], folder: string): void } = await import(
    pathToFileURL(join(root, "scripts/setup/debian-package.mjs")).href
  );
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
