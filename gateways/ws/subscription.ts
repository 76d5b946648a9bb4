import type { Registry } from "../../runtime/actor.ts";
import type { Board, Measurement, Row, Views } from "../../runtime/board.ts";
import type { Place } from "../../runtime/places/place.ts";
import { type Region, regionOf } from "../../runtime/places/region.ts";
import type { Clock, Journal, Log } from "../../runtime/ports/index.ts";
import type { PresenceView } from "../../runtime/presence/view.ts";
import type { Position, ServerMessages } from "../../schema/live/messages.ts";
import type { EventTopic } from "../../schema/live/topics.ts";
import type { Connection } from "./connection.ts";
import type { FanOut, Follower } from "./fan-out.ts";
import { bodiesOf, onTopic } from "./frames.ts";
import { LateUnits } from "./late-units.ts";
import type { MessageEvents } from "./message-events.ts";
import { pastEvents } from "./past-events.ts";
import type { Told } from "./recent.ts";
import { positionOf, whyNotRecovered } from "./recovery.ts";
import { snapshotOf } from "./snapshot.ts";
import { concerns, mayBeSeenBy } from "./topics.ts";
import type { Typing } from "./typing.ts";

/** What all subscriptions of a gateway stand on. */
export interface Live {
  readonly board: Board;
  readonly registry: Registry;
  readonly views: Views;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly fanOut: FanOut;
  readonly epoch: string;
  /** See `readDepartedUntil`. */
  readonly departedUntil: () => Promise<number>;
  readonly messages: MessageEvents;
  readonly presence: PresenceView;
  readonly typing: Typing;
  readonly log: Log;
}

/** What a subscription says on its connection. */
export type Say = <T extends keyof ServerMessages>(type: T, data: ServerMessages[T]) => void;

/** Entries looked at before others get their turn. */
const CHUNK = 500;

/**
 * One topic on one socket. It first reads up: what the client missed from the newest entries in memory or from the journal,
 * at the pace at which the client takes it. Once it has everything, it follows, in the same turn of the event loop: so
 * nothing is left out between the two, and nothing comes twice.
 */
export class Subscription implements Follower {
  readonly #live: Live;
  readonly #topic: EventTopic;
  readonly #agencies: readonly string[];
  readonly #connection: Connection;
  readonly #say: Say;
  readonly #onClosed: () => void;
  readonly #region: Region | undefined;
  #position = 0;
  #closed = false;
  #unfollow: () => void = () => undefined;
  readonly #late: LateUnits;

  constructor(
    live: Live,
    topic: EventTopic,
    agencies: readonly string[],
    connection: Connection,
    say: Say,
    onClosed: () => void,
  ) {
    this.#live = live;
    this.#topic = topic;
    this.#agencies = agencies;
    this.#connection = connection;
    this.#say = say;
    this.#onClosed = onClosed;
    if (topic.form === "area") {
      const region = regionOf(topic.box);
      if (typeof region !== "string") this.#region = region;
    }
    this.#late = new LateUnits(live, topic, this.#region, connection);
  }

  /** Reads up and then follows. Resolves when it does, or when it is closed before. */
  async start(since: Position | undefined, snapshot: boolean): Promise<void> {
    const reason = since === undefined ? undefined : await this.#whyNot(since);
    const recovered = since !== undefined && reason === undefined;
    this.#position = recovered ? Number(since.offset) : this.#live.fanOut.sequence;
    const withSnapshot = snapshot && !recovered;
    this.#say("subscription.opened", {
      ...positionOf(this.#live, this.#position),
      recovered,
      ...(reason === undefined ? {} : { reason }),
      snapshot: withSnapshot,
    });
    if (withSnapshot) await this.#snapshot();
    await this.#readUp();
    if (this.#done) return;
    this.#say("subscription.live", positionOf(this.#live, this.#position));
    // What moved while the client was away may stand still now.
    if (recovered) this.#allPositions();
  }

  close(): void {
    this.#closed = true;
    this.#unfollow();
    this.#late.stop();
  }

  events(frames: readonly Uint8Array[]): void {
    for (const frame of frames) this.#connection.send(frame);
  }

  position({ address: { kind, id } }: Measurement, was: Place | undefined, frame: () => Uint8Array): void {
    if (this.#connection.slow || this.#late.size > 0) this.#late.add({ kind, id, was });
    else this.#connection.send(frame());
  }

  unshared(agency: string, guests: readonly string[], farewell: readonly Uint8Array[]): void {
    if (mayBeSeenBy(this.#agencies, { agency }, guests)) return;
    this.events(farewell);
    this.#end("it is not shared with you any more");
  }

  get #done(): boolean {
    return this.#closed || !this.#connection.open;
  }

  #end(reason: string): void {
    this.close();
    this.#say("subscription.closed", { reason });
    this.#onClosed();
  }

  async #whyNot(since: Position): Promise<string | undefined> {
    return this.#topic.form === "area" ? "the past of an area is not kept" : whyNotRecovered(this.#live, since);
  }

