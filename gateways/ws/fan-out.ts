import type { Registry } from "../../runtime/actor.ts";
import type { Board, BoardListener, Change, Measurement, Row, Views } from "../../runtime/board.ts";
import type { Place } from "../../runtime/places/place.ts";
import type { Region } from "../../runtime/places/region.ts";
import type { Log } from "../../runtime/ports/index.ts";
import { type Body, bodiesOf, type EventAttributes, onTopic, positionBody } from "./frames.ts";
import { KeyedListeners } from "./keyed-listeners.ts";
import { RecentEvents, type Told } from "./recent.ts";

/** One who follows a topic, and has everything up to now. */
export interface Follower {
  /** Events in their order, one frame each. */
  events(frames: readonly Uint8Array[]): void;
  /** A unit has moved; the frame is made when it is wanted. */
  position(measurement: Measurement, was: Place | undefined, frame: () => Uint8Array): void;
  /** Some may not see the topic's entity any more: whoever that is gets what is said as a farewell, and nothing after it. */
  unshared(agency: string, guests: readonly string[], farewell: readonly Uint8Array[]): void;
}

interface AreaTopic {
  readonly name: string;
  readonly region: Region;
  readonly followers: Set<Follower>;
}

export interface FanOutOptions {
  readonly registry: Registry;
  readonly views: Views;
  readonly board: Board;
  readonly epoch: string;
  readonly log: Log;
  /** The journal's order broke: whoever follows has to begin again from its last position. */
  readonly onGap: () => void;
}

const NOBODY: readonly string[] = [];

/** Every entry of the journal once: kept for those who come back, written once a topic, handed to those who follow it. */
export class FanOut implements BoardListener {
  readonly recent: RecentEvents;
  readonly #options: FanOutOptions;
  readonly #topics = new Map<string, Set<Follower>>();
  /** Who wants to know of an entity's entries, or of those that concern somebody, rather than be sent them as they are. */
  readonly #watchers = new KeyedListeners<Told>();
  /** By agency, then by name. */
  readonly #areas = new Map<string, Map<string, AreaTopic>>();

  constructor(options: FanOutOptions) {
    this.#options = options;
    this.recent = new RecentEvents(options.board.sequence);
  }

  get sequence(): number {
    return this.recent.sequence;
  }

