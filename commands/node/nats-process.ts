import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * Is this process a nats-server, and the one that works in this folder? A copy of a data directory names the process of
 * the original, which must be neither stopped nor talked to in its stead.
 * @param home the `nats` folder of a data directory, as an absolute path
 */
export function isNatsServerOf(pid: number, home: string): boolean {
  try {
    process.kill(pid, 0);
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    if (!words.some((word) => word.includes("nats-server"))) return false;
    // By its open log where the folder was moved since; by its name where the log was.
    return writesTo(pid, join(home, "nats-server.log")) || words.includes(join(home, "nats-server.conf"));
  } catch {
    return false;
  }
}

function writesTo(pid: number, file: string): boolean {
  try {
    const output = statSync(`/proc/${pid}/fd/1`);
    const log = statSync(file);
    return output.dev === log.dev && output.ino === log.ino;
  } catch {
    return false;
  }
}
