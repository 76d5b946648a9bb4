import { presentOf } from "../../runtime/presence/view.ts";
import { liveLimits } from "../../schema/live/limits.ts";
import type { Position } from "../../schema/live/messages.ts";
import type { PresenceTopic } from "../../schema/live/topics.ts";
import type { PresenceUpdate } from "../../schema/presence.ts";
import type { Connection } from "./connection.ts";
import { positionOf } from "./recovery.ts";
import type { Live, Say } from "./subscription.ts";

/** Who of an agency comes and goes. A slow reader gets the latest of each person alone. */
export class PresenceSubscription {
  readonly #live: Live;
  readonly #topic: PresenceTopic;
  readonly #connection: Connection;
  readonly #say: Say;
  readonly #late = new Map<string, PresenceUpdate>();
  #unlisten: () => void = () => undefined;

  constructor(live: Live, topic: PresenceTopic, connection: Connection, say: Say) {
    this.#live = live;
    this.#topic = topic;
    this.#connection = connection;
    this.#say = say;
  }

  async start(since: Position | undefined, snapshot: boolean): Promise<void> {
    const { agency } = this.#topic;
    const { presence, fanOut } = this.#live;
    const reason = since === undefined ? {} : { reason: "the past of presence is not kept" };
    const position = positionOf(this.#live, fanOut.sequence);
    this.#say("subscription.opened", { ...position, recovered: false, ...reason, snapshot });
    // In one turn with the list, so that nobody comes or goes between.
    this.#unlisten = presence.listen((agencies, update) => {
      if (agencies.includes(agency)) this.#update(update);
    });
    if (snapshot) {
      const items = presence.all([agency]).map(presentOf);
      for (let at = 0; at < items.length; at += liveLimits.snapshotItems) {
        this.#say("subscription.snapshot", { items: items.slice(at, at + liveLimits.snapshotItems), last: false });
      }
      this.#say("subscription.snapshot", { items: [], last: true });
    }
    this.#say("subscription.live", position);
  }

  close(): void {
    this.#unlisten();
    this.#late.clear();
  }

  #update(update: PresenceUpdate): void {
    if (!this.#connection.slow && this.#late.size === 0) {
      this.#say("presence.update", update);
      return;
    }
    if (this.#late.size === 0) this.#connection.whenRoom(() => this.#tellLate());
    this.#late.set(update.subject, update);
  }

  #tellLate(): void {
    const late = [...this.#late.values()];
    this.#late.clear();
    for (const update of late) this.#say("presence.update", update);
  }
}
