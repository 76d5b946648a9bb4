import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * One process a data directory: two would start two servers on the same files.
 * @throws when another living process has it, naming that process, and when it cannot be written
 * @returns what gives it back
 */
export function lockDataDirectory(dataDir: string): () => void {
  const file = join(dataDir, "lock");
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unwritable(dataDir, error);
  }
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw unwritable(dataDir, error);
      const holder = Number(readFileSync(file, "utf8"));
      if (holder !== process.pid && isAlive(holder)) {
        throw new Error(`${dataDir} is in use by process ${holder}: stop it, or choose another DATA_DIR`);
      }
      rmSync(file, { force: true });
    }
  }
  throw new Error(`${dataDir} could not be locked`);
}

function unwritable(dataDir: string, error: unknown): Error {
  const why = (error as NodeJS.ErrnoException).code ?? error;
  if (why === "EEXIST" || why === "ENOTDIR") return new Error(`${dataDir} is no folder: choose another DATA_DIR`);
  return new Error(`${dataDir} cannot be written (${why}): let this user write there, or choose another DATA_DIR`);
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
