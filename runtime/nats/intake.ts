import { type ConsumerMessages, DeliverPolicy } from "@nats-io/jetstream";
import { streams } from "../../schema/subjects.ts";
import { pause } from "../pause.ts";
import { type Intake, type IntakeEntry, type JournalEntry, UncertainOutcome } from "../ports/index.ts";
import { publishBatch, sequenceOf } from "./connection.ts";
import type { NatsContext } from "./context.ts";
import { MessageHeaders } from "./message-headers.ts";

const STREAM = streams.alerts.name;
/** Handed to a process ahead of its work: what a crash makes the next one read again. */
const AHEAD = 500;

type Entry = Pick<JournalEntry, "subject" | "payload">;

export class NatsIntake implements Intake {
  /** The server takes 1,000. */
  readonly maxBatch = 1_000;
  readonly #nats: NatsContext;

  constructor(nats: NatsContext) {
    this.#nats = nats;
  }

  async append(entries: readonly Entry[]): Promise<readonly number[]> {
    const messages = entries.map(({ subject, payload }) => ({ subject, payload, header: new MessageHeaders() }));
    const last = sequenceOf(await publishBatch(this.#nats.writer, () => this.#nats.ids.token(), messages));
    if (last === undefined) throw new UncertainOutcome("the intake refused");
    return entries.map((_, index) => last - entries.length + 1 + index);
  }

  async appendOnce({ subject, payload }: Entry, id: string) {
    const header = new MessageHeaders().set("Nats-Msg-Id", id);
    const ack = await this.#nats.writer.publish(subject, payload, header);
    const sequence = sequenceOf(ack);
    if (sequence === undefined) throw new UncertainOutcome("the intake refused");
    return { sequence, before: ack.duplicate === true };
  }

  async follow(subject: string, after: number, onEntry: (entry: IntakeEntry) => Promise<void>): Promise<() => void> {
    const { js, clock, log } = this.#nats;
    let position = after;
    let stopped = false;
    let messages: ConsumerMessages | undefined;
    const run = async () => {
      while (!stopped) {
        try {
          const consumer = await js.consumers.get(STREAM, {
            deliver_policy: DeliverPolicy.StartSequence,
            opt_start_seq: position + 1,
            filter_subjects: [subject],
          });
          messages = await consumer.consume({ max_messages: AHEAD, expires: 5_000, idle_heartbeat: 1_000 });
          for await (const message of messages) {
            if (stopped) break;
            const { seq: sequence, info } = message;
            if (sequence <= position) continue;
            const atMs = Math.floor(info.timestampNanos / 1_000_000);
            await onEntry({
              sequence,
              subject: message.subject,
              payload: message.string(),
              atMs,
              pending: info.pending,
            });
            position = sequence;
          }
        } catch (error) {
          if (!stopped) log.warn({ error, subject, position }, "following the intake broke off; it goes on");
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
}
