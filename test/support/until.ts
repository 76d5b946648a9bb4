const TIMEOUT_MS = 30_000;
const EVERY_MS = 10;

/** Waits for a state. @throws when it does not come, naming it; and whatever looking at it throws */
export async function until(state: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAt = performance.now() + TIMEOUT_MS;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error(`after ${TIMEOUT_MS / 1_000} s it is still not so that ${state}`);
    await new Promise((again) => setTimeout(again, EVERY_MS));
  }
}
