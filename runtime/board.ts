import { parseEnvelope } from "../schema/envelope.ts";
import { type Address, addressOfEvents, addressOfStateKey, stateKey } from "../schema/subjects.ts";
import { type AnyActor, evolve, type Registry } from "./actor.ts";
import { readCheckpoint } from "./checkpoint.ts";
import type { Coverage } from "./coverage.ts";
import { loadImage, readSnapshot } from "./image.ts";
import type { JournalEntry, Ports } from "./ports/index.ts";

/** How an actor's state is shown and searched. Pure; it stands beside the actor. */
export interface View {
  /** What the API shows. */
  present(id: string, state: unknown, version: number): object;
  /** True when the state fits the filters of the API's list. */
  matches(state: unknown, filters: Readonly<Record<string, unknown>>): boolean;
}

export type Views = ReadonlyMap<string, View>;

interface Row {
  readonly id: string;
  readonly agency: string;
  readonly state: unknown;
  readonly version: number;
  readonly sequence: number;
}

export interface Listed {
  readonly items: readonly object[];
  /** Where the next page starts; null at the end. */
  readonly next: string | null;
}

export interface ListQuery {
  readonly kind: string;
  readonly agencies: readonly string[];
  readonly filters: Readonly<Record<string, unknown>>;
  readonly limit: number;
  /** The last id of the page before. */
  readonly after?: string;
}

interface Waiter {
  readonly sequence: number;
  readonly wake: () => void;
}

/**
 * All actors as they are, in memory: what lists and filters are answered from. It is fed by the journal in its order;
 * commits of this very process are shown at once, before their sender hears of them, so that a lone process never shows
 * less than what it has acknowledged.
 */
export class Board {
  readonly #registry: Registry;
  readonly #views: Views;
  readonly #ports: Ports;
  readonly #coverage: Coverage;
  readonly #rows = new Map<string, Row>();
  /** Ids of each kind and agency, ascending: UUIDv7, so by the time they were made. */
  readonly #order = new Map<string, string[]>();
  #sequence = 0;
  #arrivals: JournalEntry[] = [];
  #waiters: Waiter[] = [];
  #stop: () => void = () => undefined;

  constructor(registry: Registry, views: Views, ports: Ports, coverage: Coverage) {
    this.#registry = registry;
    this.#views = views;
    this.#ports = ports;
    this.#coverage = coverage;
  }

  /** Every entry up to here is shown. */
  get sequence(): number {
    return this.#sequence;
  }

  get size(): number {
    return this.#rows.size;
  }

  /**
   * Loads all snapshots, then the journal after the checkpoint; resolves when it has caught up.
   * @param progress told how far it is, in entries of the journal
   */
  async start(progress: (shown: number, of: number) => void = () => undefined): Promise<void> {
    const checkpoint = await readCheckpoint(this.#ports);
    const last = await this.#ports.journal.lastSequence();
    for await (const { key, value } of this.#ports.state.entries()) {
      const address = addressOfStateKey(key);
      const definition = address && this.#registry.get(address.kind);
      const image = readSnapshot(value);
      if (address === undefined || definition === undefined || image === undefined) continue;
      const agency = definition.agencyOf(image.state);
      if (agency !== undefined) this.#show(address, { id: address.id, agency, ...image });
    }
    this.#sequence = checkpoint;
    await new Promise<void>((resolve, reject) => {
      this.#ports.journal
        .follow(
          checkpoint,
          (entry) => {
            this.#arrived(entry);
            if (entry.sequence <= last && entry.sequence % 10_000 === 0) progress(entry.sequence, last);
          },
          () => {
            this.#showArrivals();
            resolve();
          },
        )
        .then((stop) => {
          this.#stop = stop;
        }, reject);
    });
  }

  stop(): void {
    this.#stop();
  }

  /** A commit of this process. */
  committed(address: Address, row: Omit<Row, "id">): void {
    this.#show(address, { id: address.id, ...row });
  }

  get(address: Address): Row | undefined {
    return this.#rows.get(stateKey(address));
  }

  /** Newest first. Only what belongs to these agencies. */
  list({ kind, agencies, filters, limit, after }: ListQuery): Listed {
    const view = this.#views.get(kind);
    if (view === undefined) return { items: [], next: null };
    const lists = agencies.map((agency) => this.#order.get(`${kind}.${agency}`) ?? []);
    // The position after the next candidate in each agency's list.
    const at = lists.map((ids) => (after === undefined ? ids.length : lowerBound(ids, after)));
    const items: object[] = [];
    let last: string | undefined;
    for (;;) {
      let newest = -1;
      for (let index = 0; index < lists.length; index++) {
        const id = lists[index]![at[index]! - 1];
        if (id !== undefined && (newest < 0 || id > lists[newest]![at[newest]! - 1]!)) newest = index;
      }
      if (newest < 0) return { items, next: null };
      at[newest]! -= 1;
      const id = lists[newest]![at[newest]!]!;
      const row = this.#rows.get(`${kind}.${id}`)!;
      if (!view.matches(row.state, filters)) continue;
      if (items.length === limit) return { items, next: last! };
      items.push(view.present(id, row.state, row.version));
      last = id;
    }
  }

  /** Waits until everything up to the sequence is shown. @returns false when that took longer */
  async waitFor(sequence: number, timeoutMs: number): Promise<boolean> {
    if (this.#sequence >= sequence) return true;
    return new Promise((resolve) => {
      const wake = () => {
        cancel();
        resolve(true);
      };
      const waiter = { sequence, wake };
      const cancel = this.#ports.clock.after(timeoutMs, () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve(false);
      });
      this.#waiters.push(waiter);
    });
  }

  /**
   * Looked at once all that came with it has been handled: an entry of this very process is then shown already, by its
   * commit, and costs nothing more.
   */
  #arrived(entry: JournalEntry): void {
    if (this.#arrivals.push(entry) > 1) return;
    this.#ports.clock.soon(() => this.#showArrivals());
  }

  #showArrivals(): void {
    const entries = this.#arrivals;
    this.#arrivals = [];
    for (const entry of entries) this.#follow(entry);
  }

