import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, unusable } from "./folder.ts";

/**
 * One process a data directory: two would start two servers on the same files.
 * @throws when another living process has it, naming that process, and when it cannot be written
 * @returns what gives it back
 */
export function lockDataDirectory(dataDir: string): () => void {
  const file = join(dataDir, "lock");
  try {
    makeFolder(dataDir);
  } catch (error) {
    throw unusable(dataDir, error);
  }
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw unusable(dataDir, error);
      const holder = Number(readFileSync(file, "utf8"));
      if (holder !== process.pid && isAlive(holder)) {
        throw new Error(`${dataDir} is in use by process ${holder}: stop it, or choose another DATA_DIR`);
      }
      rmSync(file, { force: true });
    }
  }
  throw new Error(`${dataDir} could not be locked`);
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    // Elsewhere than on Linux a process cannot be asked what it is: that it lives has to do.
    if (!existsSync("/proc/self/cmdline")) return true;
    // A process number is used again after a restart of the machine: what runs under it must be a node.
    return /node|tocsin/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
