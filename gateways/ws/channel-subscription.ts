import { audiences, audiencesOf, isMember, type Reader } from "../../actors/channel/membership.ts";
import type { Known } from "../../actors/channel/state.ts";
import type { Row } from "../../runtime/board.ts";
import type { ChannelEvent } from "../../schema/channel.ts";
import type { Envelope } from "../../schema/envelope.ts";
import { liveLimits } from "../../schema/live/limits.ts";
import type { Position, ServerMessages } from "../../schema/live/messages.ts";
import type { ChannelTopic } from "../../schema/live/topics.ts";
import type { Principal } from "../../schema/principal.ts";
import { addressOfEvents, subjects } from "../../schema/subjects.ts";
import { readerOf } from "../http/handlers/reader.ts";
import type { Connection } from "./connection.ts";
import type { Told } from "./recent.ts";
import { positionOf, whyNotRecovered } from "./recovery.ts";
import type { Live, Say } from "./subscription.ts";
import type { Typed } from "./typing.ts";

const KIND = "channel";
/** Entries looked at before others get their turn. */
const CHUNK = 500;
/** What may wait to be opened for one reader; more closes it. */
const INBOX_MAX = 10_000;

/**
 * One channel, or all of somebody's, on one socket. What was written is opened for its readers, so entries are told one after
 * the other as each is opened, and whether the reader may still have it is asked of the channel as it is at that very moment:
 * who is removed gets nothing any more, not even what was on its way.
 */
export class ChannelSubscription {
  readonly #live: Live;
  readonly #topic: ChannelTopic;
  readonly #principal: Principal;
  readonly #connection: Connection;
  readonly #say: Say;
  readonly #onClosed: () => void;
  #position = 0;
  #inbox: Told[] = [];
  #telling = false;
  #readUp = false;
  #closed = false;
  #unwatch: () => void = () => undefined;

  constructor(
    live: Live,
    topic: ChannelTopic,
    principal: Principal,
    connection: Connection,
    say: Say,
    onClosed: () => void,
  ) {
    this.#live = live;
    this.#topic = topic;
    this.#principal = principal;
    this.#connection = connection;
    this.#say = say;
    this.#onClosed = onClosed;
  }

