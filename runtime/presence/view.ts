import type { PresenceUpdate, Present } from "../../schema/presence.ts";
import type { KeyValueEntry } from "../ports/index.ts";
import { type Entry, GATEWAY, gatewayOf } from "./entry.ts";

export type PresenceListener = (agencies: readonly string[], update: PresenceUpdate) => void;

/** Who is there, told from what each gateway says and which gateways live. */
export class PresenceView {
  readonly #living = new Set<string>();
  /** By subject, then by gateway. */
  readonly #entries = new Map<string, Map<string, Entry>>();
  readonly #subjectsAt = new Map<string, Set<string>>();
  readonly #listeners = new Set<PresenceListener>();
  readonly #now: () => string;

  /** @param now RFC 3339, UTC */
  constructor(now: () => string) {
    this.#now = now;
  }

  listen(listener: PresenceListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A key of the bucket as it is now. */
  seen(key: string, entry: KeyValueEntry | undefined): void {
    if (key.startsWith(GATEWAY)) {
      this.lives(key.slice(GATEWAY.length), entry !== undefined);
      return;
    }
    const gateway = gatewayOf(key);
    // One that went is of a gateway that has gone long before.
    if (gateway !== undefined && entry !== undefined) this.said(gateway, JSON.parse(entry.value));
  }

  lives(gateway: string, alive: boolean): void {
    if (alive === this.#living.has(gateway)) return;
    const subjects = [...(this.#subjectsAt.get(gateway) ?? [])];
    const before = subjects.map((subject) => this.of(subject));
    if (alive) this.#living.add(gateway);
    else this.#living.delete(gateway);
    for (const [at, subject] of subjects.entries()) this.#tell(subject, before[at]!);
  }

  said(gateway: string, entry: Entry): void {
    const { subject } = entry.principal;
    const before = this.of(subject);
    const entries = this.#entries.get(subject) ?? new Map<string, Entry>();
    this.#entries.set(subject, entries.set(gateway, entry));
    this.#subjectsAt.set(gateway, (this.#subjectsAt.get(gateway) ?? new Set()).add(subject));
    this.#tell(subject, before);
  }

  /** What a gateway that is gone has said need not be remembered any more. */
  forget(gateway: string): void {
    if (this.#living.has(gateway)) return;
    for (const subject of this.#subjectsAt.get(gateway) ?? []) {
      const entries = this.#entries.get(subject);
      entries?.delete(gateway);
      if (entries?.size === 0) this.#entries.delete(subject);
    }
    this.#subjectsAt.delete(gateway);
  }

  /** Gateways that have said something and are gone. */
  get gone(): readonly string[] {
    return [...this.#subjectsAt.keys()].filter((gateway) => !this.#living.has(gateway));
  }

  /** What the gateways that live say of somebody who is there, the first one first; none where it is not. */
  of(subject: string): readonly Entry[] {
    const entries: Entry[] = [];
    for (const [gateway, entry] of this.#entries.get(subject) ?? []) {
      if (entry.here && this.#living.has(gateway)) entries.push(entry);
    }
    return entries.sort((a, b) => (a.since < b.since ? -1 : 1));
  }

  /** Somebody looks at this just now, by any of its connections. */
  isLooking(subject: string, topic: string): boolean {
    return this.of(subject).some(({ looking }) => looking.includes(topic));
  }

  /** Who of these agencies is there, by name. */
  all(agencies: readonly string[]): readonly Entry[] {
    const found: Entry[] = [];
    for (const subject of this.#entries.keys()) {
      const [first] = this.of(subject);
      if (first?.principal.agencies.some((agency) => agencies.includes(agency))) found.push(first);
    }
    return found.sort((a, b) => (a.principal.subject < b.principal.subject ? -1 : 1));
  }

  #tell(subject: string, before: readonly Entry[]): void {
    const now = this.of(subject);
    if (before.length > 0 === now.length > 0) return;
    const update: PresenceUpdate =
      now.length > 0
        ? { status: "online", ...presentOf(now[0]!) }
        : { status: "offline", ...presentOf(before[0]!), since: this.#now() };
    const { agencies } = (now[0] ?? before[0]!).principal;
    for (const listener of [...this.#listeners]) listener(agencies, update);
  }
}

/** As the API shows it. */
export function presentOf({ principal, since }: Entry): Present {
  const { subject, roles, resourceId } = principal;
  return { subject, roles: [...roles], resourceId: resourceId ?? null, since };
}
