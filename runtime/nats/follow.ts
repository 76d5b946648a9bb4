import { type ConsumerMessages, DeliverPolicy, type OrderedConsumerOptions } from "@nats-io/jetstream";
import { pause } from "../pause.ts";
import type { JournalEntry } from "../ports/index.ts";
import type { NatsContext } from "./context.ts";

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
  { js, clock, log }: NatsContext,
  stream: string,
  { after, since, until }: From,
  onEntry: (entry: JournalEntry) => void,
  caughtUp: () => void,
): () => void {
  let position = after ?? 0;
  let stopped = false;
  let messages: ConsumerMessages | undefined;
  let told = position >= until;
  if (told) caughtUp();
  const run = async () => {
    while (!stopped) {
      try {
        const options: Partial<OrderedConsumerOptions> =
          since !== undefined && position === 0
            ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: since.toISOString() }
            : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: position + 1 };
        const consumer = await js.consumers.get(stream, options);
        // What ended the stream may be gone by now: then nothing is left to come.
        if (!told && (await consumer.info()).num_pending === 0) {
          told = true;
          caughtUp();
        }
        messages = await consumer.consume({ max_messages: 2_000, expires: 5_000, idle_heartbeat: 1_000 });
        for await (const message of messages) {
          if (stopped) break;
          if (message.seq <= position) continue;
          position = message.seq;
          onEntry({ sequence: message.seq, subject: message.subject, payload: message.string() });
          if (!told && (position >= until || message.info.pending === 0)) {
            told = true;
            caughtUp();
          }
        }
      } catch (error) {
        if (!stopped) log.warn({ error, stream, position }, "following a stream broke off; it goes on");
      }
      if (!stopped) await pause(clock, 200);
    }
  };
  void run();
  return () => {
    stopped = true;
    messages?.stop();
  };
}
