import { DeliverPolicy } from "@nats-io/jetstream";
import { streams } from "../../schema/subjects.ts";
import { pause } from "../pause.ts";
import { type Intake, type IntakeEntry, type JournalEntry, UncertainOutcome } from "../ports/index.ts";
import { publishBatch, sequenceOf } from "./connection.ts";
import type { NatsContext } from "./context.ts";
import { MessageHeaders } from "./message-headers.ts";
import { OrderedMessages } from "./ordered.ts";

const STREAM = streams.alerts.name;
/** Messages, each of many reports, on their way to a process ahead of what it reads. */
const AHEAD = 100;
const AGAIN_MS = 200;

type Entry = Pick<JournalEntry, "subject" | "payload">;

export class NatsIntake implements Intake {
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
    const { clock, log } = this.#nats;
    let stopped = false;
    const messages = new OrderedMessages(this.#nats, STREAM, {
      start: { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 },
      subjects: [subject],
      aheadMax: AHEAD,
      patient: true,
    });
    const run = async () => {
      for await (const message of messages) {
        const { seq: sequence, info } = message;
        const atMs = Math.floor(info.timestampNanos / 1_000_000);
        const { pending } = info;
        const entry = { sequence, subject: message.subject, payload: message.string(), atMs, pending };
        for (let isHandled = false; !isHandled && !stopped; ) {
          try {
            await onEntry(entry);
            isHandled = true;
          } catch (error) {
            if (!stopped) log.warn({ error, subject, sequence }, "an entry of the intake failed; it is tried again");
            await pause(clock, AGAIN_MS);
          }
        }
      }
    };
    void run();
    return () => {
      stopped = true;
      messages.stop();
    };
  }
}
