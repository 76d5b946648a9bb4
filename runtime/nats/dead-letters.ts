import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import { streams, subjects } from "../../schema/subjects.ts";
import type { DeadLetter, DeadLetters, KeptLetter } from "../ports/index.ts";
import type { Connection } from "./connection.ts";
import { isNotFound } from "./journal.ts";

/** Letters a request: each may be as large as a request's body. */
const PAGE = 100;

export class NatsDeadLetters implements DeadLetters {
  readonly #connection: Connection;
  readonly #jsm: JetStreamManager;

  constructor(connection: Connection, jsm: JetStreamManager) {
    this.#connection = connection;
    this.#jsm = jsm;
  }

  async put(letter: DeadLetter): Promise<void> {
    const ack = await this.#connection.publish(subjects.dead(letter), JSON.stringify(letter));
    if (ack.error !== undefined) throw new Error(ack.error.description);
  }

  async list(limit: number, after = 0): Promise<readonly KeptLetter[]> {
    const letters: KeptLetter[] = [];
    let from = after + 1;
    while (letters.length < limit) {
      const page = await this.#page(from, Math.min(PAGE, limit - letters.length));
      // A page may also be short because its letters are large: only an empty one is the end.
      if (page.length === 0) break;
      letters.push(...page);
      from = page[page.length - 1]!.sequence + 1;
    }
    return letters;
  }

  async #page(from: number, count: number): Promise<KeptLetter[]> {
    const page: KeptLetter[] = [];
    try {
      const messages = await this.#jsm.direct.getBatch(streams.dead.name, { seq: from, batch: count });
      for await (const message of messages) page.push(letterOf(message));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return page;
  }

  async remove(sequence: number): Promise<void> {
    await this.#jsm.streams.deleteMessage(streams.dead.name, sequence);
  }
}

/** Whatever lies in the stream can be listed: one message that is no letter must not hide all the others. */
export function letterOf(stored: Pick<StoredMsg, "seq" | "subject" | "timestamp" | "string">): KeptLetter {
  const text = stored.string();
  try {
    const { kind, id, reason, at, requestId, message } = JSON.parse(text);
    if ([kind, id, reason, at, requestId].every((part) => typeof part === "string"))
      return { kind, id, reason, at, requestId, message, sequence: stored.seq };
  } catch {
    // Shown as it is, below.
  }
  const [, kind = "", ...id] = stored.subject.split(".");
  const reason = "this is no letter of Tocsin";
  return { kind, id: id.join("."), reason, at: stored.timestamp, requestId: "", message: text, sequence: stored.seq };
}
