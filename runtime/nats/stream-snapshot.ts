import type { StreamConfig } from "@nats-io/jetstream";
import { createInbox, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { PortUnavailable } from "../ports/index.ts";

/**
 * A stream as the server itself writes it out and takes it in: its messages with their sequences, times and headers, and the
 * consumers that are kept. The API is NATS's own (ADR-53; `nats stream backup` uses it).
 */
export interface StreamImage {
  readonly config: StreamConfig;
  /** As it was when the server began. What came while it wrote may be in it as well. */
  readonly state: StreamState;
}

interface StreamState {
  readonly messages: number;
  readonly first_seq: number;
  readonly last_seq: number;
}

interface ApiAnswer {
  readonly error?: { readonly code: number; readonly err_code: number; readonly description: string };
}

/** Bytes a chunk; well below the payload that any server takes. */
const CHUNK_BYTES = 128 * 1_024;
/** Longer than a server takes to write out or take in one chunk, or to begin with a large stream. */
const ANSWER_MS = 60_000;

/**
 * Reads a stream out of the server, chunk by chunk; no chunk comes before the one before it was taken.
 * @param began told what the stream is, before the first chunk
 * @throws PortUnavailable when the server breaks off
 */
export async function* takeStream(
  nc: NatsConnection,
  name: string,
  began: (image: StreamImage) => void,
): AsyncGenerator<Uint8Array> {
  const inbox = createInbox();
  const chunks = nc.subscribe(inbox);
  try {
    const request = { deliver_subject: inbox, chunk_size: CHUNK_BYTES };
    const { config, state } = await ask<StreamImage>(nc, `$JS.API.STREAM.SNAPSHOT.${name}`, JSON.stringify(request));
    began({ config, state });
    const arriving = chunks[Symbol.asyncIterator]();
    for (;;) {
      const { value: chunk } = await withinAnswerTime(arriving.next(), `stream ${name}`);
      if (chunk === undefined) throw new PortUnavailable(`the server broke off writing out stream ${name}`);
      if (chunk.data.length === 0) {
        if (chunk.headers !== undefined && chunk.headers.code >= 400) throw brokenOff(name, chunk);
        return;
      }
      yield chunk.data;
      // This lets the server go on: it has only so many chunks under way.
      chunk.respond();
    }
  } finally {
    chunks.unsubscribe();
  }
}

function brokenOff(name: string, { headers }: Msg): PortUnavailable {
  return new PortUnavailable(
    `the server broke off writing out stream ${name}: ${headers?.description ?? headers?.code}`,
  );
}

/**
 * Has the server make a stream of what `takeStream` read. It must not exist.
 * @throws PortUnavailable when the server does not take it
 */
export async function giveStream(
  nc: NatsConnection,
  { config, state }: StreamImage,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const subject = `$JS.API.STREAM.RESTORE.${config.name}`;
  const { deliver_subject: to } = await ask<{ deliver_subject: string }>(
    nc,
    subject,
    JSON.stringify({ config, state }),
  );
  for await (const chunk of chunks) {
    const answer = await nc.request(to, chunk, { timeout: ANSWER_MS });
    // An empty answer asks for the next one.
    if (answer.data.length > 0) check(answer.json<ApiAnswer>(), subject);
  }
  check((await nc.request(to, "", { timeout: ANSWER_MS })).json<ApiAnswer>(), subject);
}

async function ask<Answer>(nc: NatsConnection, subject: string, payload: string): Promise<Answer> {
  try {
    const answer = (await nc.request(subject, payload, { timeout: ANSWER_MS })).json<Answer & ApiAnswer>();
    check(answer, subject);
    return answer;
  } catch (error) {
    if (error instanceof PortUnavailable) throw error;
    throw new PortUnavailable(`${subject} was not answered: ${error}`);
  }
}

function check({ error }: ApiAnswer, subject: string): void {
  if (error !== undefined)
    throw new PortUnavailable(`${subject} was refused: ${error.description} (${error.err_code})`);
}

function withinAnswerTime<T>(promise: Promise<T>, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new PortUnavailable(`the server stopped sending ${what} for ${ANSWER_MS / 1_000} s`)),
      ANSWER_MS,
    );
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
