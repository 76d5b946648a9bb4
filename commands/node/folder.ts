import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Hindrance } from "../telling.ts";

/**
 * Makes a folder that is for this user alone, and those above it. Node's own `recursive` would try for ever where the system says
 * of the folder above that it is not there though it is, as below /proc.
 */
export function makeFolder(folder: string): void {
  const above = dirname(resolve(folder));
  if (!existsSync(above)) makeFolder(above);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
}

/** @returns the problem with DATA_DIR, where that is what the system says */
export function unusable(dataDir: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  const isFile = code === "EEXIST" || code === "ENOTDIR";
  const problem = isFile ? "is no folder" : `cannot be made or written (${code})`;
  return new Hindrance(`DATA_DIR ${resolve(dataDir)} ${problem}: name a folder that this user may write in DATA_DIR`);
}
