import type { Clock } from "./ports/index.ts";

/** Waits on the port's clock, so that the simulator owns the time. */
export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

/**
 * The promise's outcome, or `late()` when it takes longer. The promise itself goes on; its late failure is dropped,
 * because whoever cared has been answered.
 */
export function within<T>(clock: Clock, delayMs: number, promise: Promise<T>, late: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(delayMs, () => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    });
    promise.then(resolve, reject).finally(cancel);
  });
}
