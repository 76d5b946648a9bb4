import type { Notification, Outcome, Provider, TargetOf } from "../notification.ts";
import { type Outward, outcomeOf, tried } from "../outward.ts";

/** ntfy's own protocol: https://docs.ntfy.sh/publish/#publish-as-json */
export class Ntfy implements Provider<"ntfy"> {
  readonly #outward: Outward;
  readonly #server: string | undefined;
  readonly #token: string | undefined;

  /** @param server of topics that name none; the token is for that one alone */
  constructor(outward: Outward, server?: string, token?: string) {
    this.#outward = outward;
    this.#server = server;
    this.#token = token;
  }

  send({ topic, server = this.#server }: TargetOf<"ntfy">, notification: Notification): Promise<Outcome> {
    return tried(async () => {
      if (server === undefined) return { outcome: "failed", detail: "there is no ntfy server: NTFY_URL names one" };
      const { title, body, urgency, clear, pageId, topic: thing } = notification;
      const message = {
        topic,
        title,
        message: body,
        priority: clear ? 2 : urgency === "page" ? 5 : 3,
        // What comes later of the same thing takes the place of this.
        sequence_id: thing,
        tags: [clear ? "white_check_mark" : urgency === "page" ? "rotating_light" : "speech_balloon", pageId],
      };
      const own = this.#token !== undefined && server === this.#server;
      const headers = { "content-type": "application/json" };
      const authorization = own ? { authorization: `Bearer ${this.#token}` } : {};
      const request = {
        method: "POST" as const,
        headers: { ...headers, ...authorization },
        body: JSON.stringify(message),
      };
      const answer = await this.#outward.send(new URL("/", server).href, request);
      // A topic is there when somebody listens: its server not being found is no end of it.
      const outcome = outcomeOf(answer);
      return outcome.outcome === "gone" ? { outcome: "failed", detail: outcome.detail } : outcome;
    });
  }
}
