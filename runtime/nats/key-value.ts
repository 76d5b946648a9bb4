import { DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { type KeyValue, type KeyValueEntry, PortUnavailable, type Put, type PutResult } from "../ports/index.ts";
import { fenced, publishBatch, sequenceOf } from "./connection.ts";
import type { NatsContext } from "./context.ts";
import { MessageHeaders } from "./message-headers.ts";
import { OrderedMessages } from "./ordered.ts";

const AHEAD_MAX = 2_000;

/** A KV bucket, written through its stream, so that many puts can be one atomic batch and have a time to live. */
export class NatsKeyValue implements KeyValue {
  readonly #nats: NatsContext;
  readonly #kv: KV;
  readonly #bucket: string;

  constructor(nats: NatsContext, kv: KV, bucket: string) {
    this.#nats = nats;
    this.#kv = kv;
    this.#bucket = bucket;
  }

  async get(key: string): Promise<KeyValueEntry | undefined> {
    try {
      const entry = await this.#kv.get(key);
      if (entry === null || entry.operation !== "PUT") return;
      return { key, value: entry.string(), revision: entry.revision };
    } catch (error) {
      throw new PortUnavailable(`bucket ${this.#bucket} could not be read: ${error}`);
    }
  }

  async put(puts: readonly Put[]): Promise<PutResult> {
    const messages = puts.map(({ key, value, expectedRevision }) => ({
      subject: this.#subject(key),
      payload: value,
      header: expectedRevision === undefined ? new MessageHeaders() : fenced(expectedRevision),
    }));
    if (messages.length === 0) return { ok: true, revisions: [] };
    const ack = await publishBatch(this.#nats.connection, () => this.#nats.ids.token(), messages);
    const last = sequenceOf(ack);
    if (last === undefined) return (await this.#overMarker(puts)) ?? { ok: false };
    return { ok: true, revisions: puts.map((_, index) => last - puts.length + 1 + index) };
  }

  async putExpiring({ key, value, expectedRevision }: Required<Put>, ttlMs: number): Promise<PutResult> {
    const header = fenced(expectedRevision);
    header.set("Nats-TTL", `${Math.ceil(ttlMs / 1_000)}s`);
    const revision = sequenceOf(await this.#nats.connection.publish(this.#subject(key), value, header));
    if (revision !== undefined) return { ok: true, revisions: [revision] };
    const marker = expectedRevision === 0 ? await this.#markerOf(key) : undefined;
    return marker === undefined ? { ok: false } : this.putExpiring({ key, value, expectedRevision: marker }, ttlMs);
  }

  /** A key that was deleted or has expired leaves a marker with a revision of its own: for us it does not exist. */
  async #markerOf(key: string): Promise<number | undefined> {
    try {
      const entry = await this.#kv.get(key);
      return entry === null || entry.operation === "PUT" ? undefined : entry.revision;
    } catch (error) {
      throw new PortUnavailable(`bucket ${this.#bucket} could not be read: ${error}`);
    }
  }

  async #overMarker(puts: readonly Put[]): Promise<PutResult | undefined> {
    const [only] = puts;
    if (only === undefined || puts.length > 1 || only.expectedRevision !== 0) return;
    const marker = await this.#markerOf(only.key);
    return marker === undefined ? undefined : this.put([{ ...only, expectedRevision: marker }]);
  }

  async delete(key: string): Promise<void> {
    try {
      await this.#kv.delete(key);
    } catch (error) {
      throw new PortUnavailable(`bucket ${this.#bucket} could not be written: ${error}`);
    }
  }

  async forget(key: string, revision: number): Promise<void> {
    try {
      await this.#nats.jsm.streams.purge(`KV_${this.#bucket}`, { filter: this.#subject(key), seq: revision + 1 });
    } catch (error) {
      throw new PortUnavailable(`bucket ${this.#bucket} could not be written: ${error}`);
    }
  }

  async *entries(): AsyncIterable<KeyValueEntry> {
    const stream = `KV_${this.#bucket}`;
    const prefix = this.#subject("");
    const { state } = await this.#nats.jsm.streams.info(stream);
    if (state.messages === 0) return;
    const messages = new OrderedMessages(this.#nats, stream, {
      start: { deliver_policy: DeliverPolicy.All },
      aheadMax: AHEAD_MAX,
      patient: false,
      opened: (pending) => {
        if (pending === 0) messages.stop();
      },
    });
    for await (const message of messages) {
      const entry = entryIn(message);
      if (entry !== undefined) yield { key: message.subject.slice(prefix.length), ...entry };
      if (message.seq >= state.last_seq || message.info.pending === 0) break;
    }
  }

  async watch(onChange: (key: string, entry: KeyValueEntry | undefined) => void): Promise<() => void> {
    const prefix = this.#subject("");
    let told: () => void = () => undefined;
    const isTold = new Promise<void>((resolve) => {
      told = resolve;
    });
    const messages = new OrderedMessages(this.#nats, `KV_${this.#bucket}`, {
      start: { deliver_policy: DeliverPolicy.LastPerSubject },
      subjects: [`${prefix}>`],
      aheadMax: AHEAD_MAX,
      patient: true,
      opened: (pending) => {
        if (pending === 0) told();
      },
    });
    const run = async () => {
      for await (const message of messages) {
        const key = message.subject.slice(prefix.length);
        const entry = entryIn(message);
        try {
          onChange(key, entry && { key, ...entry });
        } catch (error) {
          this.#nats.log.error({ error, bucket: this.#bucket, key }, "a change of a bucket could not be taken in");
        }
        if (message.info.pending === 0) told();
      }
    };
    void run();
    await isTold;
    return () => messages.stop();
  }

  #subject(key: string): string {
    return `$KV.${this.#bucket}.${key}`;
  }
}

/** Undefined for the mark that a deletion leaves, or the end of a time to live. */
function entryIn(message: JsMsg): { readonly value: string; readonly revision: number } | undefined {
  const { headers } = message;
  if (headers !== undefined && (headers.has("KV-Operation") || headers.has("Nats-Marker-Reason"))) return;
  return { value: message.string(), revision: message.seq };
}
