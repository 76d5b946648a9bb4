import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { endedChildrenTicks, programOf, treeOf } from "./processes.ts";

/** Cores kept busy by each program: 1 is one core all the time. */
export interface CoresUsed {
  /** By the name of the program: `node`, `nats-server`, `postgres`. */
  readonly byProgram: Readonly<Record<string, number>>;
  /** By children of this process that started and ended within the span: the load generator. */
  readonly endedChildren: number;
  /** By everything else on the machine. Much more than nothing here says that the figures are disturbed. */
  readonly others: number;
}

interface Sample {
  readonly atMs: number;
  readonly ticksByPid: ReadonlyMap<number, { readonly program: string; readonly ticks: number }>;
  readonly endedChildrenTicks: number;
  readonly machineTicks: number;
}

/**
 * Starts to count the CPU time of some processes, with all their threads and descendants; the function returned ends the
 * span. Only Linux tells this cheaply: elsewhere the answer is undefined, which is shown as not measured.
 */
export function countCpu(roots: readonly number[]): () => CoresUsed | undefined {
  if (process.platform !== "linux") return () => undefined;
  const before = sample(roots);
  return () => {
    const after = sample(roots);
    const ticks = ((after.atMs - before.atMs) / 1_000) * ticksPerSecond();
    const byProgram: Record<string, number> = {};
    let counted = 0;
    for (const [pid, { program, ticks: now }] of after.ticksByPid) {
      const spent = now - (before.ticksByPid.get(pid)?.ticks ?? 0);
      byProgram[program] = (byProgram[program] ?? 0) + spent / ticks;
      counted += spent;
    }
    const ended = after.endedChildrenTicks - before.endedChildrenTicks;
    const others = Math.max(0, after.machineTicks - before.machineTicks - counted - ended);
    return { byProgram, endedChildren: ended / ticks, others: others / ticks };
  };
}

function sample(roots: readonly number[]): Sample {
  const tree = treeOf(roots);
  return {
    atMs: performance.now(),
    ticksByPid: new Map(tree.map(({ pid, ticks }) => [pid, { program: programOf(pid), ticks }])),
    endedChildrenTicks: endedChildrenTicks(),
    machineTicks: machineBusyTicks(),
  };
}

/** All but idle time, waiting for disks, and time taken by other guests of the same hardware. */
function machineBusyTicks(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync("/proc/stat", "utf8")
    .slice(0, 400)
    .split("\n", 1)[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return user + nice + system + irq + softirq;
}

let known: number | undefined;
function ticksPerSecond(): number {
  if (known === undefined) {
    try {
      known = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
    } catch {
      known = 100; // What Linux has everywhere in practice.
    }
  }
  return known;
}