  #follow(entry: JournalEntry): void {
    const address = addressOfEvents(entry.subject);
    const definition = address && this.#registry.get(address.kind);
    if (address !== undefined && definition !== undefined) {
      const key = `${address.kind}.${address.id}`;
      const row = this.#rows.get(key);
      this.#coverage.entry(key, entry.sequence);
      // What a snapshot or this process's own commit has shown already need not even be parsed.
      if (row === undefined || row.sequence < entry.sequence) this.#apply(definition, address, row, entry);
    }
    this.#sequence = Math.max(this.#sequence, entry.sequence);
    if (this.#waiters.length > 0) this.#wakeWaiters();
  }

  #apply(definition: AnyActor, address: Address & { agency: string }, row: Row | undefined, entry: JournalEntry): void {
    try {
      const envelope = parseEnvelope(entry.payload);
      if (envelope.version !== (row?.version ?? 0) + 1) {
        void this.#reload(definition, address);
        return;
      }
      const state = evolve(definition, row?.state ?? definition.initial, envelope.events, envelope);
      const { version, agency } = envelope;
      this.#show(address, { id: address.id, agency, state, version, sequence: entry.sequence });
    } catch (error) {
      // One entry that does not fold must not hide all the others.
      this.#ports.log.error({ subject: entry.subject, sequence: entry.sequence, error }, "an entry cannot be shown");
    }
  }

  async #reload(definition: AnyActor, address: Address & { agency: string }): Promise<void> {
    try {
      const { image } = await loadImage(definition, address, this.#ports.journal, this.#ports.state);
      this.#show(address, { id: address.id, agency: address.agency, ...image });
    } catch (error) {
      this.#ports.log.error({ actor: stateKey(address), error }, "an actor cannot be shown");
    }
  }

  #show({ kind, id }: Address, row: Row): void {
    const key = `${kind}.${id}`;
    const known = this.#rows.get(key);
    if (known !== undefined && known.version >= row.version) return;
    const { agency, state, version, sequence } = row;
    this.#rows.set(key, { id, agency, state, version, sequence });
    if (known !== undefined) return;
    const group = `${kind}.${agency}`;
    const ids = this.#order.get(group);
    if (ids === undefined) this.#order.set(group, [id]);
    else if (ids[ids.length - 1]! < id) ids.push(id);
    else ids.splice(lowerBound(ids, id), 0, id);
  }

  #wakeWaiters(): void {
    const due = this.#waiters.filter(({ sequence }) => sequence <= this.#sequence);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter(({ sequence }) => sequence > this.#sequence);
    for (const { wake } of due) wake();
  }
}

/** Index of the first id that is not below. */
function lowerBound(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
