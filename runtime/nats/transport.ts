import { errors, type NatsConnection } from "@nats-io/transport-node";
import { NoResponder, type Transport, UncertainOutcome } from "../ports/index.ts";

/** Request and reply over core NATS: nothing here is stored, and nothing need be. */
export class NatsTransport implements Transport {
  readonly #nc: NatsConnection;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
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
}
