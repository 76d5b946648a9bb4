import { afterAll } from "vitest";

/** What ends each server and process that tests have started and not ended yet. */
const stops = new Set<() => Promise<void>>();

/** @returns to be called once it is ended */
export function started(stop: () => Promise<void>): () => void {
  stops.add(stop);
  return () => void stops.delete(stop);
}

/** A test that fails before its end must not leave a server behind: also set up for every file, by vitest's configuration. */
afterAll(async () => {
  for (const stop of [...stops].reverse()) await stop();
});
