import { randomBytes } from "node:crypto";
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

export const systemIds: Ids = {
  uuidV7: () => v7(),
  token: () => randomBytes(9).toString("base64url").replaceAll("-", "a").replaceAll("_", "b"),
  random: () => Math.random(),
};
