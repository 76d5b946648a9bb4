import { headers } from "@nats-io/transport-node";
import { streams } from "../../schema/subjects.ts";
import { type JournalEntry, PortUnavailable, type TelemetryStream, UncertainOutcome } from "../ports/index.ts";
import { publishBatch, sequenceOf } from "./connection.ts";
import type { NatsContext } from "./context.ts";
import type { StreamFeed } from "./feed.ts";
import { isNotFound } from "./journal.ts";

const STREAM = streams.locations.name;

export class NatsTelemetry implements TelemetryStream {
  /** The server takes 1,000. */
  readonly maxBatch = 1_000;
  readonly #nats: NatsContext;

  readonly #feed: StreamFeed;

  constructor(nats: NatsContext, feed: StreamFeed) {
    this.#nats = nats;
    this.#feed = feed;
  }

  async append(records: readonly Pick<JournalEntry, "subject" | "payload">[]): Promise<readonly number[]> {
    const messages = records.map(({ subject, payload }) => ({ subject, payload, header: headers() }));
    const last = sequenceOf(await publishBatch(this.#nats.writer, () => this.#nats.ids.token(), messages));
    if (last === undefined) throw new UncertainOutcome("telemetry was refused");
    const kept = records.map((record, index) => ({ ...record, sequence: last - records.length + 1 + index }));
    this.#feed.appended(kept);
    return kept.map(({ sequence }) => sequence);
  }

  async last(subject: string): Promise<JournalEntry | undefined> {
    try {
      const message = await this.#nats.jsm.direct.getMessage(STREAM, { last_by_subj: subject });
      return message === null ? undefined : { sequence: message.seq, subject, payload: message.string() };
    } catch (error) {
      if (isNotFound(error)) return;
      throw new PortUnavailable(`telemetry could not be read: ${error}`);
    }
  }

  follow(onRecord: (record: JournalEntry) => void, caughtUp: () => void): Promise<() => void> {
    return this.#feed.follow(undefined, onRecord, caughtUp);
  }
}
