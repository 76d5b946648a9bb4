import { type Envelope, parseEnvelope } from "../schema/envelope.ts";
import { isRetryable } from "../schema/errors.ts";
import { systemPrincipal } from "../schema/principal.ts";
import { type Address, addressOfEvents, stateKey, subjects } from "../schema/subjects.ts";
import type { Reaction, Told } from "./actor.ts";
import type { CellReply } from "./cell.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import type { Message } from "./messages.ts";
import { pause } from "./pause.ts";
import type { JournalEntry, Ports } from "./ports/index.ts";
import { Progress } from "./progress.ts";
import { type Room, Slots } from "./slots.ts";
import { UnderWay } from "./under-way.ts";

export interface ReactorOptions {
  /** Envelopes that are read at once. */
  readonly pageEntries: number;
  /** Envelopes whose reactions are not done yet, at the most: from the oldest of them whoever goes on begins again. */
  readonly underWayMax: number;
  /** Commands under way: of what is urgent, of the rest, and of that while users' commits wait. */
  readonly urgentConcurrency: number;
  readonly idleConcurrency: number;
  readonly busyConcurrency: number;
  /** While users press: one at a time, and so long between two. */
  readonly pressedPauseMs: number;
  /** This far behind, the backlog itself is the problem: no more holding back. */
  readonly behindMax: number;
  readonly saveEveryMs: number;
  readonly retryMs: number;
  /** Envelopes kept in memory to be reacted to; behind more than that, the journal is read again. */
  readonly heardMax: number;
}

export const reactorDefaults: ReactorOptions = {
  pageEntries: 256,
  underWayMax: 1_024,
  urgentConcurrency: 256,
  idleConcurrency: 64,
  busyConcurrency: 4,
  pressedPauseMs: 4,
  behindMax: 200_000,
  saveEveryMs: 2_000,
  retryMs: 250,
  heardMax: 10_000,
};

/** What a reactor needs of its host. */
export interface ReactorHost {
  readonly ports: Ports;
  partitionOf(address: Address): number;
  send(to: Address, message: Message): Promise<CellReply>;
  /** Commits that are under way or wait. */
  pendingCommits(): number;
  /** Users send more than is answered at once. */
  isPressed(): boolean;
  /** Everything of the journal up to here has been told to this process. */
  shown(): number;
}

/**
 * Reacts to what happens to the actors of one kind in the partitions of this host: it goes through the journal, sends the
 * commands that follow, many side by side, and notes up to where all of them are done.
 *
 * Invariants:
 * 1. A partition's place moves past an envelope only once everybody who had to be told has answered.
 * 2. Of one actor, a later envelope is reacted to after the earlier ones.
 * 3. What is reacted to is shown to this process, with all that was before it in the journal.
 * 4. What is told again, after a crash or by a host that does not know yet that it lost the partition, has the same command
 *    id and carries the same version: it changes nothing.
 */
export class Reactor {
  readonly #kind: string;
  readonly #reactions: readonly Reaction[];
  /** What is written in the envelopes that mean something: all of one of these. */
  readonly #marks: readonly (readonly string[])[];
  readonly #isUrgent: boolean;
  readonly #host: ReactorHost;
  readonly #options: ReactorOptions;
  readonly #progress: Progress;
  readonly #underWay = new UnderWay();
  /** What happened to one actor, one after the other. */
  readonly #lines = new KeyedQueue();
  readonly #slots: Slots;
  /** All that is here was begun up to there. */
  #begunUpTo = 0;
  /** The newest envelope of the kind that is known to be in the journal. */
  #newest = 0;
  /** Those that mean something, of all since `#heardAfter`: what is new need not be read from the server. */
  #heard: JournalEntry[] = [];
  #heardAfter: number | undefined;
  #inFlight = 0;
  #stopped = false;
  #running: Promise<void> | undefined;
  #wake: () => void = () => undefined;
  #isWoken = false;
  /** Of a partition that is new here there may be envelopes that this process was never told of. */
  #mustRead = false;
  #lastSavedMs = 0;

  constructor(kind: string, reactions: readonly Reaction[], host: ReactorHost, options = reactorDefaults) {
    this.#kind = kind;
    this.#reactions = reactions;
    this.#marks = reactions.flatMap(({ on }) => on.map(marksOf));
    this.#isUrgent = reactions.some(({ urgent }) => urgent === true);
    this.#host = host;
    this.#options = options;
    this.#progress = new Progress(kind, host.ports);
    this.#slots = new Slots(host.ports.clock, () => this.#room());
  }

