import { DeliverPolicy } from "@nats-io/jetstream";
import { streams } from "../../schema/subjects.ts";
import { type Append, type AppendResult, type Journal, type JournalEntry, PortUnavailable } from "../ports/index.ts";
import { fenced, publishBatch, sequenceOf } from "./connection.ts";
import type { NatsContext } from "./context.ts";
import type { StreamFeed } from "./feed.ts";
import { OrderedMessages } from "./ordered.ts";

const STREAM = streams.events.name;
/** Entries a page of `read`. */
const PAGE = 500;
/** Entries a page of `scan`. */
const SCANNED_AT_ONCE = 200;
/** Of `read`, together: who has more than 64 MB on its way is cut off. */
const PAGE_BYTES = 16_000_000;
/** A page with fewer was not cut at its size: three bytes a character, and one entry more would have fitted. */
const SMALL_PAGE_CHARACTERS = 4_000_000;

export class NatsJournal implements Journal {
  /** The server takes 1,000. */
  readonly maxBatch = 1_000;
  readonly #nats: NatsContext;

  readonly #feed: StreamFeed;

  constructor(nats: NatsContext, feed: StreamFeed) {
    this.#nats = nats;
    this.#feed = feed;
  }

  async append(appends: readonly Append[]): Promise<AppendResult> {
    try {
      return await this.#append(appends);
    } catch (error) {
      this.#feed.doubt();
      throw error;
    }
  }

  async #append(appends: readonly Append[]): Promise<AppendResult> {
    if (appends.length === 1) return this.#appendOne(appends[0]!);
    const messages = appends.map(({ subject, payload, expectedSequence }) => ({
      subject,
      payload,
      header: fenced(expectedSequence),
    }));
    const last = sequenceOf(await publishBatch(this.#nats.writer, () => this.#nats.ids.token(), messages));
    if (last === undefined) return { ok: false };
    // A batch is stored without anything between: the last sequence tells all.
    const sequences = appends.map((_, index) => last - appends.length + 1 + index);
    this.#feed.appended(
      appends.map(({ subject, payload }, index) => ({ sequence: sequences[index]!, subject, payload })),
    );
    return { ok: true, sequences };
  }

  /** What most commits are. */
  async #appendOne({ subject, payload, expectedSequence }: Append): Promise<AppendResult> {
    const sequence = sequenceOf(await this.#nats.writer.publish(subject, payload, fenced(expectedSequence)));
    if (sequence === undefined) return { ok: false };
    this.#feed.appended([{ sequence, subject, payload }]);
    return { ok: true, sequences: [sequence] };
  }

  async read(subject: string, after: number, limit = Number.POSITIVE_INFINITY): Promise<readonly JournalEntry[]> {
    const entries: JournalEntry[] = [];
    let from = after + 1;
    while (entries.length < limit) {
      const asked = Math.min(PAGE, limit - entries.length);
      const page = await this.#page(subject, from, asked);
      entries.push(...page);
      // The server cuts a page at a size of its own, too: only a short page of little is the end for sure.
      const length = page.reduce((sum, { payload }) => sum + payload.length, 0);
      if (page.length === 0 || (page.length < asked && length < SMALL_PAGE_CHARACTERS)) break;
      from = page[page.length - 1]!.sequence + 1;
    }
    return entries.slice(0, limit);
  }

  async #page(subject: string, from: number, count: number): Promise<JournalEntry[]> {
    try {
      if (count === 1) {
        const message = await this.#nats.jsm.direct.getMessage(STREAM, { seq: from, next_by_subj: subject });
        return message === null ? [] : [{ sequence: message.seq, subject: message.subject, payload: message.string() }];
      }
      const page: JournalEntry[] = [];
      const query = { seq: from, next_by_subj: subject, batch: count, max_bytes: PAGE_BYTES };
      const messages = await this.#nats.jsm.direct.getBatch(STREAM, query);
      for await (const message of messages) {
        page.push({ sequence: message.seq, subject: message.subject, payload: message.string() });
      }
      return page;
    } catch (error) {
      if (isNotFound(error)) return [];
      throw new PortUnavailable(`the journal could not be read: ${error}`);
    }
  }

  async *scan(subjects: readonly string[], after: number, until: number): AsyncIterable<readonly JournalEntry[]> {
    if (subjects.length === 0 || after >= until) return;
    const messages = new OrderedMessages(this.#nats, STREAM, {
      start: { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 },
      subjects,
      aheadMax: 2_000,
      patient: false,
      // Where there is nothing, nothing would come to end it.
      opened: (pending) => {
        if (pending === 0) messages.stop();
      },
    });
    let page: JournalEntry[] = [];
    try {
      for await (const message of messages) {
        if (message.seq <= until) {
          page.push({ sequence: message.seq, subject: message.subject, payload: message.string() });
        }
        if (message.seq >= until || message.info.pending === 0) break;
        if (page.length < SCANNED_AT_ONCE) continue;
        yield page;
        page = [];
      }
    } catch (error) {
      throw new PortUnavailable(`the journal could not be read: ${error}`);
    }
    if (page.length > 0) yield page;
  }

  async entryAt(sequence: number): Promise<JournalEntry | undefined> {
    try {
      const message = await this.#nats.jsm.direct.getMessage(STREAM, { seq: sequence });
      return message === null ? undefined : { sequence, subject: message.subject, payload: message.string() };
    } catch (error) {
      if (isNotFound(error)) return;
      throw new PortUnavailable(`the journal could not be read: ${error}`);
    }
  }

  async identity(): Promise<string> {
    try {
      const { created } = await this.#nats.jsm.streams.info(STREAM);
      return `${STREAM}-${Date.parse(created).toString(36)}`;
    } catch (error) {
      throw new PortUnavailable(`the journal could not be asked: ${error}`);
    }
  }

  lastSequence(): Promise<number> {
    return this.#feed.lastSequence();
  }

  async forget(subject: string, below: number): Promise<void> {
    try {
      await this.#nats.jsm.streams.purge(STREAM, { filter: subject, seq: below });
    } catch (error) {
      throw new PortUnavailable(`entries could not be taken out of the journal: ${error}`);
    }
  }

  follow(after: number, onEntry: (entry: JournalEntry) => void, caughtUp: () => void): Promise<() => void> {
    return this.#feed.follow({ after }, onEntry, caughtUp);
  }
}

/** The client tells a message that is not there by these names and codes. */
export function isNotFound(error: unknown): boolean {
  const { code, status, message } = error as { code?: unknown; status?: unknown; message?: unknown };
  return (
    code === 404 ||
    status === 404 ||
    code === 10037 ||
    (typeof message === "string" && /no message found|not found/i.test(message))
  );
}
