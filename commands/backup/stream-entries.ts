import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import { type NatsConnection, headers as newHeaders } from "@nats-io/transport-node";
import { isNotFound } from "../../runtime/nats/journal.ts";
import { PortUnavailable } from "../../runtime/ports/index.ts";

/**
 * A message of a stream in which newer ones take the place of older ones, such as a bucket. The server's own image of such a stream may
 * lack what was written anew meanwhile: the old message is gone before it is reached, the new one comes after the image's
 * end. So these streams are read entry by entry:
 * 1. Until there is nothing more: whatever is there at that moment was met, at the place where it stands or at one where it
 *    stood since.
 * 2. Where it is written faster than it is read, the reader gives up the race after a few rounds, and asks for those subjects by name
 *    that it has not met.
 */
export interface Entry {
  readonly subject: string;
  readonly payload: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a header means for the message itself. The others are about its having been written: fences, batches, who rang. */
const KEPT_HEADERS = ["KV-Operation", "Nats-TTL", "Nats-Schedule", "Nats-Schedule-Target"];

/** Anything after a sequence: the server takes it, its client's types do not name it. */
type NextAfter = { readonly seq: number; readonly next_by_subj: string } & Parameters<
  JetStreamManager["streams"]["getMessage"]
>[1];

const PAGE = 500;

/** The messages of a stream from a sequence on, in order; a few hundred at most, none where there are no more. */
export async function pageOf(jsm: JetStreamManager, stream: string, from: number): Promise<StoredMsg[]> {
  const page: StoredMsg[] = [];
  try {
    for await (const message of await jsm.direct.getBatch(stream, { seq: from, batch: PAGE })) page.push(message);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return page;
}

/** Each goes up to where the stream ended when it began. */
const ROUNDS = 5;

/** All that a stream has, each subject as it was when this began or later. What is written anew meanwhile may come twice, the newer one later. */
export async function* entriesOf(jsm: JetStreamManager, stream: string): AsyncGenerator<Entry> {
  const met = new Set<string>();
  let from = 1;
  for (let round = 1; round <= ROUNDS; round++) {
    const { last_seq: until } = (await jsm.streams.info(stream)).state;
    if (from > until) return;
    while (from <= until) {
      const page = await pageAt(jsm, stream, from);
      if (page.length === 0) return;
      for (const message of page) {
        met.add(message.subject);
        yield entryOf(message);
        from = message.seq + 1;
      }
    }
  }
  const { subjects = {} } = (await jsm.streams.info(stream, { subjects_filter: ">" })).state;
  for (const subject of Object.keys(subjects)) {
    if (met.has(subject)) continue;
    const message = await jsm.streams.getMessage(stream, { last_by_subj: subject });
    if (message !== null) yield entryOf(message);
  }
}

/** None where there is nothing from there on: a replica may be behind, who leads the stream is not. */
async function pageAt(jsm: JetStreamManager, stream: string, from: number): Promise<readonly StoredMsg[]> {
  const page = await pageOf(jsm, stream, from);
  if (page.length > 0) return page;
  const next = await jsm.streams.getMessage(stream, { seq: from, next_by_subj: ">" } as NextAfter);
  return next === null ? [] : [next];
}

function entryOf(message: StoredMsg): Entry {
  return { subject: message.subject, payload: message.string(), headers: keptHeadersOf(message) };
}

function keptHeadersOf({ header }: StoredMsg): Record<string, string> {
  const textOf = (name: string) => header?.get(name) ?? "";
  return Object.fromEntries(KEPT_HEADERS.map((name) => [name, textOf(name)]).filter(([, value]) => value !== ""));
}

/** Written at once: enough to keep a server busy. */
const IN_FLIGHT = 200;
const ANSWER_MS = 60_000;

/** Writes entries into a stream that has been made anew, one after the other. @throws PortUnavailable when one is not taken */
export async function writeEntries(nc: NatsConnection, entries: AsyncIterable<Entry>): Promise<void> {
  let waiting: Promise<void>[] = [];
  for await (const entry of entries) {
    waiting.push(write(nc, entry));
    if (waiting.length < IN_FLIGHT) continue;
    await Promise.all(waiting);
    waiting = [];
  }
  await Promise.all(waiting);
}

async function write(nc: NatsConnection, { subject, payload, headers }: Entry): Promise<void> {
  const said = newHeaders();
  for (const [name, value] of Object.entries(headers)) said.set(name, value);
  const answer = await nc.request(subject, payload, { timeout: ANSWER_MS, headers: said });
  const { error } = answer.json<{ readonly error?: { readonly description: string } }>();
  if (error !== undefined) throw new PortUnavailable(`${subject} could not be written: ${error.description}`);
}
