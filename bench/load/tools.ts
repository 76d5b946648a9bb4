import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
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

/** wrk, the load generator. */
export async function findWrk(root: string): Promise<Program> {
  const file = process.env.WRK ?? onPath("wrk");
  if (file !== undefined) return { file, env: process.env };
  throw new Error("install wrk");
}

/** The one that the server of the project would use, when it is there already. */
export function findNatsServer(root: string): string | undefined {
  return process.env.NATS_SERVER ?? onPath("nats-server");
}

function onPath(name: string): string | undefined {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}
