import { type Envelope, parseEnvelope } from "../schema/envelope.ts";
import { type Address, addressOfEvents, addressOfStateKey, stateKey, subjects } from "../schema/subjects.ts";
import type { KeptRecord } from "../schema/telemetry.ts";
import { type AnyActor, evolve, type Registry } from "./actor.ts";
import { BoardIndex, type Indexed } from "./board-index.ts";
import { type Row, Trail } from "./board-trail.ts";
import type { Coverage } from "./coverage.ts";
import { loadImage, readSnapshot } from "./image.ts";
import type { Place } from "./places/place.ts";
import { PlaceIndex } from "./places/place-index.ts";
import type { Region } from "./places/region.ts";
import type { JournalEntry, Ports } from "./ports/index.ts";
import { READINGS_REPLAY_MS } from "./readings-writer.ts";
import { FoundSnapshots } from "./wholeness.ts";

/** How an actor's state is shown and searched. Pure; it stands beside the actor. */
export interface View {
  /** What the API shows; `reading` is the last of its telemetry. */
  present(id: string, state: unknown, version: number, reading?: unknown): object;
  /** Where it is; undefined for what is nowhere. */
  place?(state: unknown, reading: unknown): Place | undefined;
  /** Up to 32 bits by which a search for the nearest passes by what does not fit, without a look at its state. */
  marks?(state: unknown): number;
  /** What lists are often filtered by, and should find without looking at all. */
  readonly indexed?: Indexed;
  /** The same as one principal sees it, where that makes a difference. */
  seenBy?(subject: string, state: unknown, shown: object): object;
  /** True when the state fits the filters of the API's list. */
  matches(state: unknown, filters: Readonly<Record<string, unknown>>): boolean;
}

export type Views = ReadonlyMap<string, View>;
export type { Row } from "./board-trail.ts";

/** An entry of the journal, and what it made of its actor. */
export interface Change {
  readonly entry: JournalEntry;
  /** Undefined for an entry of a kind that this process does not know. */
  readonly address: (Address & { readonly agency: string }) | undefined;
  readonly before: Row | undefined;
  /** Undefined when it cannot be told what the actor was right after this entry. */
  readonly after: Row | undefined;
}

/** Something was measured of an actor that the board shows. */
export interface Measurement {
  readonly address: Address;
  readonly row: Row;
  /** Of the telemetry, not of the journal. */
  readonly sequence: number;
  readonly reading: unknown;
  readonly before: unknown;
}

/** Told of everything, in the journal's order and without a gap, whoever committed it; of measurements as they come. */
export interface BoardListener {
  changed(change: Change): void;
  measured(measurement: Measurement): void;
}

export interface Listed {
  readonly items: readonly object[];
  /** Where the next page starts; null at the end. With it a page may have fewer items than were asked for. */
  readonly next: string | null;
}

export interface ListQuery {
  readonly kind: string;
  readonly agencies: readonly string[];
  readonly filters: Readonly<Record<string, unknown>>;
  readonly limit: number;
  /** As this principal sees them. */
  readonly seenBy?: string;
  /** The last id of the page before. */
  readonly after?: string;
  /** Only what is in there. */
  readonly region?: Region;
}

export interface NearestQuery {
  readonly kind: string;
  readonly from: Place;
  /** Inclusive. */
  readonly radiusMetres: number;
  readonly limit: number;
  readonly accept: (row: Row, reading: unknown) => boolean;
  /** Whoever lacks one of these, of the view's, is passed by. */
  readonly marks?: number;
  /** What `accept` takes at the most, as far as the index knows: where these are few, only they are looked at. */
  readonly among?: Pick<ListQuery, "agencies" | "filters">;
  /** The last one of the page before. */
  readonly after?: { readonly id: string; readonly distanceMetres: number };
}

export interface Near {
  readonly row: Row;
  readonly reading: unknown;
  readonly distanceMetres: number;
  readonly noted: Noted;
}

/** What whoever shows an actor has made of it; forgotten as soon as anything of it changes. */
export interface Noted {
  text?: string | undefined;
}

