import { type ConsumerMessages, DeliverPolicy, type JsMsg, type OrderedConsumerOptions } from "@nats-io/jetstream";
import { pause } from "../pause.ts";
import type { NatsContext } from "./context.ts";

export interface OrderedOptions {
  /** Where to begin. */
  readonly start: Partial<OrderedConsumerOptions>;
  /** Only these subjects; all where it is not given. */
  readonly subjects?: readonly string[];
  /** On their way to this process at most, ahead of what it handles. */
  readonly aheadMax: number;
  /** Whatever fails is tried again until it is stopped; an impatient one throws. */
  readonly patient: boolean;
  /** Told each time that reading begins, or begins anew: how many messages are there to be read. */
  readonly opened?: (pending: number) => void;
}

const AGAIN_MS = 200;
/** A server cuts off who has more than 64 MB on its way. */
const AHEAD_BYTES = 16_000_000;

/**
 * A stream's messages in order and without a gap, each once, until stopped.
 *
 * What a server has sent it takes for delivered. What is lost on the way, as when the connection breaks, the client
 * notices by the message after it; where none comes, as at night or at a stream's end, it would never be missed. The
 * server's heartbeats say how many it has sent: when fewer have come, reading begins anew behind the last that did.
 */
export class OrderedMessages implements AsyncIterable<JsMsg> {
  readonly #nats: NatsContext;
  readonly #stream: string;
  readonly #options: OrderedOptions;
  #last: number | undefined;
  #stopped = false;
  #messages: ConsumerMessages | undefined;

  constructor(nats: NatsContext, stream: string, options: OrderedOptions) {
    this.#nats = nats;
    this.#stream = stream;
    this.#options = options;
  }

  stop(): void {
    this.#stopped = true;
    this.#messages?.stop();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JsMsg> {
    const { clock, log } = this.#nats;
    try {
      while (!this.#stopped) {
        try {
          for await (const message of await this.#open()) {
            if (this.#stopped) return;
            const { seq } = message;
            if (this.#last !== undefined && seq <= this.#last) continue;
            this.#last = seq;
            yield message;
          }
        } catch (error) {
          if (!this.#options.patient) throw error;
          if (!this.#stopped) {
            const after = this.#last ?? 0;
            log.warn({ error, stream: this.#stream, after }, "reading a stream broke off; it goes on");
          }
        }
        if (!this.#stopped && this.#options.patient) await pause(clock, AGAIN_MS);
      }
    } finally {
      this.stop();
    }
  }

  async #open(): Promise<ConsumerMessages> {
    const { js } = this.#nats;
    const { start, subjects, opened } = this.#options;
    const from =
      this.#last === undefined ? start : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: this.#last + 1 };
    const max_messages = await this.#ahead();
    const filter = subjects === undefined ? {} : { filter_subjects: [...subjects] };
    const consumer = await js.consumers.get(this.#stream, { ...from, ...filter });
    opened?.((await consumer.info(true)).num_pending);
    const messages = await consumer.consume({ max_messages, expires: 5_000, idle_heartbeat: 1_000 });
    this.#messages = messages;
    if (this.#stopped) messages.stop();
    void this.#watch(messages);
    return messages;
  }

  /** As many as fit, as long as they are. */
  async #ahead(): Promise<number> {
    const { messages, bytes } = (await this.#nats.jsm.streams.info(this.#stream)).state;
    const fitting = messages === 0 ? this.#options.aheadMax : Math.floor(AHEAD_BYTES / (bytes / messages));
    return Math.max(8, Math.min(this.#options.aheadMax, fitting));
  }

  /** Ends these messages when one is missing. */
  async #watch(messages: ConsumerMessages): Promise<void> {
    let ofConsumersBefore = 0;
    for await (const status of messages.status()) {
      if (status.type === "ordered_consumer_recreated") ofConsumersBefore = messages.getReceived();
      if (status.type !== "heartbeat") continue;
      if (status.lastConsumerSequence <= messages.getReceived() - ofConsumersBefore) continue;
      this.#nats.log.warn({ stream: this.#stream }, "messages were lost on their way; they are read again");
      messages.stop();
    }
  }
}