  async #readUp(): Promise<void> {
    const { recent } = this.#live.fanOut;
    while (!this.#done) {
      if (this.#position < recent.first - 1) await this.#fromJournal(recent.first - 1);
      else if (this.#fromRecent()) return;
      await this.#turn();
    }
  }

  /** Tells some of what is in memory. @returns true when that was all: it follows from here on */
  #fromRecent(): boolean {
    const { fanOut } = this.#live;
    for (let looked = 0; looked < CHUNK && this.#position < fanOut.sequence; looked++) {
      if (this.#connection.slow) return false;
      const told = fanOut.recent.get(this.#position + 1);
      if (told === undefined) return false;
      if (concerns(this.#topic, told) && this.#mayStillSee(told)) this.#tell(told);
      this.#position = told.sequence;
    }
    if (this.#position < fanOut.sequence) return false;
    this.#follow();
    return true;
  }

  async #fromJournal(until: number): Promise<void> {
    const topic = this.#topic;
    if (topic.form === "area") return;
    for await (const page of pastEvents(topic, this.#position, until, this.#live)) {
      for (const told of page) {
        if (this.#done) return;
        this.#tell(told);
        this.#position = told.sequence;
        if (this.#connection.slow) await this.#turn();
      }
      await this.#turn();
    }
    this.#position = until;
  }

  #tell(told: Told): void {
    const row = this.#live.board.get(told);
    const bodies = bodiesOf(told, this.#live.epoch, row && this.#stateOf(told, row));
    for (const body of bodies) this.#connection.send(onTopic(this.#topic.name, body));
  }

  /** What was shared and is not any more is past: of it only that it ended is told to who comes back. */
  #mayStillSee({ kind, id, agency, left }: Told): boolean {
    const topic = this.#topic;
    if (topic.form !== "agency" || agency === topic.agency || left.includes(topic.agency)) return true;
    return this.#guestsOf(kind, this.#live.board.get({ kind, id })).includes(topic.agency);
  }

  /** Of many events about an entity the last alone shows what came of it. */
  #stateOf({ kind, sequence }: Told, row: Row): object | undefined {
    const readers = this.#topic.form === "agency" ? [this.#topic.agency] : this.#agencies;
    const shown = row.sequence === sequence && mayBeSeenBy(readers, row, this.#guestsOf(kind, row));
    return shown ? this.#live.board.present(kind, row) : undefined;
  }

  #guestsOf(kind: string, row: Row | undefined): readonly string[] {
    return row === undefined ? [] : (this.#live.registry.get(kind)?.sharedWith?.(row.state) ?? []);
  }

  /** From now on it is told everything. */
  #follow(): void {
    const { fanOut, board } = this.#live;
    const topic = this.#topic;
    if (topic.form === "area") {
      if (this.#region !== undefined) this.#unfollow = fanOut.followArea(topic.name, topic.agency, this.#region, this);
      return;
    }
    this.#unfollow = fanOut.follow(topic.name, this);
    if (topic.form !== "one") return;
    const row = board.get(topic);
    if (row === undefined || mayBeSeenBy(this.#agencies, row, this.#guestsOf(topic.kind, row))) return;
    this.#end("it is not shared with you any more");
  }

  async #snapshot(): Promise<void> {
    const say = (items: readonly object[], last: boolean) =>
      this.#say("subscription.snapshot", { items, last } as ServerMessages["subscription.snapshot"]);
    for await (const items of snapshotOf(this.#live, this.#topic, this.#region)) {
      if (this.#done) return;
      if (items.length > 0) say(items, false);
      await this.#connection.room();
    }
    say([], true);
  }

  /** Others get their turn; a slow client gets as long as it needs. */
  async #turn(): Promise<void> {
    await this.#connection.room();
    await new Promise<void>((resolve) => this.#live.clock.soon(resolve));
  }

  #allPositions(): void {
    const topic = this.#topic;
    if (topic.form === "area") return;
    const { board } = this.#live;
    const one = topic.form === "one" ? board.get(topic) : undefined;
    const rows = topic.form === "one" ? (one === undefined ? [] : [one]) : board.rowsOf(topic.kind, [topic.agency]);
    if (this.#live.views.get(topic.kind)?.place === undefined) return;
    for (const { id } of rows) {
      if (board.reading({ kind: topic.kind, id }) !== undefined)
        this.#late.add({ kind: topic.kind, id, was: undefined });
    }
  }
}