/** A reading of an actor's telemetry. */
export interface Measured {
  /** Of its record. */
  readonly sequence: number;
  readonly reading: unknown;
  /** It was read from where last readings are kept. */
  readonly stored?: boolean;
}

const RELOAD_AGAIN_MS = 1_000;

/** What a search for the nearest judges an actor by. */
interface Located extends Noted {
  row: Row;
  reading: unknown;
  marks: number;
}

interface Waiter {
  readonly sequence: number;
  readonly wake: () => void;
}

const NOBODY: readonly string[] = [];

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
  readonly #readings = new Map<string, Measured>();
  readonly #index: BoardIndex;
  /** Where the actors of each kind are. */
  readonly #areas = new Map<string, PlaceIndex<Located>>();
  /** Actors that have departed, each with the sequence of its last event, and whose past may be in the journal still. */
  readonly departing = new Map<string, number>();
  /** One after the other: after a change of the snapshots' layout there is one for each that has ever departed. */
  #doubts: Promise<void> = Promise.resolve();
  #sequence = 0;
  /** Of what is shown: ahead of what has arrived by the journal while commits of this process are on their way. */
  #newest = 0;
  #arrivals: JournalEntry[] = [];
  #waiters: Waiter[] = [];
  #stops: (() => void)[] = [];
  #listener: BoardListener | undefined;
  readonly #trail = new Trail();
  /** What others have ever shared with an agency: ids by kind and agency. */
  readonly #everShared = new Map<string, Set<string>>();
  readonly #listeners: ((address: Address, entry: JournalEntry) => void)[] = [];

  constructor(registry: Registry, views: Views, ports: Ports, coverage: Coverage) {
    this.#registry = registry;
    this.#views = views;
    this.#ports = ports;
    this.#coverage = coverage;
    this.#index = new BoardIndex(registry, views);
  }

  /** Every entry up to here is shown. */
  get sequence(): number {
    return this.#sequence;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Nothing is shown that has not arrived by the journal, too. */
  get settled(): boolean {
    return this.#newest <= this.#sequence;
  }

  /**
   * Loads all snapshots, then the journal after the checkpoint; resolves when it has caught up.
   * @param progress told how far it is, in entries of the journal
   * @throws JournalShortened
   */
  async start(progress: (shown: number, of: number) => void = () => undefined): Promise<void> {
    const snapshots = new FoundSnapshots();
    for await (const { key, value } of this.#ports.state.entries()) {
      const address = addressOfStateKey(key);
      const definition = address && this.#registry.get(address.kind);
      const image = readSnapshot(value);
      if (address === undefined || definition === undefined || image === undefined) continue;
      const agency = definition.agencyOf(image.state);
      if (agency === undefined) continue;
      snapshots.found(key, image.sequence);
      this.#show(address, { id: address.id, agency, ...image });
    }
    const checkpoint = await snapshots.whereToStart(this.#ports);
    const last = await this.#ports.journal.lastSequence();
    this.#coverage.startAfter(checkpoint);
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
        .then((stop) => this.#stops.push(stop), reject);
    });
    for await (const { key, value } of this.#ports.readings.entries()) {
      const address = addressOfStateKey(key);
      if (address !== undefined) this.measured(address, { ...JSON.parse(value), stored: true });
    }
    await new Promise<void>((resolve, reject) => {
      this.#ports.telemetry
        .follow(READINGS_REPLAY_MS, (record) => this.#measuredElsewhere(record), resolve)
        .then((stop) => this.#stops.push(stop), reject);
    });
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }

  /** From the entry after `sequence` on. To be called once, after `start` and before anything is committed here. */
  tell(listener: BoardListener): void {
    this.#listener = listener;
  }

  /** Told of every entry that this board follows, in the journal's order; the board's `sequence` is not less by then. */
  onEntry(listener: (address: Address, entry: JournalEntry) => void): void {
    this.#listeners.push(listener);
  }

  /** A commit of this process. */
  committed(address: Address, row: Omit<Row, "id">, key = stateKey(address)): void {
    this.#show(address, { id: address.id, ...row }, key);
  }

  /** A reading of an actor's telemetry. */
  measured(address: Address, measured: Measured, key = stateKey(address)): void {
    const known = this.#readings.get(key);
    if (known !== undefined && known.sequence >= measured.sequence) return;
    this.#readings.set(key, measured);
    const row = this.#rows.get(key);
    if (row === undefined) return;
    const { sequence, reading } = measured;
    this.#locate(address, row, reading);
    this.#listener?.measured({ address, row, sequence, reading, before: known?.reading });
  }

  get(address: Address): Row | undefined {
    return this.#rows.get(stateKey(address));
  }

  /** The same, for who has the key at hand: every commit asks several times. */
  at(key: string): Row | undefined {
    return this.#rows.get(key);
  }

  /** The last reading of an actor's telemetry, and its sequence there. */
  measurement(address: Address): Measured | undefined {
    return this.#readings.get(stateKey(address));
  }

  get readingsCount(): number {
    return this.#readings.size;
  }

  /** The last readings of all actors, by their keys. */
  readings(): Iterable<readonly [string, Measured]> {
    return this.#readings;
  }

  /** The last reading of an actor's telemetry. */
  reading(address: Address): unknown {
    return this.#readings.get(stateKey(address))?.reading;
  }

  /** As the API shows it. */
  present(kind: string, row: Row): object {
    return this.#views.get(kind)!.present(row.id, row.state, row.version, this.reading({ kind, id: row.id }));
  }

  /**
   * Newest first. Only what belongs to these agencies, or is shared with them. Others get their turn meanwhile, and what
   * changes meanwhile is shown as it then is. A page ends after `LOOKED_AT_MAX` in any case.
   */
  async list({ kind, agencies, filters, limit, after, region, seenBy }: ListQuery): Promise<Listed> {
    const view = this.#views.get(kind);
    if (view === undefined) return { items: [], next: null };
    const places = this.#areas.get(kind);
    const isInside = (id: string) => {
      const place = places?.get(id);
      return place !== undefined && region!.contains(place);
    };
    const items: object[] = [];
    let last = after;
    for (let lookedAt = 0; lookedAt < LOOKED_AT_MAX; await this.#othersTurn()) {
      const { size, ids: found } = this.#index.candidates(kind, agencies, filters, last);
      const inside = region && size > FEW ? places?.within(region, undefined, FEW) : undefined;
      const ids = inside === undefined ? found : this.#index.seen(kind, agencies, inside, last);
      const turnEnds = lookedAt + LOOKED_AT_ONCE;
      for (const id of ids) {
        const row = this.#rows.get(`${kind}.${id}`)!;
        const fits = (region === undefined || isInside(id)) && view.matches(row.state, filters);
        if (fits && items.length === limit) return { items, next: last! };
        if (fits) items.push(this.#presentTo(seenBy, kind, row));
        last = id;
        lookedAt += 1;
        if (lookedAt === turnEnds) break;
      }
      if (lookedAt < turnEnds) return { items, next: null };
    }
    return { items, next: last! };
  }

  #presentTo(subject: string | undefined, kind: string, row: Row): object {
    const shown = this.present(kind, row);
    return subject === undefined ? shown : (this.#views.get(kind)?.seenBy?.(subject, row.state, shown) ?? shown);
  }

  #othersTurn(): Promise<void> {
    return new Promise((resolve) => this.#ports.clock.soon(resolve));
  }

  /** All of a kind, whoever may see them; in no order. */
  *all(kind: string): Generator<Row> {
    for (const [key, row] of this.#rows) if (key.startsWith(`${kind}.`)) yield row;
  }

  /** Those of a kind that these agencies may see and that fit the filters, newest first. */
  *rowsOf(kind: string, agencies: readonly string[], filters: Readonly<Record<string, unknown>> = {}): Generator<Row> {
    const view = this.#views.get(kind);
    if (view === undefined) return;
    for (const id of this.#index.candidates(kind, agencies, filters).ids) {
      const row = this.#rows.get(`${kind}.${id}`)!;
      if (view.matches(row.state, filters)) yield row;
    }
  }

  /** What others share with this agency, or have ever shared with it, of what is shown. */
  *sharedWith(kind: string, agency: string): Generator<Row> {
    for (const id of this.#everShared.get(`${kind}.${agency}`) ?? []) {
      const row = this.#rows.get(`${kind}.${id}`);
      if (row !== undefined) yield row;
    }
  }

  /** Nearest first; those equally far by their ids. */
  nearest({ kind, from, radiusMetres, limit, accept, marks = 0, among, after }: NearestQuery): Near[] {
    const places = this.#areas.get(kind);
    if (places === undefined) return [];
    const candidates = among && this.#index.candidates(kind, among.agencies, among.filters);
    const found = places.nearest({
      ...(candidates !== undefined && candidates.size <= FEW ? { among: candidates.ids } : {}),
      ...(after === undefined ? {} : { after }),
      from,
      radiusMetres,
      limit,
      marks,
      accept: (_id, { row, reading }) => accept(row, reading),
    });
    return found.map(({ item, distanceMetres }) => {
      const { row, reading } = item;
      return { row, reading, distanceMetres, noted: item };
    });
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
    if (address === undefined || definition === undefined) {
      this.#listener?.changed({ entry, address: undefined, before: undefined, after: undefined });
    } else {
      const key = `${address.kind}.${address.id}`;
      const row = this.#rows.get(key);
      this.#coverage.entry(key, entry.sequence);
      // What a snapshot or this process's own commit has shown already need not even be parsed.
      const shown = row?.sequence ?? this.departing.get(key) ?? 0;
      if (shown < entry.sequence) this.#apply(definition, address, row, entry);
      if (this.#listener !== undefined) {
        const { before, after } = this.#trail.pass(key, definition, entry, this.#rows.get(key));
        this.#listener.changed({ entry, address, before, after });
      }
    }
    this.#sequence = Math.max(this.#sequence, entry.sequence);
    if (address !== undefined) for (const listener of this.#listeners) listener(address, entry);
    if (this.#waiters.length > 0) this.#wakeWaiters();
  }

  #apply(definition: AnyActor, address: Address & { agency: string }, row: Row | undefined, entry: JournalEntry): void {
    try {
      const envelope = parseEnvelope(entry.payload);
      if (envelope.version !== (row?.version ?? 0) + 1) {
        if (isDeparture(definition, envelope))
          this.#doubts = this.#doubts.then(() => this.#departure(definition, address, entry));
        else void this.#reload(definition, address);
        return;
      }
      const context = { previous: row?.sequence ?? 0, ...envelope };
      const state = evolve(definition, row?.state ?? definition.initial, envelope.events, context);
      const { version, agency } = envelope;
      this.#show(address, { id: address.id, agency, state, version, sequence: entry.sequence });
    } catch (error) {
      // One entry that does not fold must not hide all the others.
      this.#ports.log.error({ subject: entry.subject, sequence: entry.sequence, error }, "an entry cannot be shown");
    }
  }

  /** One that is not shown. Where nothing but its last event is left, the archive has the rest, and it needs no snapshot. */
  async #departure(
    definition: AnyActor,
    address: Address & { agency: string },
    { sequence }: JournalEntry,
  ): Promise<void> {
    const [head] = await this.#ports.journal.read(subjects.eventsOf(address), 0, 1).catch(() => []);
    if (head?.sequence !== sequence) return this.#reload(definition, address);
    this.departing.set(stateKey(address), sequence);
    this.#coverage.snapshot(stateKey(address), sequence);
  }

  async #reload(definition: AnyActor, address: Address & { agency: string }): Promise<void> {
    try {
      const { image } = await loadImage(definition, address, this.#ports, this.#ports.state);
      this.#show(address, { id: address.id, agency: address.agency, ...image });
    } catch (error) {
      this.#ports.log.error({ actor: stateKey(address), error }, "an actor cannot be shown just now");
      // Nothing else may ever happen to it: only another try shows it as it is.
      this.#stops.push(this.#ports.clock.after(RELOAD_AGAIN_MS, () => void this.#reload(definition, address)));
    }
  }

  #show(address: Address, row: Row, key = `${address.kind}.${address.id}`): void {
    const { kind, id } = address;
    const known = this.#rows.get(key);
    if (known !== undefined && known.version >= row.version) return;
    // What was read before it departed, and comes after.
    if (known === undefined && (this.departing.get(key) ?? 0) > row.sequence) return;
    if (this.#registry.get(kind)?.departure?.hasDeparted(row.state) === true) {
      this.departing.set(key, row.sequence);
      if (known === undefined) return;
      if (this.#listener !== undefined && row.sequence > this.#sequence) this.#trail.shown(key, known, row);
      if (row.sequence > this.#newest) this.#newest = row.sequence;
      this.#hide(address, known);
      return;
    }
    const { agency, state, version, sequence } = row;
    const shown = { id, agency, state, version, sequence };
    this.#rows.set(key, shown);
    if (this.#listener !== undefined && sequence > this.#sequence) this.#trail.shown(key, known, shown);
    if (sequence > this.#newest) this.#newest = sequence;
    this.#index.show(kind, known, shown);
    this.#rememberGuests(kind, known, shown);
    this.#locate(address, shown, this.#readings.get(key)?.reading);
  }

  #rememberGuests(kind: string, known: Row | undefined, { id, state }: Row): void {
    const { sharedWith, onceSharedWith } = this.#registry.get(kind)!;
    for (const guestsOf of [sharedWith, onceSharedWith]) {
      const guests = guestsOf?.(state) ?? NOBODY;
      if (guests.length === 0 || guests === (known && guestsOf?.(known.state))) continue;
      for (const guest of guests) {
        const ids = this.#everShared.get(`${kind}.${guest}`) ?? new Set();
        this.#everShared.set(`${kind}.${guest}`, ids.add(id));
      }
    }
  }

  #hide({ kind, id }: Address, row: Row): void {
    this.#rows.delete(stateKey({ kind, id }));
    this.#index.hide(kind, row);
    this.#areas.get(kind)?.delete(id);
  }

  #locate({ kind, id }: Address, row: Row, reading: unknown): void {
    const view = this.#views.get(kind);
    if (view?.place === undefined) return;
    const place = view.place(row.state, reading);
    let places = this.#areas.get(kind);
    if (places === undefined) {
      places = new PlaceIndex();
      this.#areas.set(kind, places);
    }
    if (place === undefined) {
      places.delete(id);
      return;
    }
    let located = places.item(id);
    if (located === undefined) located = { row, reading, marks: view.marks?.(row.state) ?? 0, text: undefined };
    else {
      // A move alone leaves the marks as they are.
      if (located.row !== row) located.marks = view.marks?.(row.state) ?? 0;
      located.row = row;
      located.reading = reading;
      located.text = undefined;
    }
    places.set(id, place, located, located.marks);
  }

  /** What this process has kept itself is shown already. */
  #measuredElsewhere({ of: { kind, id }, sequence, payload }: KeptRecord): void {
    const telemetry = this.#registry.get(kind)?.telemetry;
    const known = this.#readings.get(`${kind}.${id}`);
    if (telemetry === undefined || (known !== undefined && known.sequence >= sequence)) return;
    try {
      const reading = telemetry.readingOf(JSON.parse(payload));
      if (reading !== undefined) this.measured({ kind, id }, { sequence, reading });
    } catch (error) {
      this.#ports.log.error({ kind, id, sequence, error }, "a record of telemetry cannot be shown");
    }
  }

  #wakeWaiters(): void {
    const due = this.#waiters.filter(({ sequence }) => sequence <= this.#sequence);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter(({ sequence }) => sequence > this.#sequence);
    for (const { wake } of due) wake();
  }
}

/** So many are looked at one by one sooner than a place is searched. */
const FEW = 2_000;
/** Rows in a turn: a few milliseconds. */
const LOOKED_AT_ONCE = 1_000;
/** Rows a page: what a filter that fits nearly nothing may cost. */
const LOOKED_AT_MAX = 50_000;

function isDeparture({ departure }: AnyActor, { events }: Envelope): boolean {
  return departure !== undefined && events[events.length - 1]?.type === departure.event;
}
