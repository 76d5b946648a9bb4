import type { Log } from "../../runtime/ports/index.ts";
import type { ChannelKey } from "../../runtime/vault/channel-key.ts";
import { UnknownMasterKey } from "../../runtime/vault/master-keys.ts";
import type { Vault } from "../../runtime/vault/vault.ts";
import type { Sealed } from "../../schema/channel.ts";
import { type Body, bodiesOf, onTopic } from "./frames.ts";
import type { Told } from "./recent.ts";

/** As the specification names it. */
const OUTWARD: Readonly<Record<string, string>> = { "message.sent": "message.new" };

interface Opening {
  readonly vault: Vault;
  readonly log: Log;
  readonly epoch: string;
}

/**
 * A channel's entries as its members are told of them: with what was written opened. Nobody else may get this. An entry is
 * opened once, and written once a topic, however many of them there are.
 */
export class MessageEvents {
  readonly #opening: Opening;
  readonly #bodies = new WeakMap<Told, Promise<readonly Body[]>>();
  readonly #frames = new WeakMap<readonly Body[], Map<string, readonly Uint8Array[]>>();

  constructor(opening: Opening) {
    this.#opening = opening;
  }

  /**
   * @param state the channel after it, as this reader sees it; left out it is the same for all readers
   * @throws PortUnavailable
   */
  async framesOf(told: Told, topic: string, state: object | undefined): Promise<readonly Uint8Array[]> {
    if (state !== undefined) return framesOn(topic, await this.#open(told, state));
    let opened = this.#bodies.get(told);
    if (opened === undefined) {
      opened = this.#open(told);
      this.#bodies.set(told, opened);
      // What could not be read just now may be tried again.
      opened.catch(() => this.#bodies.delete(told));
    }
    const bodies = await opened;
    const known = this.#frames.get(bodies) ?? new Map<string, readonly Uint8Array[]>();
    this.#frames.set(bodies, known);
    const frames = known.get(topic) ?? framesOn(topic, bodies);
    known.set(topic, frames);
    return frames;
  }

  async #open(told: Told, state?: object): Promise<readonly Body[]> {
    const key = told.payload.includes('"sealed"') ? await this.#keyOf(told.id) : undefined;
    return bodiesOf(told, this.#opening.epoch, state, ({ type, ...event }, by) => {
      const { sealed, messageId } = event as { readonly sealed?: Sealed; readonly messageId?: string };
      const outward = { ...event, type: OUTWARD[type] ?? type };
      if (sealed === undefined || messageId === undefined) return outward;
      // A message is written, and changed, by its author alone.
      return { ...outward, sealed: undefined, ...this.#opened(key, sealed, { messageId, author: by }) };
    });
  }

  /** @returns undefined where no key that is here opens it: then messages are told of without their texts */
  async #keyOf(channelId: string): Promise<ChannelKey | undefined> {
    try {
      return await this.#opening.vault.keyOf(channelId);
    } catch (error) {
      if (error instanceof UnknownMasterKey) return;
      throw error;
    }
  }

  #opened(
    key: ChannelKey | undefined,
    sealed: Sealed,
    bound: { readonly messageId: string; readonly author: string },
  ): { readonly body: string | null; readonly unreadable?: true } {
    try {
      if (key === undefined) throw new Error("the channel's key is gone");
      return { body: key.open(sealed, bound) };
    } catch (error) {
      // One that does not open must not hide the others.
      this.#opening.log.error({ messageId: bound.messageId, error }, "a message cannot be opened");
      return { body: null, unreadable: true };
    }
  }
}

const framesOn = (topic: string, bodies: readonly Body[]) => bodies.map((body) => onTopic(topic, body));
