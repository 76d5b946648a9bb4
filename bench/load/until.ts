import { setTimeout as sleep } from "node:timers/promises";

/** Looks now and then whether it is so. @throws when it is not so in time, with what is missing by then */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  missing: () => string,
  { everyMs = 20, withinMs = 60_000 } = {},
): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error(`after ${withinMs / 1_000} s still missing: ${missing()}`);
    await sleep(everyMs);
  }
}
