import type { Client } from "../../runtime/client.ts";
import type { Command, Reply } from "../../runtime/messages.ts";
import { pause } from "../../runtime/pause.ts";
import type { Clock } from "../../runtime/ports/index.ts";
import { isRetryable } from "../../schema/errors.ts";
import type { Principal } from "../../schema/principal.ts";
import type { Address } from "../../schema/subjects.ts";

/** The engine was stopped: what is not answered yet is begun again by whoever goes on. */
export class Stopped extends Error {
  override name = "Stopped";
}

const RETRY_MS = 100;
const RETRY_MAX_MS = 2_000;

/** Asks actors until the answer is definite: each report ends done, or refused, before the next one of its key begins. */
export class Asking {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #by: Principal;
  #stopped = false;

  constructor(client: Client, clock: Clock, by: Principal) {
    this.#client = client;
    this.#clock = clock;
    this.#by = by;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** @throws Stopped */
  ask(to: Address, command: Command, commandId: string): Promise<Reply> {
    const options = { by: this.#by, requestId: commandId, commandId };
    return this.#untilDefinite(() => this.#client.ask(to, command, options));
  }

  /** @throws Stopped */
  read(of: Address, requestId: string): Promise<Reply> {
    return this.#untilDefinite(() => this.#client.read(of, this.#by, requestId));
  }

  async #untilDefinite(action: () => Promise<Reply>): Promise<Reply> {
    for (let waitMs = RETRY_MS; ; waitMs = Math.min(RETRY_MAX_MS, 2 * waitMs)) {
      const reply = await action();
      if (this.#stopped) throw new Stopped();
      if (reply.ok || !isRetryable(reply.code)) return reply;
      await pause(this.#clock, waitMs);
      if (this.#stopped) throw new Stopped();
    }
  }
}
