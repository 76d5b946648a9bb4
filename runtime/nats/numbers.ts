import { headers } from "@nats-io/transport-node";
import { type Numbers, UncertainOutcome } from "../ports/index.ts";
import type { Connection } from "./connection.ts";

/** JetStream counters. An unanswered increment may have counted: its numbers are then never used. */
export class NatsNumbers implements Numbers {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async reserve(subject: string, count: number): Promise<number> {
    const header = headers();
    header.set("Nats-Incr", `+${count}`);
    const ack = await this.#connection.publish(subject, "", header);
    if (ack.val === undefined) throw new UncertainOutcome(`no number: ${ack.error?.description ?? "no value"}`);
    return Number(ack.val);
  }
}
