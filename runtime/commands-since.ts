import { parseEnvelope } from "../schema/envelope.ts";
import type { Image } from "./image.ts";
import type { Journal } from "./ports/index.ts";
import type { RecentCommand } from "./recent-commands.ts";

/**
 * The commands that an actor has done since then, by its journal.
 * @param subject the actor's own
 * @param image as far as its journal is looked at
 */
export async function commandsSince(
  journal: Journal,
  subject: string,
  { sequence: last }: Image,
  sinceMs: number,
): Promise<Map<string, RecentCommand>> {
  // Up to `low` all is older; from after `high` on nothing is. Halving costs some twenty small reads of any journal.
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const [next] = await journal.read(subject, middle, 1);
    if (next !== undefined && next.sequence <= last && Date.parse(parseEnvelope(next.payload).at) < sinceMs)
      low = next.sequence;
    else high = middle;
  }
  const commands = new Map<string, RecentCommand>();
  for (const { payload } of await journal.read(subject, low)) {
    const { commandId, version, fingerprint } = parseEnvelope(payload);
    commands.set(commandId, { commandId, version, ...(fingerprint === undefined ? {} : { fingerprint }) });
  }
  return commands;
}
