import { type Envelope, parseEnvelope } from "../schema/envelope.ts";
import { isRetryable } from "../schema/errors.ts";
import { systemPrincipal } from "../schema/principal.ts";
import { type Address, addressOfEvents, stateKey, subjects } from "../schema/subjects.ts";
import type { Reaction, Told } from "./actor.ts";
import type { CellReply } from "./cell.ts";
import type { Message } from "./messages.ts";
import { pause } from "./pause.ts";
import type { JournalEntry, Ports } from "./ports/index.ts";
import { Progress } from "./progress.ts";

export interface ReactorOptions {
  /** Envelopes that are read and reacted to before the place in the journal moves on. */
  readonly pageEntries: number;
  /** Commands under way while users' commits wait, and otherwise. */
  readonly busyConcurrency: number;
  readonly idleConcurrency: number;
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
  busyConcurrency: 4,
  idleConcurrency: 64,
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
 * Reacts to what happens to the actors of one kind in the partitions of this host, behind what users wait for: it reads the
 * journal by pages, sends the commands that follow, and notes how far it is.
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
  readonly #marks: readonly string[];
  readonly #isUrgent: boolean;
  readonly #host: ReactorHost;
  readonly #options: ReactorOptions;
  readonly #progress: Progress;
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
    this.#marks = reactions.flatMap(({ on }) => on.map((type) => `"type":"${type}"`));
    this.#isUrgent = reactions.some(({ urgent }) => urgent === true);
    this.#host = host;
    this.#options = options;
    this.#progress = new Progress(kind, host.ports);
  }

  /** Entries of the journal that were not looked at yet. */
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
    this.#isWoken = true;
    this.#wake();
  }

  gained(partition: number): void {
    this.#progress.gained(partition);
    this.#isWoken = true;
    this.#wake();
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
        if (await this.#progress.load()) this.#mustRead = true;
        const isDone = await this.#round();
        const { clock } = this.#host.ports;
        if (clock.monotonicMs() - this.#lastSavedMs >= this.#options.saveEveryMs) await this.#save();
        if (isDone) await this.#untilWoken();
      } catch (error) {
        this.#host.ports.log.warn({ error, kind: this.#kind }, "reacting broke off; it goes on");
        await pause(this.#host.ports.clock, this.#options.retryMs);
      }
    }
  }

  /** One page. @returns true when nothing is left to react to */
  async #round(): Promise<boolean> {
    this.#isWoken = false;
    const from = this.#progress.least();
    if (from === undefined) return true;
    const places = this.#progress.places();
    const newest = this.#newest;
    const shown = this.#host.shown();
    if (newest <= from && !this.#mustRead) {
      this.#progress.advance(places, shown);
      return true;
    }
    const { pageEntries } = this.#options;
    const page = await this.#pageAfter(from);
    await this.#reactToAll(page, places);
    if (this.#stopped) return true;
    if (this.#hasHeardAllAfter(from) && page.length < pageEntries) {
      this.#mustRead = false;
      this.#progress.advance(places, shown);
      return this.#newest <= newest;
    }
    const last = page[page.length - 1]?.sequence ?? from;
    // A replica that lags shows less than what is known to be there: then there is more to come.
    const isEnd = page.length < pageEntries && last >= newest;
    this.#progress.advance(places, isEnd ? Math.max(last, shown) : last);
    if (!isEnd && page.length === 0) await pause(this.#host.ports.clock, this.#options.retryMs);
    this.#mustRead = !isEnd;
    return isEnd;
  }

  #hasHeardAllAfter(place: number): boolean {
    return this.#heardAfter !== undefined && place >= this.#heardAfter;
  }

  async #pageAfter(place: number): Promise<readonly JournalEntry[]> {
    const { pageEntries } = this.#options;
    if (!this.#hasHeardAllAfter(place)) {
      const entries = await this.#host.ports.journal.read(subjects.eventsOfAll(this.#kind), place, pageEntries);
      const shown = this.#host.shown();
      return entries.filter(({ sequence }) => sequence <= shown);
    }
    const first = this.#heard.findIndex(({ sequence }) => sequence > place);
    // What every partition here is past is forgotten; for one that is not, and comes later, the journal is read.
    this.#heard.splice(0, first < 0 ? this.#heard.length : first);
    this.#heardAfter = place;
    return this.#heard.slice(0, pageEntries);
  }

  #means({ payload }: JournalEntry): boolean {
    return this.#marks.some((mark) => payload.includes(mark));
  }

  async #reactToAll(page: readonly JournalEntry[], places: ReadonlyMap<number, number>): Promise<void> {
    const byActor = new Map<string, JournalEntry[]>();
    for (const entry of page) {
      const address = addressOfEvents(entry.subject);
      if (address === undefined || !this.#means(entry)) continue;
      const place = places.get(this.#host.partitionOf(address));
      if (place === undefined || place >= entry.sequence) continue;
      byActor.set(address.id, [...(byActor.get(address.id) ?? []), entry]);
    }
    const lines = [...byActor.values()];
    const work = async (): Promise<void> => {
      for (let line = lines.shift(); line !== undefined && !this.#stopped; line = lines.shift()) {
        for (const entry of line) await this.#reactTo(entry);
        if (this.#isCrowded() || this.#holdsBack()) return;
      }
    };
    // While users' commits wait, few go on; each round looks again.
    while (lines.length > 0 && !this.#stopped) {
      const { busyConcurrency, idleConcurrency, pressedPauseMs } = this.#options;
      if (this.#holdsBack()) {
        await work();
        await pause(this.#host.ports.clock, pressedPauseMs);
        continue;
      }
      const workers = this.#isBusy() ? busyConcurrency : idleConcurrency;
      await Promise.all(Array.from({ length: Math.min(workers, lines.length) }, work));
    }
  }

  #holdsBack(): boolean {
    return !this.#isUrgent && this.#host.isPressed() && this.behind < this.#options.behindMax;
  }

  #isBusy(): boolean {
    return !this.#isUrgent && this.#host.pendingCommits() > this.#inFlight + this.#options.busyConcurrency;
  }

  #isCrowded(): boolean {
    return this.#inFlight >= this.#options.busyConcurrency && this.#isBusy();
  }

  async #reactTo({ sequence, payload, subject }: JournalEntry): Promise<void> {
    let envelope: Envelope;
    try {
      envelope = parseEnvelope(payload);
    } catch (error) {
      this.#host.ports.log.error({ subject, sequence, error }, "an entry cannot be reacted to");
      return;
    }
    for (const { name, react } of this.#reactions) {
      for (const [index, told] of react(envelope).entries()) await this.#tell(envelope, `${name}${index}`, told);
    }
  }

  /** Until it is done, or will never be: then it is kept for the operators. */
  async #tell({ kind, id, version }: Envelope, name: string, { to, command }: Told): Promise<void> {
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
    // A lease that has run out for a moment is no reason to leave it untold: only one that another host has.
    const partition = this.#host.partitionOf({ kind, id });
    while (!this.#stopped && this.#progress.has(partition)) {
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
