import { mkdirSync, readdirSync, rmdirSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { say } from "./say.mjs";

const POLL_MS = 100;
/** An empty lock is being taken or given back, which takes no time; one as old as this was left so by a crash. */
const EMPTY_MS = 10_000;

let held = false;

/**
 * Does the work while no other process sets up this checkout. The lock is a folder, made by one process at a time, with a
 * file in it named by the process id. Of a process that died, one other removes that file, and so has the lock.
 */
export function withLock(root, work) {
  if (held) return work();
  const folder = join(root, ".tools", "setup.lock");
  mkdirSync(join(root, ".tools"), { recursive: true });
  take(folder);
  held = true;
  try {
    return work();
  } finally {
    held = false;
    succeeds(() => unlinkSync(join(folder, String(process.pid))));
    succeeds(() => rmdirSync(folder));
  }
}

function take(folder) {
  let waitsFor;
  for (;;) {
    if (succeeds(() => mkdirSync(folder)) || isLeftBehind(folder)) {
      writeFileSync(join(folder, String(process.pid)), "");
      return;
    }
    const holder = holderOf(folder);
    if (holder !== undefined && holder !== waitsFor) {
      say(`waiting for process ${holder}, which sets up this checkout (if it does not, remove ${folder})`);
      waitsFor = holder;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  }
}

/** Whether its holder died and it is ours now. */
function isLeftBehind(folder) {
  const holder = holderOf(folder);
  if (holder !== undefined) return !isAlive(holder) && succeeds(() => unlinkSync(join(folder, holder)));
  // Not ours yet: only out of the way, so that one of all that wait can make it.
  const madeMs = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
  if (Date.now() - madeMs > EMPTY_MS) succeeds(() => rmdirSync(folder));
  return false;
}

/** The process id; undefined while the lock is empty or gone. */
function holderOf(folder) {
  let holder;
  succeeds(() => {
    holder = readdirSync(folder)[0];
  });
  return holder;
}

function isAlive(processId) {
  try {
    process.kill(Number(processId), 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function succeeds(attempt) {
  try {
    attempt();
    return true;
  } catch (error) {
    if (["EEXIST", "ENOENT", "ENOTEMPTY"].includes(error.code)) return false;
    throw error;
  }
}