  /** Reads up and then follows. Resolves when it does, or when it is closed before. */
  async start(since: Position | undefined, snapshot: boolean): Promise<void> {
    const reason = since === undefined ? undefined : await whyNotRecovered(this.#live, since);
    const recovered = since !== undefined && reason === undefined;
    if (this.#done) return;
    // What comes from here on waits in the inbox until what was missed before has been told.
    const head = this.#live.fanOut.sequence;
    this.#position = recovered ? Number(since.offset) : head;
    this.#watch();
    const withSnapshot = snapshot && !recovered;
    const why = reason === undefined ? {} : { reason };
    const position = positionOf(this.#live, this.#position);
    this.#say("subscription.opened", { ...position, recovered, ...why, snapshot: withSnapshot });
    if (withSnapshot) await this.#snapshot();
    await this.#readPast(head);
    if (this.#done || !this.#isStillMember()) return;
    this.#readUp = true;
    this.#say("subscription.live", positionOf(this.#live, head));
    await this.#tellInbox();
  }

  close(): void {
    this.#closed = true;
    this.#unwatch();
    this.#inbox = [];
  }

  get #done(): boolean {
    return this.#closed || !this.#connection.open;
  }

  get #reader(): Reader {
    return readerOf(this.#live.board, this.#principal);
  }

  #watch(): void {
    const { fanOut, typing } = this.#live;
    const { resourceId } = this.#principal;
    const names = audiencesOf(this.#reader).map((name) => `${KIND}s of ${name}`);
    const keys = this.#topic.form === "channel" ? [`${KIND}/${this.#topic.id}`] : names;
    // Whoever is a unit, or aboard of one, reads what that one does.
    const own = resourceId === undefined ? [] : [`resource/${resourceId}`];
    this.#unwatch();
    const unwatch = fanOut.watch([...keys, ...own], (told) => this.#came(told));
    const unlisten = typing.listen(keys, (typed) => this.#types(typed));
    this.#unwatch = () => {
      unwatch();
      unlisten();
    };
  }

  /** It is of this moment: whoever cannot hear it now need not hear it. */
  #types({ channelId, subject }: Typed): void {
    if (!this.#readUp || this.#connection.slow || subject === this.#principal.subject) return;
    const row = this.#live.board.get({ kind: KIND, id: channelId });
    if (row === undefined || !isMember(row.state as Known, this.#reader)) return;
    this.#say("channel.typing", { channelId, subject, seconds: liveLimits.typingSeconds });
  }

  #came(told: Told): void {
    if (told.kind !== KIND) {
      this.#watch();
      this.#isStillMember();
      return;
    }
    // It may concern this reader under several names.
    if (told.sequence <= (this.#inbox.at(-1)?.sequence ?? this.#position)) return;
    this.#inbox.push(told);
    if (this.#inbox.length > INBOX_MAX) this.#connection.close(4413, "overflow");
    else if (this.#readUp) void this.#tellInbox();
  }

  async #tellInbox(): Promise<void> {
    if (this.#telling) return;
    this.#telling = true;
    try {
      for (let told = this.#inbox[0]; told !== undefined && !this.#done; told = this.#inbox[0]) {
        await this.#tell(told);
        this.#position = told.sequence;
        this.#inbox.shift();
      }
    } catch (error) {
      this.#live.log.warn({ error, topic: this.#topic.name }, "a channel could not be told");
      // What was told so far is whole: the client goes on from there.
      this.#connection.close(4409, "a message could not be read");
    } finally {
      this.#telling = false;
    }
  }

  async #readPast(head: number): Promise<void> {
    const { recent } = this.#live.fanOut;
    for (let looked = 1; this.#position < head && !this.#done; looked++) {
      if (this.#position < recent.first - 1) {
        await this.#fromJournal(Math.min(head, recent.first - 1));
        continue;
      }
      const told = recent.get(this.#position + 1)!;
      if (told.kind === KIND && (this.#topic.form === "channels" || told.id === this.#topic.id)) await this.#tell(told);
      this.#position = told.sequence;
      if (this.#connection.slow || looked % CHUNK === 0) await this.#turn();
    }
  }

  async #fromJournal(until: number): Promise<void> {
    for await (const page of this.#live.journal.scan(this.#subjects(), this.#position, until)) {
      for (const { sequence, subject, payload } of page) {
        if (this.#done) return;
        const { agency = "", id = "" } = addressOfEvents(subject) ?? {};
        await this.#tell({ sequence, subject, payload, kind: KIND, id, agency, guests: [], left: [] });
        this.#position = sequence;
        if (this.#connection.slow) await this.#turn();
      }
      await this.#turn();
    }
    this.#position = until;
  }

  #subjects(): readonly string[] {
    if (this.#topic.form === "channel") return [subjects.eventsOf({ kind: KIND, id: this.#topic.id })];
    const { agencies } = this.#principal;
    const shared = agencies.flatMap((agency) => [...this.#live.board.sharedWith(KIND, agency)]);
    const others = shared.filter(({ agency }) => !agencies.includes(agency));
    return [
      ...agencies.map((agency) => subjects.eventsOfKind(agency, KIND)),
      ...new Set(others.map(({ agency, id }) => subjects.events(agency, { kind: KIND, id }))),
    ];
  }

  async #tell(told: Told): Promise<void> {
    if (!this.#mayRead(told)) return;
    const frames = await this.#live.messages.framesOf(told, this.#topic.name, this.#stateAfter(told));
    // It may have been removed while the key was got.
    if (this.#done || !this.#mayRead(told)) return;
    for (const frame of frames) this.#connection.send(frame);
  }

  #mayRead(told: Told): boolean {
    if (this.#topic.form === "channel") return this.#isStillMember();
    const row = this.#live.board.get(told);
    if (row === undefined) return false;
    return isMember(row.state as Known, this.#reader) || this.#isFarewell(told, row.state as Known);
  }

  /** Ends the topic of a single channel that may not be read any more. */
  #isStillMember(): boolean {
    if (this.#topic.form !== "channel") return true;
    const row = this.#live.board.get({ kind: KIND, id: this.#topic.id });
    if (row !== undefined && isMember(row.state as Known, this.#reader)) return true;
    if (this.#done) return false;
    this.close();
    const reason =
      row === undefined ? "this channel is in the archive alone" : "you are not a member of this channel any more";
    this.#say("subscription.closed", { reason });
    this.#onClosed();
    return false;
  }

  /** Of a channel that is gone for this reader it is told that, and how. */
  #isFarewell({ payload }: Told, state: Known): boolean {
    if (!FAREWELLS.some((type) => payload.includes(type))) return false;
    const reader = this.#reader;
    const { subject, agencies } = this.#principal;
    return (JSON.parse(payload) as Envelope).events.some((event) => {
      const left = event as ChannelEvent;
      if (left.type === "channel.member_left") return left.subject === subject;
      if (left.type === "channel.unit_left") return reader.units.includes(left.unitId);
      if (left.type !== "channel.unshared" || !agencies.includes(left.agencyId)) return false;
      const names = audiencesOf(reader);
      return audiences(state).some((name) => names.includes(name));
    });
  }

  /** Only with who comes and goes: what is said is the same for all who hear it. */
  #stateAfter({ sequence, payload, id }: Told): object | undefined {
    if (!payload.includes('"type":"channel.')) return;
    const row = this.#live.board.get({ kind: KIND, id });
    return row?.sequence === sequence && isMember(row.state as Known, this.#reader) ? this.#shown(row) : undefined;
  }

  #shown(row: Row): object {
    const shown = this.#live.board.present(KIND, row);
    return this.#live.views.get(KIND)?.seenBy?.(this.#principal.subject, row.state, shown) ?? shown;
  }

  async #snapshot(): Promise<void> {
    const { board } = this.#live;
    const say = (items: readonly object[], last: boolean) =>
      this.#say("subscription.snapshot", { items, last } as ServerMessages["subscription.snapshot"]);
    if (this.#topic.form === "channel") {
      const row = board.get({ kind: KIND, id: this.#topic.id });
      if (this.#isStillMember()) say(row === undefined ? [] : [this.#shown(row)], true);
      return;
    }
    const { agencies, subject: seenBy } = this.#principal;
    const filters = { open: "true", audience: audiencesOf(this.#reader) };
    const query = { kind: KIND, agencies, seenBy, filters, limit: liveLimits.snapshotItems };
    for (let after: string | null | undefined; after !== null && !this.#done; ) {
      const { items, next } = await board.list({ ...query, ...(after === undefined ? {} : { after }) });
      if (items.length > 0) say(items, false);
      after = next;
      await this.#connection.room();
    }
    if (!this.#done) say([], true);
  }

  /** Others get their turn; a slow client gets as long as it needs. */
  async #turn(): Promise<void> {
    await this.#connection.room();
    await new Promise<void>((resolve) => this.#live.clock.soon(resolve));
  }
}

const FAREWELLS = (
  ["channel.member_left", "channel.unit_left", "channel.unshared"] satisfies ChannelEvent["type"][]
).map((type) => `"type":"${type}"`);
