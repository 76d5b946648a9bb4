import { ENVELOPE_VERSION, type Envelope } from "../schema/envelope.ts";
import { isSystem } from "../schema/principal.ts";
import { type Address, stateKey, subjects } from "../schema/subjects.ts";
import type { TelemetryRecord } from "../schema/telemetry.ts";
import {
  type AnyActor,
  AssertionFailure,
  decide,
  evolve,
  type Forward,
  isForward,
  isJoint,
  isRefusal,
  type Participation,
} from "./actor.ts";
import { chainHash } from "./chain.ts";
import { commandsSince } from "./commands-since.ts";
import type { Committer } from "./commit.ts";
import { advance, blankImage, type Image, imageAt, loadImage, subjectOf } from "./image.ts";
import { isoTime } from "./iso-time.ts";
import { Mailbox } from "./mailbox.ts";
import { failure, failureOf, type Message, type Reply } from "./messages.ts";
import {
  type Append,
  type AppendResult,
  type Ports,
  PortUnavailable,
  type Timer,
  UncertainOutcome,
} from "./ports/index.ts";
import type { Pressure } from "./pressure.ts";
import { findRecent, RECENT_COMMANDS_MAX, type RecentCommand } from "./recent-commands.ts";
import { type Directive, directiveFor, type Failure } from "./supervision.ts";
import { timersOf } from "./timers-of.ts";

/** A vote of `prepare` carries what to append; nothing when the participant has nothing to change. */
export type CellReply = Reply & { readonly append?: Append };

/** What a cell needs from its host. */
export interface CellHost {
  readonly ports: Ports;
  readonly committer: Committer;
  /** Sends to another actor, wherever it lives. */
  send(to: Address, message: Message): Promise<CellReply>;
  /** False once this cell's state may be the past: somebody else may have changed it. */
  holds(cell: Cell): boolean;
  /** Keeps a record of telemetry. @returns its sequence */
  keep(record: TelemetryRecord): Promise<number>;
  /** A record of this cell's telemetry is kept. */
  kept(cell: Cell, sequence: number, reading: unknown): void;
  /** The last reading that is known of. Right after a takeover it may be a little older than the last that was kept. */
  readingOf(address: Address): unknown;
  /** Told of each commit that a user waits for. */
  readonly pressure: Pressure;
  /** Nobody here has ever heard of it: there is hardly anything of it to be read. */
  isUnheardOf(cell: Cell): boolean;
  /** An envelope of this cell is in the journal. */
  committed(cell: Cell, envelope: Envelope, image: Image): void;
  /** A cell could not be mended by its own strategy. */
  escalated(cell: Cell, error: unknown): void;
  readonly options: CellOptions;
}

export interface CellOptions {
  /** How often a command is decided again because another host had changed the actor in between. */
  readonly decideAttempts: number;
  /** How long a participant waits for the outcome of a commit it has voted for. */
  readonly holdMs: number;
  /** What may wait in the system lane. */
  readonly systemMailboxMax: number;
  /** Off only in a test that plants this bug, to prove that the simulator finds it. */
  readonly dedupe: boolean;
}

export const cellDefaults: CellOptions = { decideAttempts: 8, holdMs: 5_000, systemMailboxMax: 4_096, dedupe: true };

/** So long at least a command that may be sent again is known, however many came after it; and a little for clocks. */
const REMEMBERED_MS = 25 * 3_600_000;
/** After this long the commands of the last day are read anew: those before are not kept for ever. */
const DAY_AGAIN_MS = 3_600_000;

/** The layout of a record of telemetry. */
const TELEMETRY_VERSION = 1;

interface Waiting {
  readonly message: Message;
  readonly answer: (reply: CellReply) => void;
}

interface Drafted {
  readonly before: Image;
  readonly envelope: Envelope;
  readonly append: Append;
  /** The image once the append is in the journal at this sequence. */
  readonly imageAt: (sequence: number) => Image;
}

