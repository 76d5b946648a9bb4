import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";

export interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  /** User and system time of all its threads, and of those children that have ended and been waited for. */
  readonly ticks: number;
}

/** One process out of /proc; undefined when it has gone, or where there is no /proc. */
export function processTimes(pid: number | "self"): ProcessTimes | undefined {
  const stat = fileOrUndefined(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name stands in parentheses and may hold blanks and parentheses itself: fields count from the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [utime, stime, cutime, cstime] = fields.slice(11, 15).map(Number);
  const ticks = (utime ?? 0) + (stime ?? 0) + (cutime ?? 0) + (cstime ?? 0);
  return { pid: Number(stat.slice(0, stat.indexOf(" "))), parent: Number(fields[1]), ticks };
}

/** User and system time of those children of this process that have ended. */
export function endedChildrenTicks(): number {
  const stat = fileOrUndefined("/proc/self/stat") ?? "";
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[13] ?? 0) + Number(fields[14] ?? 0);
}

/** What runs in it: threads may rename themselves, so the name of the program file comes first. */
export function programOf(pid: number): string {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, ""));
  } catch {
    return fileOrUndefined(`/proc/${pid}/comm`)?.trim() ?? "gone";
  }
}

export function programFileOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}

/** The processes below one, without itself; empty where there is no /proc. */
export function descendantsOf(root: number): readonly number[] {
  return treeOf([root])
    .map(({ pid }) => pid)
    .filter((pid) => pid !== root);
}

/** Processes and all below them, each once. */
export function treeOf(roots: readonly number[]): readonly ProcessTimes[] {
  const all = new Map(allProcesses().map((each) => [each.pid, each]));
  const wanted = new Set(roots);
  const belongs = (pid: number): boolean => {
    for (let each = all.get(pid); each !== undefined; each = all.get(each.parent))
      if (wanted.has(each.pid)) return true;
    return false;
  };
  return [...all.values()].filter(({ pid }) => belongs(pid));
}

function allProcesses(): readonly ProcessTimes[] {
  try {
    return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (processTimes(Number(name)) ?? []) : []));
  } catch {
    return [];
  }
}

function fileOrUndefined(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** What of a process is in memory; 0 when it has gone, or where there is no /proc. */
export function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(fileOrUndefined(`/proc/${pid}/status`) ?? "")?.[1];
  return Number(kilobytes ?? 0) / 1_024;
}
