import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import { pause } from "../../runtime/pause.ts";
import { type Clock, PortUnavailable } from "../../runtime/ports/index.ts";
import { streams } from "../../schema/subjects.ts";
import { pageOf } from "./stream-entries.ts";

/**
 * The server stores a commit of several actors all or nothing, but entry by entry; an image of the journal that is taken
 * meanwhile may end within one. So what came after the image was begun is kept too, up to the end of a commit, and whoever
 * restores the image appends what is missing of the commit that it ends in.
 */
export interface TailEntry {
  readonly sequence: number;
  readonly subject: string;
  readonly payload: string;
  /** A commit ends here. */
  readonly ends: boolean;
}

const STREAM = streams.events.name;
const LOOK_AGAIN_MS = 20;
/** A commit is written within this, or the server does not work. */
const COMMIT_MS = 10_000;

export function tailEntryOf(message: StoredMsg): TailEntry {
  const { seq: sequence, subject, header } = message;
  const ends = !header?.get("Nats-Batch-Id") || header.get("Nats-Batch-Commit") !== "";
  return { sequence, subject, payload: message.string(), ends };
}

/** The journal's entries from a sequence on, up to the end of the commit that its newest entry belongs to. */
export async function* journalTail(jsm: JetStreamManager, from: number, clock: Clock): AsyncGenerator<TailEntry> {
  const until = (await jsm.streams.info(STREAM)).state.last_seq;
  const giveUpMs = clock.monotonicMs() + COMMIT_MS;
  let last = { sequence: from - 1, ends: until === 0 };
  while (last.sequence < until || !last.ends) {
    const before = last.sequence;
    for (const entry of (await pageOf(jsm, STREAM, before + 1)).map(tailEntryOf)) {
      yield entry;
      last = entry;
      if (entry.sequence >= until && entry.ends) return;
    }
    if (last.sequence > before) continue;
    if (clock.monotonicMs() > giveUpMs) throw new PortUnavailable(`the commit at sequence ${before} does not end`);
    await pause(clock, LOOK_AGAIN_MS);
  }
}