interface Hold {
  readonly attempt: string;
  readonly release: (sequence: number | undefined) => void;
}

/**
 * One actor, alive: takes messages one at a time, decides, commits, and only then becomes what it decided.
 *
 * Invariants:
 * 1. At most one message is being handled; while a participant waits for its leader's commit, none is.
 * 2. The image changes only to what the journal holds.
 * 3. Every message gets exactly one answer, whatever throws.
 */
export class Cell {
  readonly address: Address;
  readonly key: string;
  readonly partition: number;
  lastUsedMs: number;
  /** Revision of its snapshot, and the journal sequence that snapshot covers. */
  snapshotRevision = 0;
  snapshotSequence = 0;
  readonly #definition: AnyActor;
  readonly #host: CellHost;
  readonly #mailbox: Mailbox<Waiting>;
  #image: Image | undefined;
  #running = false;
  #hold: Hold | undefined;
  #stoppedUntilMs = 0;
  #consecutiveFailures = 0;
  /** The last reading of its telemetry; undefined when it was not looked up yet. */
  #reading: { readonly last: unknown } | undefined;
  /** The commands of the last day, once they were asked for, and the version up to which they are known. */
  #day: { readonly commands: Map<string, RecentCommand>; version: number; readonly readMs: number } | undefined;
  /** Reports that are being kept. */
  #keeping = 0;
  /** It was taken for new once: should that have been wrong, it is read from now on. */
  #wasTakenForNew = false;
  /** Who waits for a command that another actor leads. */
  #forwarded: Set<(reply: CellReply) => void> | undefined;

  constructor(definition: AnyActor, address: Address, partition: number, host: CellHost) {
    this.#definition = definition;
    this.#host = host;
    this.address = address;
    this.key = stateKey(address);
    this.partition = partition;
    this.#mailbox = new Mailbox(definition.limits.mailboxMax, host.options.systemMailboxMax);
    this.lastUsedMs = host.ports.clock.monotonicMs();
  }

  get image(): Image | undefined {
    return this.#image;
  }

  get idleMs(): number {
    return this.#definition.limits.idleMs;
  }

  /** Nothing is being handled and nothing waits. */
  get quiet(): boolean {
    return !this.#running && this.#mailbox.length === 0 && this.#keeping === 0;
  }

  get waiting(): number {
    return this.#mailbox.length;
  }

