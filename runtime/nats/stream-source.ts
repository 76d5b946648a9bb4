import { type ConsumerMessages, DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { pause } from "../pause.ts";
import { PortUnavailable } from "../ports/index.ts";
import type { StreamEntry, StreamReading, StreamSource, StreamState } from "../stream-source.ts";
import type { NatsContext } from "./context.ts";

/** What waits in memory for a reader that is slower than the stream: entries, and characters of them. */
const BUFFER_MAX = 60_000;
const BUFFER_MAX_CHARACTERS = 64_000_000;
const BREAK_MS = 200;

export class NatsStreamSource implements StreamSource {
  readonly name: string;
  readonly #nats: NatsContext;

  constructor(nats: NatsContext, name: string) {
    this.#nats = nats;
    this.name = name;
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
    return new Reading(this.#nats, this.name, after);
  }
}

class Reading implements StreamReading {
  readonly #nats: NatsContext;
  readonly #stream: string;
  #position: number;
  #buffer: StreamEntry[] = [];
  #characters = 0;
  #stopped = false;
  #messages: ConsumerMessages | undefined;
  #wakeReader: () => void = () => undefined;
  #wakePump: () => void = () => undefined;

  constructor(nats: NatsContext, stream: string, after: number) {
    this.#nats = nats;
    this.#stream = stream;
    this.#position = after;
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
    this.#messages?.stop();
    this.#wakeReader();
    this.#wakePump();
  }

  async #pump(): Promise<void> {
    const { js, clock, log } = this.#nats;
    while (!this.#stopped) {
      try {
        const consumer = await js.consumers.get(this.#stream, {
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: this.#position + 1,
        });
        this.#messages = await consumer.consume({ max_messages: 5_000, expires: 5_000, idle_heartbeat: 1_000 });
        for await (const message of this.#messages) {
          if (this.#stopped) return;
          this.#arrived(message);
          // Not asking for more is what holds the server back.
          while (this.#full && !this.#stopped) await this.#untilRead();
        }
      } catch (error) {
        if (!this.#stopped) {
          log.warn({ error, stream: this.#stream, position: this.#position }, "reading a stream broke off; it goes on");
        }
      }
      if (!this.#stopped) await pause(clock, BREAK_MS);
    }
  }

  #arrived(message: JsMsg): void {
    const { seq, subject } = message;
    if (seq <= this.#position) return;
    this.#position = seq;
    const keptMs = message.info.timestampNanos / 1e6;
    const payload = message.string();
    this.#characters += payload.length;
    if (this.#buffer.push({ sequence: seq, subject, payload, keptMs }) === 1) this.#wakeReader();
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