  follow(topic: string, follower: Follower): () => void {
    const followers = this.#topics.get(topic) ?? new Set();
    this.#topics.set(topic, followers.add(follower));
    return () => {
      followers.delete(follower);
      if (followers.size === 0 && this.#topics.get(topic) === followers) this.#topics.delete(topic);
    };
  }

  followArea(name: string, agency: string, region: Region, follower: Follower): () => void {
    const areas = this.#areas.get(agency) ?? new Map<string, AreaTopic>();
    this.#areas.set(agency, areas);
    const area = areas.get(name) ?? { name, region, followers: new Set() };
    areas.set(name, area);
    area.followers.add(follower);
    return () => {
      area.followers.delete(follower);
      if (area.followers.size === 0 && areas.get(name) === area) areas.delete(name);
      if (areas.size === 0 && this.#areas.get(agency) === areas) this.#areas.delete(agency);
    };
  }

  /**
   * Tells of the entries of an entity (`kind/id`), or of all of a kind that are for somebody (`kinds of …`, by the `audience`
   * that the kind's view is indexed by), before or after. Of an entry that is meant by several keys it may tell several times.
   */
  watch(keys: readonly string[], watcher: (told: Told) => void): () => void {
    return this.#watchers.add(keys, watcher);
  }

  changed(change: Change): void {
    const { entry, address, before, after } = change;
    const { kind = "", id = "", agency = "" } = address ?? {};
    if (entry.sequence !== this.sequence + 1 || (address !== undefined && after === undefined)) {
      this.#options.log.error({ sequence: entry.sequence, after: this.sequence }, "the live journal has a gap");
      this.recent.clear(entry.sequence);
      this.#options.onGap();
      return;
    }
    const was = this.#guestsOf(kind, before);
    const now = this.#guestsOf(kind, after);
    const left = was === now ? NOBODY : was.filter((guest) => !now.includes(guest));
    const { sequence, subject, payload } = entry;
    const told: Told = { sequence, subject, payload, kind, id, agency, guests: now, left };
    this.recent.push(told);
    if (!this.#watchers.isEmpty) this.#wake(told, before, after);
    if (this.#topics.size === 0 && this.#areas.size === 0) return;
    if (after !== undefined) this.#tell(new Telling(told, after, this.#options), change, now, left);
  }

  measured(measurement: Measurement): void {
    const { address, row, sequence, reading, before } = measurement;
    const { kind, id } = address;
    const all = this.#topics.get(`${kind}s/${row.agency}`);
    const one = this.#topics.get(`${kind}/${id}`);
    const areas = this.#areas.get(row.agency);
    if (all === undefined && one === undefined && areas === undefined) return;
    const view = this.#options.views.get(kind);
    const was = view?.place?.(row.state, before);
    let body: Body | undefined;
    const bodyOf = () => (body ??= positionBody({ kind, ...row }, sequence, reading));
    const tell = (topic: string, followers: ReadonlySet<Follower> | undefined) => {
      let frame: Uint8Array | undefined;
      const frameOf = () => (frame ??= onTopic(topic, bodyOf()));
      for (const follower of followers ?? []) follower.position(measurement, was, frameOf);
    };
    tell(`${kind}s/${row.agency}`, all);
    tell(`${kind}/${id}`, one);
    if (areas === undefined) return;
    const is = view?.place?.(row.state, reading);
    for (const { name, region, followers } of areas.values()) {
      const area = passage(region, was, is);
      if (area === undefined) continue;
      let frame: Uint8Array | undefined;
      const entered = () => positionBody({ kind, ...row }, sequence, reading, this.#options.board.present(kind, row));
      const frameOf = () => (frame ??= onTopic(name, area === "entered" ? entered() : bodyOf(), { area }));
      for (const follower of followers) follower.position(measurement, was, frameOf);
    }
  }

  #wake(told: Told, before: Row | undefined, after: Row | undefined): void {
    const { kind, id } = told;
    const audience = this.#options.views.get(kind)?.indexed?.["audience"];
    const names = (row: Row | undefined) =>
      row === undefined || audience === undefined ? [] : [audience(row.state)].flat();
    const keys = new Set([...names(before), ...names(after)].map((name) => `${kind}s of ${name}`)).add(`${kind}/${id}`);
    for (const key of keys) for (const watcher of [...this.#watchers.of(key)]) watcher(told);
  }

  #tell(telling: Telling, { before }: Change, guests: readonly string[], left: readonly string[]): void {
    const { kind, id, agency } = telling.told;
    for (const reader of [agency, ...guests]) this.#tellTopic(`${kind}s/${reader}`, telling.full);
    for (const reader of left) this.#tellTopic(`${kind}s/${reader}`, telling.bare);
    const one = this.#topics.get(`${kind}/${id}`);
    if (one !== undefined) {
      if (left.length > 0) {
        const farewell = telling.bare().map((body) => onTopic(`${kind}/${id}`, body));
        for (const follower of one) follower.unshared(agency, guests, farewell);
      }
      this.#tellTopic(`${kind}/${id}`, telling.full);
    }
    if (this.#areas.size === 0) return;
    const { after } = telling;
    const view = this.#options.views.get(kind);
    if (view?.place === undefined) return;
    const reading = this.#options.board.reading({ kind, id });
    const was = before && view.place(before.state, reading);
    const is = view.place(after.state, reading);
    for (const reader of [agency, ...guests, ...left]) {
      for (const area of this.#areas.get(reader)?.values() ?? []) {
        const gone = left.includes(reader);
        const how = passage(area.region, was, gone ? undefined : is);
        if (how === undefined) continue;
        const attributes = how === "moved" && samePlace(was, is) ? {} : { area: how };
        this.#send(area.name, area.followers, gone ? telling.bare : telling.full, attributes);
      }
    }
  }

  #tellTopic(topic: string, bodies: () => readonly Body[]): void {
    const followers = this.#topics.get(topic);
    if (followers !== undefined) this.#send(topic, followers, bodies, {});
  }

  #send(
    topic: string,
    followers: ReadonlySet<Follower>,
    bodies: () => readonly Body[],
    attributes: EventAttributes,
  ): void {
    const frames = bodies().map((body) => onTopic(topic, body, attributes));
    for (const follower of followers) follower.events(frames);
  }

  #guestsOf(kind: string, row: Row | undefined): readonly string[] {
    return row === undefined ? NOBODY : (this.#options.registry.get(kind)?.sharedWith?.(row.state) ?? NOBODY);
  }
}

/** An entry while it is told: written at most once with the state after it, and once without. */
class Telling {
  readonly told: Told;
  readonly after: Row;
  readonly #options: FanOutOptions;
  #full: readonly Body[] | undefined;
  #bare: readonly Body[] | undefined;

  constructor(told: Told, after: Row, options: FanOutOptions) {
    this.told = told;
    this.after = after;
    this.#options = options;
  }

  readonly full = (): readonly Body[] => {
    const { board, epoch } = this.#options;
    this.#full ??= bodiesOf(this.told, epoch, board.present(this.told.kind, this.after));
    return this.#full;
  };

  /** For those who may not see it any more. */
  readonly bare = (): readonly Body[] => {
    this.#bare ??= bodiesOf(this.told, this.#options.epoch);
    return this.#bare;
  };
}

/** How something passed an area; undefined when it was not in it and is not. */
function passage(
  region: Region,
  was: Place | undefined,
  is: Place | undefined,
): "entered" | "moved" | "left" | undefined {
  const inside = is !== undefined && region.contains(is);
  if (was === undefined || !region.contains(was)) return inside ? "entered" : undefined;
  return inside ? "moved" : "left";
}

function samePlace(a: Place | undefined, b: Place | undefined): boolean {
  return a?.lat === b?.lat && a?.lon === b?.lon;
}
