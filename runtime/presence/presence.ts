import type { Principal } from "../../schema/principal.ts";
import type { Ports } from "../ports/index.ts";
import { type Entry, entryKey, GATEWAY } from "./entry.ts";
import { PresenceView } from "./view.ts";

export interface PresenceOptions {
  /** A gateway that is killed is missed after this long, and those who were there by it with it. */
  readonly ttlMs: number;
  readonly renewEveryMs: number;
  /** Whoever comes back within this time, as by loading a page again, has not been away. */
  readonly lingerMs: number;
  /** What is said of somebody is said again before the bucket lets it go. */
  readonly repeatEveryMs: number;
  /** What a gateway said that has been gone for this long is forgotten. */
  readonly forgetAfterMs: number;
}

export const presenceDefaults: PresenceOptions = {
  ttlMs: 3_000,
  renewEveryMs: 1_000,
  lingerMs: 1_500,
  repeatEveryMs: 40_000,
  forgetAfterMs: 60_000,
};

/** Changes within this time are written together. */
const GATHER_MS = 20;
/** At most so many in a write. */
const BATCH_MAX = 500;
const LOOKING_MAX = 20;

/** One connection of somebody. */
export interface Visit {
  /** At a topic of a single thing; the answer ends it. */
  look(topic: string): () => void;
  end(): void;
}

interface Guest {
  readonly principal: Entry["principal"];
  readonly since: string;
  visits: number;
  readonly looking: Map<string, number>;
  cancelLeaving: (() => void) | undefined;
}

/** What this gateway says of those who are there by it, and what all of them say together. */
export class Presence {
  readonly view: PresenceView;
  readonly #ports: Pick<Ports, "clock" | "presence" | "log">;
  readonly #options: PresenceOptions;
  readonly #gateway: string;
  readonly #guests = new Map<string, Guest>();
  /** Entries that are to be written, by key. */
  #due = new Map<string, Entry>();
  #gathering = false;
  #writing: Promise<void> = Promise.resolve();
  #revision = 0;
  #stopped = false;
  readonly #goneSince = new Map<string, number>();
  #cancels: (() => void)[] = [];
  #stopWatching: () => void = () => undefined;

