import type { Position } from "../../schema/live/messages.ts";
import { markOf, positionAt } from "./frames.ts";
import type { Live } from "./subscription.ts";

/** For a client that comes from a gateway which has read further: as long as ours takes to get there, within reason. */
const AHEAD_WAIT_MS = 2_000;

/** Why what came since a position cannot be told; undefined when all of it can. */
export async function whyNotRecovered(live: Live, { epoch, offset, mark }: Position): Promise<string | undefined> {
  const sequence = Number(offset);
  if (epoch !== live.epoch) return "the position is of another journal";
  if (!(await live.board.waitFor(sequence, AHEAD_WAIT_MS))) return "the journal does not reach that far";
  if (sequence < (await live.departedUntil())) return "a part of what came since has left the journal";
  if (mark === undefined) return;
  const entry = live.fanOut.recent.get(sequence) ?? (await live.journal.entryAt(sequence));
  const stands = entry !== undefined && markOf(entry.payload) === mark;
  return stands ? undefined : "the journal was restored from an older copy";
}

/** A place in this journal, as it goes out. */
export function positionOf({ fanOut, epoch }: Live, sequence: number): Position {
  const told = fanOut.recent.get(sequence);
  return positionAt(epoch, sequence, told && markOf(told.payload));
}