  deliver(message: Message): Promise<CellReply> {
    this.lastUsedMs = this.#host.ports.clock.monotonicMs();
    // The outcome of a commit this cell waits for must not wait behind what waits for that outcome.
    if (message.op === "settle") return Promise.resolve(this.#settle(message.attempt, message.sequence));
    return new Promise((answer) => {
      if (message.op === "report" && this.#isAtLeisure) {
        this.#reportAtOnce(message, this.#image!, answer);
        return;
      }
      const lane = message.op === "prepare" || isSystem(message.by) ? "system" : "user";
      if (!this.#mailbox.put({ message, answer }, lane)) {
        answer(failure("mailbox_full", `${this.key} has ${this.#mailbox.length} messages waiting`));
        return;
      }
      if (!this.#running) void this.#run();
    });
  }

  /** Loads the state unless it is there: what a snapshot or a deadline needs of an actor that sleeps. */
  async activate(): Promise<Image> {
    if (this.#image === undefined) {
      const { image, revision, tail } = await loadImage(
        this.#definition,
        this.address,
        this.#host.ports,
        this.#host.ports.state,
      );
      this.#image = image;
      this.snapshotRevision = revision;
      this.snapshotSequence = tail === 0 ? image.sequence : 0;
    }
    return this.#image;
  }

  /** It is another host's now. What another actor leads goes on without us; its sender asks again, there. */
  letGo(): void {
    for (const answer of this.#forwarded ?? []) answer(failure("not_owner", "another host answers for it now"));
    this.#forwarded?.clear();
  }

  /** What is to ring for it, as far as its state is known. */
  timers(): Timer[] {
    return this.#image === undefined ? [] : timersOf(this.#definition, this.#image.state, this.address, this.partition);
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let next = this.#mailbox.take(); next !== undefined; next = this.#mailbox.take()) {
      const { message, answer } = next;
      try {
        await this.#handle(message, answer);
      } catch (error) {
        answer(await this.#failed(message, error));
      }
    }
    this.#running = false;
  }

  async #handle(message: Message, answer: (reply: CellReply) => void): Promise<void> {
    const waitMs = this.#stoppedUntilMs - this.#host.ports.clock.monotonicMs();
    if (waitMs > 0)
      return answer(failure("unloadable", `${this.key} is stopped after failures, for ${Math.ceil(waitMs)} ms`));
    if (message.op === "command" && message.fresh === true && this.#image === undefined) {
      this.#image = blankImage(this.#definition);
    }
    if (this.#image === undefined && isSystem(message.by) && (await this.#handledAsNew(message, answer))) return;
    const image = this.#image ?? (await this.activate());
    if (this.#hiddenFrom(message, image))
      return answer(this.#asItIs(failure("not_found", `no such ${this.address.kind}`)));
    switch (message.op) {
      case "read":
        answer(this.#asItIs(image.version === 0 ? failure("not_found", `no such ${this.address.kind}`) : done(image)));
        break;
      case "command":
        await this.#command(message, answer);
        break;
      case "report":
        this.#report(message, image, answer);
        break;
      case "prepare":
        await this.#prepare(message, image, answer);
        break;
    }
    this.#consecutiveFailures = 0;
  }

  /**
   * Of what nobody has heard of, nothing is read before the first thing happens to it: the fence of what it appends shows
   * if there was something after all. Whatever else it would answer, it answers once it has looked. Only the system names
   * actors that are not there yet, each of one agency.
   */
  async #handledAsNew(message: Message, answer: (reply: CellReply) => void): Promise<boolean> {
    if (message.op !== "command" && message.op !== "prepare") return false;
    if (this.#wasTakenForNew || !this.#host.isUnheardOf(this)) return false;
    this.#wasTakenForNew = true;
    const at = message.op === "prepare" ? message.at : this.#now();
    const first = this.#firstDraft(message, at);
    if (first === undefined) return false;
    const { draft, participations } = first;
    if (message.op === "prepare") {
      // Who takes part does not lead: refused as such once it was looked at.
      if (participations.length > 0) return false;
      await this.#takePart(draft, message, answer);
      return true;
    }
    const outcome = await this.#commit(draft, participations, message, at);
    // Who refused to take part may have done so before, in a command of this actor that is not known yet.
    if (outcome === "conflict" || !outcome.ok) return false;
    answer(outcome);
    return true;
  }

  /** Undefined where it does nothing, or where that cannot be said of an actor that may be there. */
  #firstDraft(
    message: Message & { op: "command" | "prepare" },
    at: string,
  ): { readonly draft: Drafted; readonly participations: readonly Participation[] } | undefined {
    const image = blankImage(this.#definition);
    try {
      const decision = decide(this.#definition, image.state, message.command, {
        id: this.address.id,
        at,
        by: message.by,
      });
      if (isRefusal(decision) || isForward(decision)) return;
      const [events, participations] = isJoint(decision) ? [decision.events, decision.with] : [decision, []];
      if (events.length === 0) return;
      return { draft: this.#draft(image, events, message, at), participations };
    } catch {
      return;
    }
  }

  /** Another agency's actor does not exist, as far as this principal can tell. */
  #hiddenFrom(message: Message, { state }: Image): boolean {
    const { by } = message;
    const agency = this.#definition.agencyOf(state);
    if (agency === undefined || isSystem(by) || by.agencies.includes(agency)) return false;
    if ((message.op === "prepare" || message.op === "command") && message.trusted === true) return false;
    return !(this.#definition.sharedWith?.(state).some((guest) => by.agencies.includes(guest)) ?? false);
  }

  async #command(message: Message & { op: "command" }, answer: (reply: CellReply) => void): Promise<void> {
    for (let attempt = 0; attempt < this.#host.options.decideAttempts; attempt++) {
      const image = await this.activate();
      const before = this.#host.options.dedupe ? await this.#doneBefore(image, message) : undefined;
      if (before !== undefined) return answer(this.#asItIs(await this.#firstAnswer(before, message)));
      const at = this.#now();
      const decision = decide(this.#definition, image.state, message.command, {
        id: this.address.id,
        at,
        by: message.by,
      });
      // What is not there has no version: whoever may not see it must not be told one either.
      if (isRefusal(decision) && decision.refused === "not_found") return answer(this.#asItIs(failureOf(decision)));
      if (message.expectedVersion !== undefined && message.expectedVersion !== image.version) {
        const { version } = image;
        const detail = `the version is ${version}, not ${message.expectedVersion}`;
        return answer(this.#asItIs(failure("version_mismatch", detail, { version })));
      }
      if (isRefusal(decision)) return answer(this.#asItIs(failureOf(decision)));
      if (isForward(decision)) {
        // Outside the mailbox: the leader will ask this very actor to take part.
        this.#forwarded ??= new Set();
        this.#forwarded.add(answer);
        void this.#forward(message, decision).then((reply) => {
          if (this.#forwarded?.delete(answer)) answer(reply);
        });
        return;
      }
      const events = isJoint(decision) ? decision.events : decision;
      const participations = isJoint(decision) ? decision.with : [];
      // Who may send it again under the same id must find this answer then, whatever has changed meanwhile.
      const isKept = message.fingerprint !== undefined && image.version > 0;
      if (events.length === 0 && participations.length === 0 && !isKept) return answer(this.#asItIs(done(image)));
      const draft = this.#draft(image, events, message, at);
      const outcome = await this.#commit(draft, participations, message, at);
      if (outcome !== "conflict") return answer(outcome);
      this.#image = undefined;
    }
    answer(failure("contended", `${this.key} kept changing while this was decided`));
  }

  /**
   * Whoever owns the partition by now may have answered others without knowing what this tells of, also where it is
   * committed: the fence stops its writes, not its reads. Asked again it knows, as the command's id is in the journal.
   */
  #asItIs(reply: CellReply): CellReply {
    if (this.#host.holds(this)) return reply;
    this.#image = undefined;
    return failure("not_owner", "another host may have answered for it meanwhile");
  }

  /** Its state is known, and nothing is being handled or waits. */
  get #isAtLeisure(): boolean {
    return !this.#running && this.#image !== undefined && this.#stoppedUntilMs === 0;
  }

  /** Without the turn through the mailbox: thousands of reports come every second, and next to none finds a queue. */
  #reportAtOnce(message: Message & { op: "report" }, image: Image, answer: (reply: CellReply) => void): void {
    try {
      if (this.#hiddenFrom(message, image)) answer(failure("not_found", `no such ${this.address.kind}`));
      else this.#report(message, image, answer);
    } catch (error) {
      void this.#failed(message, error).then(answer);
    }
  }

  /** Looked at in order; kept outside the mailbox, so that many reports share a write and no command waits for one. */
  #report(message: Message & { op: "report" }, image: Image, answer: (reply: CellReply) => void): void {
    const { telemetry, agencyOf } = this.#definition;
    const agency = agencyOf(image.state);
    if (telemetry === undefined || agency === undefined) {
      answer(failure("not_found", `no such ${this.address.kind}`));
      return;
    }
    this.#reading ??= { last: this.#host.readingOf(this.address) };
    const at = this.#now();
    const observed = telemetry.observe(image.state, this.#reading.last, message.report, {
      id: this.address.id,
      at,
      by: message.by,
    });
    if (isRefusal(observed)) {
      answer(failureOf(observed));
      return;
    }
    const { record, answer: receipt } = observed;
    const reading = telemetry.readingOf(record);
    if (reading !== undefined) this.#reading = { last: reading };
    const payload = JSON.stringify({ v: TELEMETRY_VERSION, at, by: message.by.subject, ...record });
    this.#keeping += 1;
    void this.#host.keep({ of: { agency, ...this.address }, payload }).then(
      (sequence) => {
        this.#keeping -= 1;
        if (reading !== undefined) this.#host.kept(this, sequence, reading);
        answer({ ok: true, state: receipt, version: image.version, sequence });
      },
      (error: unknown) => {
        this.#keeping -= 1;
        this.#reading = undefined;
        void this.#failed(message, error).then(answer);
      },
    );
  }

  async #commit(
    draft: Drafted,
    participations: readonly Participation[],
    message: Message & { op: "command" },
    at: string,
  ): Promise<CellReply | "conflict"> {
    if (participations.length > 0) return this.#commitJointly(draft, participations, message, at);
    const result = await this.#committed([draft.append], message);
    return this.#outcome(draft, result);
  }

  async #commitJointly(
    draft: Drafted,
    participations: readonly Participation[],
    message: Message & { op: "command" },
    at: string,
  ): Promise<CellReply | "conflict"> {
    const joined: { readonly to: Address; readonly append: Append }[] = [];
    const attempt = this.#host.ports.ids.token();
    const settle = (sequences?: readonly number[]) =>
      joined.forEach(({ to }, index) => {
        const sequence = sequences?.[index + 1];
        const told: Message = { op: "settle", by: message.by, requestId: message.requestId, attempt };
        // An answer is not needed: a participant that never hears reads the journal.
        void this.#host.send(to, sequence === undefined ? told : { ...told, sequence }).catch(() => undefined);
      });
    // Always in the same order, so that two leaders who want the same participants cannot wait for each other.
    const inOrder = [...participations].sort((a, b) => (stateKey(a.to) < stateKey(b.to) ? -1 : 1));
    for (const { to, command, trusted } of inOrder) {
      const { by, requestId, commandId, fingerprint } = message;
      const vote = await this.#host.send(to, {
        op: "prepare",
        by,
        requestId,
        commandId,
        attempt,
        command,
        at,
        cause: this.key,
        ...(trusted === undefined ? {} : { trusted }),
        ...(fingerprint === undefined ? {} : { fingerprint }),
      });
      if (!vote.ok) {
        settle();
        // The participant's part means nothing without the whole: what is kept, and may be sent again, is the command.
        if (vote.code === "poison") await this.#bury(message, new Error(`${stateKey(to)} failed in taking part`));
        // Who commits late what this host does not know of yet has been there before: asked again, the leader knows.
        return this.#asItIs(vote);
      }
      if (vote.append !== undefined) joined.push({ to, append: vote.append });
    }
    try {
      const result = await this.#committed([draft.append, ...joined.map(({ append }) => append)], message);
      settle(result.ok ? result.sequences : undefined);
      return this.#outcome(draft, result);
    } catch (error) {
      settle();
      throw error;
    }
  }

