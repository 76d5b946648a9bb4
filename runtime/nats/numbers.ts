import type { JetStreamManager } from "@nats-io/jetstream";
import { streams } from "../../schema/subjects.ts";
import { type Numbers, PortUnavailable, UncertainOutcome } from "../ports/index.ts";
import type { Connection } from "./connection.ts";
import { isNotFound } from "./journal.ts";
import { MessageHeaders } from "./message-headers.ts";

/** JetStream counters. An unanswered increment may have counted: its numbers are then never used. */
export class NatsNumbers implements Numbers {
  readonly #connection: Connection;

  readonly #jsm: JetStreamManager;

  constructor(connection: Connection, jsm: JetStreamManager) {
    this.#connection = connection;
    this.#jsm = jsm;
  }

  async reserve(subject: string, count: number): Promise<number> {
    const header = new MessageHeaders();
    header.set("Nats-Incr", `+${count}`);
    const ack = await this.#connection.publish(subject, "", header);
    if (ack.val === undefined) throw new UncertainOutcome(`no number: ${ack.error?.description ?? "no value"}`);
    return Number(ack.val);
  }

  async value(subject: string): Promise<number> {
    try {
      const message = await this.#jsm.direct.getMessage(streams.numbers.name, { last_by_subj: subject });
      return message === null ? 0 : Number((message.json() as { val: string }).val);
    } catch (error) {
      if (isNotFound(error)) return 0;
      throw new PortUnavailable(`a counter could not be read: ${error}`);
    }
  }
}