  /** Entries of the journal whose reactions are not done yet, or that were not looked at. */
  get behind(): number {
    const place = this.#progress.least();
    return place === undefined ? 0 : Math.max(0, this.#host.shown() - place);
  }

  /** An entry has been told to this process, in the journal's order. */
  told({ kind }: Address, entry: JournalEntry): void {
    if (kind !== this.#kind) return;
    const { sequence } = entry;
    this.#heardAfter ??= sequence - 1;
    this.#newest = sequence;
    if (!this.#means(entry)) return;
    if (this.#heard.push(entry) > this.#options.heardMax) {
      const forgotten = this.#heard.splice(0, this.#options.heardMax / 2);
      this.#heardAfter = forgotten[forgotten.length - 1]!.sequence;
    }
    this.#wakeUp();
  }

  gained(partition: number): void {
    this.#progress.gained(partition);
    this.#wakeUp();
  }

  lost(partition: number): void {
    this.#progress.lost(partition);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Finishes what is under way, and notes how far it came. */
  async stop(): Promise<void> {
    this.halt();
    await this.#running;
    await this.#lines.quiet();
    this.#progress.advance(this.#underWay.endedUpTo(this.#begunUpTo));
    await this.#save();
  }

  halt(): void {
    this.#stopped = true;
    this.#wake();
  }

  /** Notes how far it is, for whoever has a partition next. */
  async #save(): Promise<void> {
    try {
      await this.#progress.save();
    } catch (error) {
      this.#host.ports.log.warn({ error }, "how far reactions are could not be noted; it will be");
    }
    this.#lastSavedMs = this.#host.ports.clock.monotonicMs();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (this.#progress.isNew) await this.#goBack();
        const isAll = await this.#beginMore();
        this.#progress.advance(this.#underWay.endedUpTo(this.#begunUpTo));
        const { clock } = this.#host.ports;
        if (clock.monotonicMs() - this.#lastSavedMs >= this.#options.saveEveryMs) await this.#save();
        if (isAll) await this.#untilWoken();
      } catch (error) {
        this.#host.ports.log.warn({ error, kind: this.#kind }, "reacting broke off; it goes on");
        await pause(this.#host.ports.clock, this.#options.retryMs);
      }
    }
  }

  /** Partitions that are new here may be less far than the others: they are gone through again, from there. */
  async #goBack(): Promise<void> {
    await this.#lines.quiet();
    if (this.#stopped) return;
    this.#progress.advance(this.#underWay.endedUpTo(this.#begunUpTo));
    await this.#progress.load();
    this.#begunUpTo = this.#progress.least() ?? 0;
    this.#mustRead = true;
  }

  /** What comes next in the journal. @returns true when there is no more, or no more of it can be begun now */
  async #beginMore(): Promise<boolean> {
    this.#isWoken = false;
    if (this.#stopped || this.#progress.least() === undefined) return true;
    if (this.#underWay.size >= this.#options.underWayMax) return true;
    const from = this.#begunUpTo;
    const newest = this.#newest;
    const shown = this.#host.shown();
    if (newest <= from && !this.#mustRead) {
      this.#begunUpTo = Math.max(from, shown);
      return true;
    }
    const { pageEntries } = this.#options;
    const hasHeardAll = this.#hasHeardAllAfter(from);
    const page = hasHeardAll ? this.#heardFrom(from) : await this.#readFrom(from);
    for (const entry of page) this.#begin(entry);
    const last = page[page.length - 1]?.sequence ?? from;
    // A replica that lags shows less than what is known to be there: then there is more to come.
    const isEnd = page.length < pageEntries && (hasHeardAll || last >= newest);
    this.#begunUpTo = isEnd ? Math.max(last, shown) : last;
    this.#mustRead = !isEnd && !hasHeardAll;
    if (!isEnd && page.length === 0) await pause(this.#host.ports.clock, this.#options.retryMs);
    return isEnd;
  }

  #hasHeardAllAfter(place: number): boolean {
    return this.#heardAfter !== undefined && place >= this.#heardAfter;
  }

  /** What is before is forgotten; should a partition come whose place is there, the journal is read. */
  #heardFrom(place: number): readonly JournalEntry[] {
    const first = this.#heard.findIndex(({ sequence }) => sequence > place);
    this.#heard.splice(0, first < 0 ? this.#heard.length : first);
    this.#heardAfter = place;
    return this.#heard.slice(0, this.#options.pageEntries);
  }

  async #readFrom(place: number): Promise<readonly JournalEntry[]> {
    const { journal } = this.#host.ports;
    const entries = await journal.read(subjects.eventsOfAll(this.#kind), place, this.#options.pageEntries);
    const shown = this.#host.shown();
    return entries.filter(({ sequence }) => sequence <= shown);
  }

  #means({ payload }: JournalEntry): boolean {
    return this.#marks.some((marks) => marks.every((mark) => payload.includes(mark)));
  }

  #begin(entry: JournalEntry): void {
    const address = addressOfEvents(entry.subject);
    if (address === undefined || !this.#means(entry)) return;
    const partition = this.#host.partitionOf(address);
    const place = this.#progress.placeOf(partition);
    if (place === undefined || place >= entry.sequence) return;
    const { sequence } = entry;
    this.#underWay.begin(sequence);
    void this.#lines.run(address.id, async () => {
      if (this.#goesOn(partition)) await this.#slots.run(() => this.#reactTo(entry, partition));
      // What a host that stops has not told remains to be told.
      if (this.#stopped) return;
      this.#underWay.end(sequence);
      if (this.#underWay.size === 0 || this.#underWay.size === this.#options.underWayMax - 1) this.#wakeUp();
    });
  }

  /** A lease that has run out for a moment is no reason to leave it untold: only one that another host has. */
  #goesOn(partition: number): boolean {
    return !this.#stopped && this.#progress.placeOf(partition) !== undefined;
  }

  #room(): Room {
    const { urgentConcurrency, idleConcurrency, busyConcurrency, pressedPauseMs, behindMax } = this.#options;
    if (this.#isUrgent) return { places: urgentConcurrency, pauseMs: 0 };
    if (this.#host.isPressed() && this.behind < behindMax) return { places: 1, pauseMs: pressedPauseMs };
    const isBusy = this.#host.pendingCommits() > this.#inFlight + busyConcurrency;
    return { places: isBusy ? busyConcurrency : idleConcurrency, pauseMs: 0 };
  }

  async #reactTo(entry: JournalEntry, partition: number): Promise<void> {
    const { log, clock } = this.#host.ports;
    const { subject, sequence, payload } = entry;
    let envelope: Envelope;
    try {
      envelope = parseEnvelope(payload);
    } catch (error) {
      log.error({ subject, sequence, error }, "an entry cannot be reacted to");
      return;
    }
    for (const { name, react } of this.#reactions) {
      while (this.#goesOn(partition)) {
        try {
          for (const [index, told] of react(envelope).entries()) {
            await this.#tell(envelope, `${name}${index}`, told, partition);
          }
          break;
        } catch (error) {
          log.warn({ subject, sequence, error }, "a reaction failed; it is tried again");
          await pause(clock, this.#options.retryMs);
        }
      }
    }
  }

  /** Until it is done, or will never be: then it is kept for the operators. */
  async #tell({ kind, id, version }: Envelope, name: string, { to, command }: Told, partition: number): Promise<void> {
    const { ports } = this.#host;
    const cause = `${kind}.${id}.${version}`;
    const message: Message = {
      op: "command",
      by: systemPrincipal("reaction"),
      requestId: cause,
      commandId: `${cause}.${name}`,
      command,
      cause,
    };
    while (this.#goesOn(partition)) {
      this.#inFlight += 1;
      const reply = await this.#host.send(to, message).finally(() => {
        this.#inFlight -= 1;
      });
      // A poisoned command has been kept by whoever it was sent to.
      if (reply.ok || reply.code === "poison") return;
      if (!isRetryable(reply.code)) {
        const reason = `${reply.code}: ${reply.detail}`;
        ports.log.error({ actor: stateKey(to), cause, reason }, "a reaction was refused");
        await ports.deadLetters.put({
          ...to,
          reason,
          at: new Date(ports.clock.now()).toISOString(),
          requestId: cause,
          message,
        });
        return;
      }
      await pause(ports.clock, this.#options.retryMs);
    }
  }

  #wakeUp(): void {
    this.#isWoken = true;
    this.#wake();
  }

  #untilWoken(): Promise<void> {
    if (this.#stopped || this.#isWoken) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#host.ports.clock.after(this.#options.saveEveryMs, () => this.#wake());
      this.#wake = () => {
        cancel();
        this.#wake = () => undefined;
        resolve();
      };
    });
  }
}

function marksOf(event: Reaction["on"][number]): readonly string[] {
  return typeof event === "string" ? [`"type":"${event}"`] : [`"type":"${event.type}"`, `"${event.having}":`];
}
