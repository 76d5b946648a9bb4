import { DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { PortUnavailable } from "../ports/index.ts";
import type { StreamEntry, StreamReading, StreamSource, StreamState } from "../stream-source.ts";
import type { NatsContext } from "./context.ts";
import { OrderedMessages } from "./ordered.ts";

/** What waits in memory for a reader that is slower than the stream: entries, and characters of them. */
const BUFFER_MAX = 60_000;
const BUFFER_MAX_CHARACTERS = 64_000_000;
/** On their way, ahead of that; and of messages that have many records each. */
const AHEAD_MAX = 5_000;
const PACKS_AHEAD_MAX = 500;

export class NatsStreamSource implements StreamSource {
  readonly name: string;
  readonly #nats: NatsContext;
  readonly #aheadMax: number;

  private constructor(nats: NatsContext, name: string, aheadMax: number) {
    this.#nats = nats;
    this.name = name;
    this.#aheadMax = aheadMax;
  }

  static ofRecords(nats: NatsContext, name: string): NatsStreamSource {
    return new NatsStreamSource(nats, name, AHEAD_MAX);
  }

  static ofPacks(nats: NatsContext, name: string): NatsStreamSource {
    return new NatsStreamSource(nats, name, PACKS_AHEAD_MAX);
  }

  async state(): Promise<StreamState> {
    try {
      const { created, state } = await this.#nats.jsm.streams.info(this.name);
      return { epoch: created, first: state.first_seq, last: state.last_seq };
    } catch (error) {
      throw new PortUnavailable(`the stream ${this.name} could not be asked: ${error}`);
    }
  }

  read(after: number): StreamReading {
    return new Reading(this.#nats, this.name, after, this.#aheadMax);
  }
}

class Reading implements StreamReading {
  readonly #messages: OrderedMessages;
  #buffer: StreamEntry[] = [];
  #characters = 0;
  #stopped = false;
  #wakeReader: () => void = () => undefined;
  #wakePump: () => void = () => undefined;

  constructor(nats: NatsContext, stream: string, after: number, aheadMax: number) {
    this.#messages = new OrderedMessages(nats, stream, {
      start: { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 },
      aheadMax,
      patient: true,
    });
    void this.#pump();
  }

  async next(max: number): Promise<readonly StreamEntry[]> {
    while (this.#buffer.length === 0 && !this.#stopped) {
      await new Promise<void>((wake) => {
        this.#wakeReader = wake;
      });
    }
    if (this.#stopped) return [];
    const entries = this.#buffer.length <= max ? this.#buffer : this.#buffer.slice(0, max);
    this.#buffer = this.#buffer.length <= max ? [] : this.#buffer.slice(max);
    for (const { payload } of entries) this.#characters -= payload.length;
    this.#wakePump();
    return entries;
  }

  stop(): void {
    this.#stopped = true;
    this.#messages.stop();
    this.#wakeReader();
    this.#wakePump();
  }

  async #pump(): Promise<void> {
    for await (const message of this.#messages) {
      this.#arrived(message);
      // Not asking for more is what holds the server back.
      while (this.#full && !this.#stopped) await this.#untilRead();
    }
  }

  #arrived(message: JsMsg): void {
    const { seq: sequence, subject } = message;
    const keptMs = message.info.timestampNanos / 1e6;
    const payload = message.string();
    this.#characters += payload.length;
    if (this.#buffer.push({ sequence, subject, payload, keptMs }) === 1) this.#wakeReader();
  }

  get #full(): boolean {
    return this.#buffer.length >= BUFFER_MAX || this.#characters >= BUFFER_MAX_CHARACTERS;
  }

  #untilRead(): Promise<void> {
    return new Promise((wake) => {
      this.#wakePump = wake;
    });
  }
}
