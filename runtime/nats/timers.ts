import { AckPolicy, type ConsumerMessages } from "@nats-io/jetstream";
import { streams, subjects } from "../../schema/subjects.ts";
import { pause } from "../pause.ts";
import type { Timer, Timers } from "../ports/index.ts";
import { publishBatch, sequenceOf } from "./connection.ts";
import type { NatsContext } from "./context.ts";
import { MessageHeaders } from "./message-headers.ts";

const DURABLE = "deadlines";
/** Longer than the handler itself takes at the most, so that a ring is not repeated while it is being handled. */
const ACK_WAIT_MS = 30_000;
const RETRY_MS = 1_000;

/** Deadlines as scheduled messages: the server stores the fired message, and any host takes it from there. */
export class NatsTimers implements Timers {
  readonly #nats: NatsContext;

  constructor(nats: NatsContext) {
    this.#nats = nats;
  }

  async set(timers: readonly Timer[]): Promise<void> {
    const messages = timers.map((timer) => {
      const header = new MessageHeaders();
      header.set("Nats-Schedule", `@at ${timer.at}`);
      header.set("Nats-Schedule-Target", subjects.timerDue(timer.partition, timer));
      return { subject: subjects.timerSet(timer, timer.name), payload: timer.payload, header };
    });
    for (let from = 0; from < messages.length; from += 1_000) {
      const batch = messages.slice(from, from + 1_000);
      const ack = await publishBatch(this.#nats.connection, () => this.#nats.ids.token(), batch);
      sequenceOf(ack);
    }
  }

  async onDue(handler: (payload: string) => Promise<void>): Promise<() => void> {
    await this.#nats.jsm.consumers.add(streams.timers.name, {
      durable_name: DURABLE,
      filter_subject: subjects.timersDue,
      ack_policy: AckPolicy.Explicit,
      ack_wait: ACK_WAIT_MS * 1_000_000,
      max_ack_pending: 1_000,
    });
    let stopped = false;
    let messages: ConsumerMessages | undefined;
    const run = async () => {
      while (!stopped) {
        try {
          const consumer = await this.#nats.js.consumers.get(streams.timers.name, DURABLE);
          messages = await consumer.consume({ max_messages: 200, expires: 5_000, idle_heartbeat: 1_000 });
          for await (const message of messages) {
            if (stopped) break;
            void handler(message.string()).then(
              () => message.ack(),
              () => message.nak(RETRY_MS),
            );
          }
        } catch (error) {
          if (!stopped) this.#nats.log.warn({ error }, "waiting for deadlines broke off; it goes on");
        }
        if (!stopped) await pause(this.#nats.clock, 200);
      }
    };
    void run();
    return () => {
      stopped = true;
      messages?.stop();
    };
  }
}