  constructor(ports: Pick<Ports, "clock" | "presence" | "log" | "ids">, options: PresenceOptions = presenceDefaults) {
    this.#ports = ports;
    this.#options = options;
    this.#gateway = ports.ids.token();
    this.view = new PresenceView(() => new Date(ports.clock.now()).toISOString());
    this.view.lives(this.#gateway, true);
  }

  async start(): Promise<void> {
    await this.#renew();
    this.#stopWatching = await this.#ports.presence.watch((key, entry) => {
      // What is said here is known before it is written.
      if (!key.includes(this.#gateway)) this.view.seen(key, entry);
    });
    const { renewEveryMs, repeatEveryMs } = this.#options;
    this.#every(renewEveryMs, async () => {
      await this.#renew();
      this.#forgetGone();
    });
    this.#every(repeatEveryMs, async () => {
      for (const guest of this.#guests.values()) this.#say(guest);
    });
  }

  /** What it has said goes with its key: by then those who were here may have come back by another gateway. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#cancels) cancel();
    this.#stopWatching();
    for (const { cancelLeaving } of this.#guests.values()) cancelLeaving?.();
    await this.#writing;
  }

  arrive({ subject, agencies, roles, resourceId }: Principal): Visit {
    const guest = this.#guests.get(subject) ?? {
      principal: { subject, agencies, roles, ...(resourceId === undefined ? {} : { resourceId }) },
      since: new Date(this.#ports.clock.now()).toISOString(),
      visits: 0,
      looking: new Map<string, number>(),
      cancelLeaving: undefined,
    };
    guest.cancelLeaving?.();
    guest.cancelLeaving = undefined;
    guest.visits += 1;
    if (!this.#guests.has(subject)) {
      this.#guests.set(subject, guest);
      this.#say(guest);
    }
    let ended = false;
    return {
      look: (topic) => this.#look(guest, topic),
      end: () => {
        if (!ended) this.#left(guest);
        ended = true;
      },
    };
  }

  #left(guest: Guest): void {
    guest.visits -= 1;
    if (guest.visits > 0 || this.#stopped) return;
    guest.cancelLeaving = this.#ports.clock.after(this.#options.lingerMs, () => {
      this.#guests.delete(guest.principal.subject);
      this.#say(guest);
    });
  }

  #look(guest: Guest, topic: string): () => void {
    const { looking } = guest;
    looking.set(topic, (looking.get(topic) ?? 0) + 1);
    if (looking.get(topic) === 1) this.#say(guest);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const left = (looking.get(topic) ?? 0) - 1;
      if (left > 0) looking.set(topic, left);
      else {
        looking.delete(topic);
        this.#say(guest);
      }
    };
  }

  #say(guest: Guest): void {
    const { principal, since, looking } = guest;
    const here = this.#guests.get(principal.subject) === guest;
    const entry: Entry = {
      v: 1,
      principal,
      since,
      here,
      looking: here ? [...looking.keys()].slice(-LOOKING_MAX) : [],
    };
    this.view.said(this.#gateway, entry);
    this.#due.set(entryKey(this.#gateway, principal.subject), entry);
    if (this.#gathering || this.#stopped) return;
    this.#gathering = true;
    this.#ports.clock.after(GATHER_MS, () => {
      this.#gathering = false;
      this.#writing = this.#writing.then(() => this.#write());
    });
  }

  async #write(): Promise<void> {
    const due = this.#due;
    this.#due = new Map();
    const puts = [...due].map(([key, entry]) => ({ key, value: JSON.stringify(entry) }));
    for (let at = 0; at < puts.length; at += BATCH_MAX) {
      try {
        await this.#ports.presence.put(puts.slice(at, at + BATCH_MAX));
      } catch (error) {
        // Saying it once more does no harm: with the next change, or when all is said again.
        this.#ports.log.warn({ error }, "who is there could not be told; it will be");
        for (const [key, entry] of due) if (!this.#due.has(key)) this.#due.set(key, entry);
        return;
      }
    }
  }

  async #renew(): Promise<void> {
    const key = GATEWAY + this.#gateway;
    const { ttlMs } = this.#options;
    try {
      const put = { key, value: "", expectedRevision: this.#revision };
      const result = await this.#ports.presence.putExpiring(put, ttlMs);
      this.#revision = result.ok ? result.revisions[0]! : ((await this.#ports.presence.get(key))?.revision ?? 0);
      if (this.#due.size > 0 && !this.#gathering) this.#writing = this.#writing.then(() => this.#write());
    } catch (error) {
      this.#ports.log.warn({ error }, "the gateway could not say that it lives; it will");
    }
  }

  #forgetGone(): void {
    const nowMs = this.#ports.clock.monotonicMs();
    const gone = this.view.gone;
    for (const gateway of [...this.#goneSince.keys()]) if (!gone.includes(gateway)) this.#goneSince.delete(gateway);
    for (const gateway of gone) {
      const sinceMs = this.#goneSince.get(gateway) ?? nowMs;
      this.#goneSince.set(gateway, sinceMs);
      if (nowMs - sinceMs < this.#options.forgetAfterMs) continue;
      this.view.forget(gateway);
      this.#goneSince.delete(gateway);
    }
  }

  #every(everyMs: number, work: () => Promise<void>): void {
    const index = this.#cancels.length;
    const again = () => {
      this.#cancels[index] = this.#ports.clock.after(everyMs, () => {
        void work().finally(() => {
          if (!this.#stopped) again();
        });
      });
    };
    this.#cancels.push(() => undefined);
    again();
  }
}
