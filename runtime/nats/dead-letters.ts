import type { JetStreamManager } from "@nats-io/jetstream";
import { streams, subjects } from "../../schema/subjects.ts";
import type { DeadLetter, DeadLetters } from "../ports/index.ts";
import type { Connection } from "./connection.ts";
import { isNotFound } from "./journal.ts";

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

  async list(limit: number): Promise<readonly (DeadLetter & { readonly sequence: number })[]> {
    const letters: (DeadLetter & { readonly sequence: number })[] = [];
    try {
      const messages = await this.#jsm.direct.getBatch(streams.dead.name, { seq: 1, batch: limit });
      for await (const message of messages) letters.push({ ...message.json<DeadLetter>(), sequence: message.seq });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return letters;
  }

  async remove(sequence: number): Promise<void> {
    await this.#jsm.streams.deleteMessage(streams.dead.name, sequence);
  }
}
