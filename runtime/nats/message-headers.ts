import type { MsgHdrs } from "@nats-io/transport-node";

/**
 * The headers of a message that is published. The client's own keep a map, look at every value and encode it all by a
 * slow way, ten times what this costs, for every message there is. Names and values are ours: numbers, times, ids that
 * are safe in a subject; nothing from outside, whose line ends would have to be looked for, may come here.
 */
export class MessageHeaders {
  #lines = "NATS/1.0\r\n";

  set(name: string, value: string | number): this {
    this.#lines += `${name}: ${value}\r\n`;
    return this;
  }

  /** What the client asks of headers when it publishes them. */
  encode(): Uint8Array {
    return Buffer.from(`${this.#lines}\r\n`, "latin1");
  }

  /** As the client's types want it; of all that it promises, publishing uses `encode` alone. */
  get forClient(): MsgHdrs {
    return this as unknown as MsgHdrs;
  }
}
