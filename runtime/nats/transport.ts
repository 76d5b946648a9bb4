import { errors, type NatsConnection } from "@nats-io/transport-node";
import { NoResponder, type Transport, UncertainOutcome } from "../ports/index.ts";
import type { Connection } from "./connection.ts";

/** Over core NATS: nothing here is stored, and nothing need be. */
export class NatsTransport implements Transport {
  readonly #connection: Connection;
  readonly #nc: NatsConnection;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#nc = connection.nc;
  }

  async request(subject: string, payload: string, timeoutMs: number): Promise<string> {
    try {
      return (await this.#nc.request(subject, payload, { timeout: timeoutMs })).string();
    } catch (error) {
      if (error instanceof errors.NoRespondersError) throw new NoResponder(subject);
      if (error instanceof errors.RequestError && error.isNoResponders()) throw new NoResponder(subject);
      throw new UncertainOutcome(`no answer on ${subject}: ${error}`);
    }
  }

  serve(subject: string, handler: (payload: string) => Promise<string>): () => void {
    const subscription = this.#nc.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) void handler(message.string()).then((answer) => message.respond(answer));
      },
    });
    // Not unsubscribe: what the server has sent us before it hears of this must be answered, too.
    return () => void subscription.drain().catch(() => undefined);
  }

  tell(subject: string, payload: string): void {
    // The client would keep it until it is connected again: by then it is not true any more.
    if (this.#connection.connected) this.#connection.send(subject, payload);
  }

  hear(subject: string, handler: (payload: string) => void): () => void {
    const subscription = this.#nc.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) handler(message.string());
      },
    });
    return () => subscription.unsubscribe();
  }
}
