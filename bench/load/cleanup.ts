import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { descendantsOf } from "./processes.ts";

/** How long a process may take to stop by itself. A server that writes its snapshots needs a moment. */
const STOP_MS = 20_000;

/** Keeps all processes and folders that a run makes, and removes them: after a case, on failure, on Ctrl-C. */
export class Cleanup {
  readonly #children = new Set<ChildProcess>();
  readonly #folders = new Set<string>();
  readonly #deferred: (() => Promise<void>)[] = [];
  #closed = false;

  constructor() {
    // The last resort, where nothing can be awaited any more.
    process.on("exit", () => {
      for (const child of this.#children) killTree(child);
      for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
    });
  }

  /**
   * A process in a group of its own: Ctrl-C in the terminal reaches the bench alone, which then stops the others in order.
   * One that stops by itself is forgotten.
   */
  spawn(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    this.#requireOpen();
    const child = spawn(command, args, { ...options, detached: true });
    this.#children.add(child);
    child.once("error", () => this.#children.delete(child));
    child.once("exit", () => this.#children.delete(child));
    return child;
  }

  /** SIGTERM, and SIGKILL with all its descendants when it does not stop. */
  async stop(child: ChildProcess): Promise<void> {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const tooLong = new AbortController();
    await Promise.race([exited, sleep(STOP_MS, undefined, { signal: tooLong.signal }).catch(() => undefined)]);
    tooLong.abort();
    if (child.exitCode === null && child.signalCode === null) {
      killTree(child);
      await exited;
    }
  }

  /** A new folder on a real disk. */
  async folder(label: string): Promise<string> {
    this.#requireOpen();
    const folder = await mkdtemp(join(await diskFolder(), `tocsin-bench-${label}-`));
    this.#folders.add(folder);
    return folder;
  }

  async remove(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    this.#folders.delete(folder);
  }

  /** Runs `undo` at the end of the case, last deferred first. */
  defer(undo: () => Promise<void>): void {
    this.#deferred.push(undo);
  }

  /** Cleans up and lets nothing new begin: a case that is running then fails. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.all();
  }

  #requireOpen(): void {
    if (this.#closed) throw new Error("the run was stopped");
  }

  async all(): Promise<void> {
    for (let undo = this.#deferred.pop(); undo !== undefined; undo = this.#deferred.pop()) {
      await undo().catch((error: unknown) => console.error("while cleaning up:", error));
    }
    await Promise.all([...this.#children].map((child) => this.stop(child)));
    await Promise.all([...this.#folders].map((folder) => this.remove(folder)));
  }
}

/** Where fsync means something: some systems keep their folder for temporary files in memory. */
export async function diskFolder(): Promise<string> {
  const { type } = await statfs(tmpdir());
  return type === TMPFS ? "/var/tmp" : tmpdir();
}

/** statfs(2) */
const TMPFS = 0x01021994;

function killTree(child: ChildProcess): void {
  if (child.pid === undefined) return;
  // Descendants first looked up, then killed: a grandchild may have a group of its own.
  for (const pid of [...descendantsOf(child.pid), -child.pid]) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has gone already.
    }
  }
}
