import { DeliverPolicy } from "@nats-io/jetstream";
import { streams } from "../../schema/subjects.ts";
import { pause } from "../pause.ts";
import {
  type AppendResult,
  type Incoming,
  type Intake,
  type IntakeEntry,
  type Repeatable,
  UncertainOutcome,
} from "../ports/index.ts";
import { type Ack, type BatchMessage, isRepeated, publishBatch, sequenceOf } from "./connection.ts";
import type { NatsContext } from "./context.ts";
import { MessageHeaders } from "./message-headers.ts";
import { OrderedMessages } from "./ordered.ts";

const STREAM = streams.alerts.name;
/** Messages, each of many reports, on their way to a process ahead of what it reads. */
const AHEAD = 100;
const AGAIN_MS = 200;

export class NatsIntake implements Intake {
  readonly #nats: NatsContext;

  constructor(nats: NatsContext) {
    this.#nats = nats;
  }

  async append(entries: readonly Incoming[]): Promise<readonly number[]> {
    const ack = await this.#publish(entries.map((entry) => ({ ...entry, header: new MessageHeaders() })));
    return sequencesOf(ack, entries.length);
  }

  async appendOnce(entries: readonly Repeatable[]): Promise<AppendResult> {
    const ack = await this.#publish(
      entries.map(({ id, ...entry }) => ({ ...entry, header: new MessageHeaders().set("Nats-Msg-Id", id) })),
    );
    return isRepeated(ack) ? { ok: false } : { ok: true, sequences: sequencesOf(ack, entries.length) };
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

  #publish(messages: readonly BatchMessage[]): Promise<Ack> {
    return publishBatch(this.#nats.writer, () => this.#nats.ids.token(), messages);
  }
}

/** Those of a batch follow each other without anything between. */
function sequencesOf(ack: Ack, count: number): readonly number[] {
  const last = sequenceOf(ack);
  if (last === undefined) throw new UncertainOutcome("the intake refused");
  return Array.from({ length: count }, (_, index) => last - count + 1 + index);
}
