import { placeInStream } from "../../schema/packing.ts";
import { streams, subjects } from "../../schema/subjects.ts";
import { type KeptRecord, packRecords, type TelemetryRecord, unpackRecords } from "../../schema/telemetry.ts";
import { type JournalEntry, type TelemetryStream, UncertainOutcome } from "../ports/index.ts";
import { sequenceOf } from "./connection.ts";
import type { NatsContext } from "./context.ts";
import type { StreamFeed } from "./feed.ts";

const STREAM = streams.locations.name;

/** Half of what a server takes by default, for characters that are more than a byte. */
const MESSAGE_CHARACTERS = 500_000;

/** What is kept is shown all at once: more in a message, and who else waits would wait for longer than half a millisecond. */
const BATCH_MAX = 200;

/** By then who has appended knows. */
const TOLD_AFTER_MS = 10;

/** Records are packed: a message costs the server about the same whether it has one or a hundred of them. */
export class NatsTelemetry implements TelemetryStream {
  readonly maxBatch = BATCH_MAX;
  readonly #nats: NatsContext;
  readonly #feed: StreamFeed;
  readonly #origin: number;

  private constructor(nats: NatsContext, feed: StreamFeed, origin: number) {
    this.#nats = nats;
    this.#feed = feed;
    this.#origin = origin;
  }

  /**
   * Last readings outlive the stream. So that those of one that had to be made anew are newer than all before, sequences count
   * from when it was made, in milliseconds: on the average no stream takes a message in each.
   */
  static async open(nats: NatsContext, feed: StreamFeed): Promise<NatsTelemetry> {
    const { created } = await nats.jsm.streams.info(STREAM);
    return new NatsTelemetry(nats, feed, Date.parse(created));
  }

  async append(records: readonly TelemetryRecord[]): Promise<readonly number[]> {
    const sequences = new Array<number>(records.length);
    await Promise.all(
      messagesOf(records).map(async ({ agency, indexes }) => {
        const subject = subjects.telemetry(agency);
        const payload = packRecords(indexes.map((index) => records[index]!));
        const sequence = sequenceOf(await this.#nats.writer.publish(subject, payload));
        if (sequence === undefined) throw new UncertainOutcome("telemetry was refused");
        // After those who wait for it, who have a few turns to themselves: they know what they have kept, and need not have it
        // read to them again.
        this.#nats.clock.after(TOLD_AFTER_MS, () => this.#feed.appended([{ sequence, subject, payload }]));
        for (const [place, index] of indexes.entries())
          sequences[index] = placeInStream(this.#origin + sequence, place);
      }),
    );
    return sequences;
  }

  async follow(replayMs: number, onRecord: (record: KeptRecord) => void, caughtUp: () => void): Promise<() => void> {
    const { state } = await this.#nats.jsm.streams.info(STREAM);
    const since = new Date(Math.max(0, Date.parse(state.last_ts) - replayMs));
    const onMessage = ({ subject, payload, sequence }: JournalEntry) => {
      for (const record of unpackRecords(subject, payload, this.#origin + sequence)) onRecord(record);
    };
    return this.#feed.follow({ since }, onMessage, caughtUp);
  }
}

/** Which records go into one message. */
function messagesOf(records: readonly TelemetryRecord[]) {
  const messages: { readonly agency: string; readonly indexes: number[]; characters: number }[] = [];
  const open = new Map<string, (typeof messages)[number]>();
  for (const [index, { of, payload }] of records.entries()) {
    let message = open.get(of.agency);
    if (message === undefined || message.characters + payload.length > MESSAGE_CHARACTERS) {
      message = { agency: of.agency, indexes: [], characters: 0 };
      messages.push(message);
      open.set(of.agency, message);
    }
    message.indexes.push(index);
    message.characters += payload.length + 100;
  }
  return messages;
}
