import { randomFillSync } from "node:crypto";
import { v7 } from "uuid";
import type { Clock, Ids } from "./index.ts";

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  soon: (callback) => {
    setImmediate(callback);
  },
};

/** Asking the kernel for a few random bytes costs more than all the rest of an id: so it is asked for many at once. */
const POOL_BYTES = 4_096;
const pool = Buffer.allocUnsafeSlow(POOL_BYTES);
let used = POOL_BYTES;

function randomBytes(count: number): Buffer {
  if (used + count > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  used += count;
  return pool.subarray(used - count, used);
}

/** Ids of one process rise, also within a millisecond and when the clock is set back. */
let lastMs = 0;
let sequence = 0;

function uuidV7(): string {
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    // The upper half is left for counting on.
    sequence = randomBytes(4).readUInt32LE() >>> 1;
  } else {
    sequence += 1;
  }
  return v7({ random: randomBytes(16), msecs: lastMs, seq: sequence });
}

export const systemIds: Ids = {
  uuidV7,
  token: () => randomBytes(9).toString("base64url").replaceAll("-", "a").replaceAll("_", "b"),
  random: () => Math.random(),
};