  #outcome(draft: Drafted, result: AppendResult): CellReply | "conflict" {
    return result.ok ? this.#asItIs(done(this.#become(draft, result.sequences[0]!))) : "conflict";
  }

  #committed(appends: readonly Append[], { by }: Message): Promise<AppendResult> {
    const { committer, pressure } = this.#host;
    if (isSystem(by)) return committer.commit(appends);
    pressure.began();
    return committer.commit(appends).finally(() => pressure.ended());
  }

  async #prepare(
    message: Message & { op: "prepare" },
    image: Image,
    answer: (reply: CellReply) => void,
  ): Promise<void> {
    if (findRecent(image.recent, message.commandId) !== undefined && this.#host.options.dedupe) {
      return answer(failure("contended", `${this.key} has taken part in this before`));
    }
    const decision = decide(this.#definition, image.state, message.command, {
      id: this.address.id,
      at: message.at,
      by: message.by,
    });
    if (isRefusal(decision)) return answer(this.#asItIs(failureOf(decision)));
    if (isForward(decision) || isJoint(decision)) throw new AssertionFailure("a participant cannot lead");
    // Also where it has nothing to change: only its fence shows that what it decided on was not another host's past.
    await this.#takePart(this.#draft(image, decision, message, message.at), message, answer);
  }

  async #takePart(
    draft: Drafted,
    { attempt }: Message & { op: "prepare" },
    answer: (reply: CellReply) => void,
  ): Promise<void> {
    const outcome = this.#holdFor(attempt);
    answer({ append: draft.append, ...done(draft.before) });
    const sequence = await outcome;
    if (sequence !== undefined) this.#become(draft, sequence);
    // Not known to have happened is not the same as not happened: the journal tells, at the next message.
    else this.#image = undefined;
  }

  #holdFor(attempt: string): Promise<number | undefined> {
    return new Promise((resolve) => {
      const cancel = this.#host.ports.clock.after(this.#host.options.holdMs, () => release(undefined));
      const release = (sequence: number | undefined) => {
        cancel();
        this.#hold = undefined;
        resolve(sequence);
      };
      this.#hold = { attempt, release };
    });
  }

  #settle(attempt: string, sequence: number | undefined): CellReply {
    if (this.#hold?.attempt === attempt) this.#hold.release(sequence);
    // It was not waited for to the end: what is known here is older than that commit.
    else if (sequence !== undefined && (this.#image?.sequence ?? sequence) < sequence) this.#image = undefined;
    return { ok: true, state: undefined, version: 0, sequence: 0 };
  }

  async #forward(
    message: Message & { op: "command" },
    { forwardTo, command, trusted = false }: Forward,
  ): Promise<CellReply> {
    try {
      const { expectedVersion: _ours, fresh: _fresh, ...rest } = message;
      const led = await this.#host.send(forwardTo, { ...rest, command, cause: this.key, trusted });
      if (!led.ok) return led;
      return await this.deliver({ op: "read", by: message.by, requestId: message.requestId });
    } catch (error) {
      return this.#failed(message, error);
    }
  }

  /** Of a command that its sender may send again also what a busy actor has done since a day ago is known. */
  async #doneBefore(
    image: Image,
    { commandId, fingerprint }: Message & { op: "command" },
  ): Promise<RecentCommand | undefined> {
    const recent = findRecent(image.recent, commandId);
    if (recent !== undefined || fingerprint === undefined || image.recent.length < RECENT_COMMANDS_MAX) return recent;
    const { clock, journal } = this.#host.ports;
    const nowMs = clock.now();
    let day = this.#day;
    if (day === undefined || day.version !== image.version || nowMs - day.readMs > DAY_AGAIN_MS) {
      const subject = subjectOf(this.#definition, image.state, this.address);
      const commands = await commandsSince(journal, subject, image, nowMs - REMEMBERED_MS);
      day = { commands, version: image.version, readMs: nowMs };
      this.#day = day;
    }
    return day.commands.get(commandId);
  }

  /** The very answer that the first sender got or should have got: the actor as it was after that command. */
  async #firstAnswer(before: RecentCommand, message: Message & { op: "command" }): Promise<CellReply> {
    if (before.fingerprint !== message.fingerprint) {
      return failure("idempotency_key_reused", "the same key came with another request before");
    }
    const now = await this.activate();
    const subject = subjectOf(this.#definition, now.state, this.address);
    const image =
      now.version === before.version || this.#definition.repeats === "as_it_is"
        ? now
        : await imageAt(this.#definition, subject, before.version, this.#host.ports);
    return { ...done(image), replayed: true };
  }

  /** Folds before it writes: an event that the state cannot take is a poisoned command, not a poisoned journal. */
  #draft(
    image: Image,
    events: readonly { type: string }[],
    message: Message & { op: "command" | "prepare" },
    at: string,
  ): Drafted {
    const state = evolve(this.#definition, image.state, events, {
      id: this.address.id,
      at,
      by: message.by.subject,
      previous: image.sequence,
    });
    const agency = this.#definition.agencyOf(state);
    if (agency === undefined) throw new AssertionFailure(`${this.key} would belong to no agency`);
    const envelope: Envelope = {
      v: ENVELOPE_VERSION,
      kind: this.address.kind,
      id: this.address.id,
      agency,
      version: image.version + 1,
      commandId: message.commandId,
      ...(message.fingerprint === undefined ? {} : { fingerprint: message.fingerprint }),
      at,
      by: message.by.subject,
      ...(message.cause === undefined ? {} : { cause: message.cause }),
      prev: image.hash,
      events,
    };
    const payload = JSON.stringify(envelope);
    const append = { subject: subjects.events(agency, this.address), payload, expectedSequence: image.sequence };
    return {
      before: image,
      envelope,
      append,
      imageAt: (sequence) => advance(image, envelope, state, sequence, chainHash(payload)),
    };
  }

  #become(draft: Drafted, sequence: number): Image {
    const image = draft.imageAt(sequence);
    const { version, commandId, fingerprint } = draft.envelope;
    if (this.#day?.version === version - 1) {
      this.#day.commands.set(commandId, { commandId, version, ...(fingerprint === undefined ? {} : { fingerprint }) });
      this.#day.version = version;
    }
    this.#image = image;
    this.#host.committed(this, draft.envelope, image);
    return image;
  }

  #now(): string {
    return isoTime(this.#host.ports.clock.now());
  }

  async #failed(message: Message, error: unknown): Promise<CellReply> {
    const kind = failureKind(error, this.#image !== undefined);
    this.#consecutiveFailures += kind === "unavailable" ? 0 : 1;
    this.#obey(directiveFor(kind, { consecutive: this.#consecutiveFailures }), error);
    const { log } = this.#host.ports;
    log.error({ actor: this.key, requestId: message.requestId, failure: kind, error }, "a message failed");
    switch (kind) {
      case "unavailable":
        return failure("no_host", "the journal cannot be reached just now; nothing was done");
      case "uncertain":
        return failure("outcome_unknown", "the journal did not confirm; send it again with the same Idempotency-Key");
      case "unloadable":
        return failure("unloadable", `${this.key} could not be restored`);
      case "poison":
        if (message.op !== "prepare") await this.#bury(message, error);
        return failure("poison", "processing this failed; it is kept for the operators with the request id");
    }
  }

  #obey(directive: Directive, error: unknown): void {
    if (directive.do === "resume") return;
    this.#image = undefined;
    if (directive.do === "restart") return;
    this.#stoppedUntilMs = this.#host.ports.clock.monotonicMs() + directive.forMs;
    if (directive.do === "escalate") this.#host.escalated(this, error);
  }

  async #bury(message: Message, error: unknown): Promise<void> {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const { requestId } = message;
    try {
      await this.#host.ports.deadLetters.put({ ...this.address, reason, at: this.#now(), requestId, message });
    } catch (lost) {
      this.#host.ports.log.error({ actor: this.key, requestId, reason, lost }, "a dead letter could not be kept");
    }
  }
}

function failureKind(error: unknown, loaded: boolean): Failure {
  if (error instanceof UncertainOutcome) return "uncertain";
  if (error instanceof PortUnavailable) return "unavailable";
  return loaded ? "poison" : "unloadable";
}

function done(image: Image): CellReply & { ok: true } {
  return { ok: true, state: image.state, version: image.version, sequence: image.sequence };
}
