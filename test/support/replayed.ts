import { runReplay } from "../../commands/replay/replay.ts";
import type { Summary } from "../../commands/replay/summary.ts";
import { heard } from "../../commands/testing/heard.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import type { TestServer } from "./server.ts";

/** Plays the synthetic day to a server, as fast as it answers. */
export async function replayed({ url, token }: TestServer, ...options: readonly string[]): Promise<Summary> {
  const { out, said } = heard();
  const code = await runReplay(["examples/day.csv", "--json", "--free-units", ...options], {
    env: { TOCSIN_URL: url, TOCSIN_TOKEN: token },
    out,
    clock: systemClock,
    ids: systemIds,
    signal: new AbortController().signal,
  });
  const { result } = said();
  if (code !== 0) throw new Error(`the replay ended with ${code}: ${result}`);
  return JSON.parse(result) as Summary;
}
