import { runReplay } from "../../commands/replay/replay.ts";
import type { Summary } from "../../commands/replay/summary.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import type { TestServer } from "./server.ts";

/** Plays the synthetic day to a server, as fast as it answers. */
export async function replayed({ url, token }: TestServer, ...options: readonly string[]): Promise<Summary> {
  const results: string[] = [];
  const code = await runReplay(["examples/day.csv", "--json", "--free-units", ...options], {
    env: { TOCSIN_URL: url, TOCSIN_TOKEN: token },
    out: { result: (text) => void results.push(text), note: () => undefined, terminal: undefined },
    clock: systemClock,
    ids: systemIds,
    signal: new AbortController().signal,
  });
  if (code !== 0) throw new Error(`the replay ended with ${code}: ${results}`);
  return JSON.parse(results.join()) as Summary;
}
