import { DeliverPolicy } from "@nats-io/jetstream";
import type { JournalEntry } from "../ports/index.ts";
import type { NatsContext } from "./context.ts";
import { OrderedMessages, type OrderedOptions } from "./ordered.ts";

export interface From {
  /** The sequence after which to begin. */
  readonly after?: number;
  /** Where there is no `after`: the time of the first message. */
  readonly since?: Date;
  /** What exists now: after this one, `caughtUp` is called. */
  readonly until: number;
}

/** Hands over a stream's messages in order and without a gap, until stopped; goes on by itself when it breaks off. */
export function followStream(
  nats: NatsContext,
  stream: string,
  { after, since, until }: From,
  onEntry: (entry: JournalEntry) => void,
  caughtUp: () => void,
): () => void {
  const position = after ?? 0;
  let told = position >= until;
  if (told) caughtUp();
  const start: OrderedOptions["start"] =
    since !== undefined && position === 0
      ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: since.toISOString() }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: position + 1 };
  const tell = () => {
    if (told) return;
    told = true;
    caughtUp();
  };
  const messages = new OrderedMessages(nats, stream, {
    start,
    aheadMax: 2_000,
    patient: true,
    // What ended the stream may be gone by now: then nothing is left to come.
    opened: (pending) => {
      if (pending === 0) tell();
    },
  });
  const run = async () => {
    for await (const message of messages) {
      const { seq: sequence, subject, info } = message;
      try {
        onEntry({ sequence, subject, payload: message.string() });
      } catch (error) {
        nats.log.error({ stream, sequence, error }, "a follower failed");
      }
      if (sequence >= until || info.pending === 0) tell();
    }
  };
  void run();
  return () => messages.stop();
}
