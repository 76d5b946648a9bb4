import { keyOf } from "../../gateways/alerts/key.ts";
import type { Board } from "../../runtime/board.ts";
import type { Client } from "../../runtime/client.ts";
import { KeyedBatches } from "../../runtime/keyed-batches.ts";
import { pause } from "../../runtime/pause.ts";
import type { Ports } from "../../runtime/ports/index.ts";
import { type IntakeRecord, type Lane as LaneName, lanes } from "../../schema/alert.ts";
import { systemPrincipal } from "../../schema/principal.ts";
import type { Address } from "../../schema/subjects.ts";
import { Asking, Stopped } from "./asking.ts";
import { Lane, type LaneReport } from "./lane.ts";
import { type Classify, type Incidents, mayJoin, type Reported, Reports, Undoable } from "./reports.ts";

/** Whoever owns this address's partition runs the engine: no lease beside those that there are. */
const ENGINE: Address = { kind: "engine", id: "alerts" };

const LOOK_EVERY_MS = 200;

/** What is worked on at once of a lane, a report or several of a key: as many as keep it at its fastest. */
const AT_ONCE = 512;
/** Of the others, in a flood of them and while an urgent one is under way: each of its steps waits behind what they have begun. */
const AT_ONCE_BEHIND = 128;
/** When so many of the others wait, it is one: until then nobody is behind. */
const FLOOD = 2_000;
/** So many reports of a lane are looked at: those of a key that wait are done together, one command and one commit for all. */
const LOOK_AHEAD = 8_192;
/** While those that wait are longer than this, no more are than are worked on. */
const LOOK_AHEAD_CHARACTERS = 16_000_000;
/** An urgent one goes before those of the others of its key that are behind the first ones. */
const TOGETHER = { itemsMax: 64, weightMax: 65_536, passesAfter: 64 };
const DRAIN_MS = 10_000;

/** When so many wait, operators are told; and again once there are so few. */
const MANY_WAIT = 10_000;
const FEW_WAIT = 1_000;

export interface EngineParts {
  readonly ports: Ports;
  readonly client: Client;
  readonly board: Board;
  /** Does this process's host own the partition of the address? */
  readonly owns: (address: Address) => boolean;
  readonly classify: Classify;
  readonly incidents: Incidents;
}

interface Running {
  readonly asking: Asking;
  readonly batches: KeyedBatches<Begun>;
  readonly lanes: readonly Lane[];
}

type Begun = Reported & LaneReport;

/**
 * Takes reports from the intake and makes alerts of them. Which process does it is a matter of liveness alone: two at once
 * do the same work twice, and nothing twice.
 */
export class AlertEngine {
  readonly #parts: EngineParts;
  #running: Running | undefined;
  #cancel: () => void = () => undefined;
  #stopping = false;
  #isBehind = false;
  #done = 0;
  #dead = 0;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  get figures() {
    const [urgent, normal] = this.#running?.lanes ?? [];
    return {
      alertReportsDone: this.#done,
      alertReportsDead: this.#dead,
      alertReportsWaitingUrgent: urgent?.waiting ?? 0,
      alertReportsWaiting: normal?.waiting ?? 0,
    };
  }

  start(): void {
    this.#look();
  }

  /** Ends what is under way, and notes how far it is. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancel();
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    const { clock } = this.#parts.ports;
    for (const lane of running.lanes) lane.stop();
    running.batches.stop();
    const giveUpAt = clock.monotonicMs() + DRAIN_MS;
    while (!running.batches.isIdle && clock.monotonicMs() < giveUpAt) await pause(clock, 5);
    await this.#note(running);
    running.asking.stop();
  }

  #look(): void {
    this.#cancel = this.#parts.ports.clock.after(LOOK_EVERY_MS, () => {
      void this.#take()
        .catch((error: unknown) => this.#parts.ports.log.warn({ error }, "the alert engine could not begin; it will"))
        .then(() => {
          if (!this.#stopping) this.#look();
        });
    });
  }

  async #take(): Promise<void> {
    const owns = this.#parts.owns(ENGINE);
    if (owns && this.#running === undefined) await this.#begin();
    else if (!owns && this.#running !== undefined) this.#end(this.#running);
    else if (this.#running !== undefined) {
      this.#tellOfWaiting();
      await this.#note(this.#running);
    }
  }

  #tellOfWaiting(): void {
    const { alertReportsWaiting: waiting, alertReportsWaitingUrgent: urgent } = this.figures;
    const isBehind = waiting + urgent > (this.#isBehind ? FEW_WAIT : MANY_WAIT);
    if (isBehind === this.#isBehind) return;
    this.#isBehind = isBehind;
    const { log } = this.#parts.ports;
    if (isBehind) log.warn({ waiting, urgent }, "more alerts come than can be worked on: they wait, on disk");
    else log.info({ waiting, urgent }, "hardly any alert waits any more");
  }

  async #begin(): Promise<void> {
    const { ports, client, board, classify, incidents } = this.#parts;
    const asking = new Asking(client, ports.clock, systemPrincipal("alerts"));
    const reports = new Reports(asking, board, classify, incidents);
    const batches: KeyedBatches<Begun> = new KeyedBatches(lanes.length, {
      ...TOGETHER,
      weigh: ({ text }) => text.length,
      joins: ({ record }) => mayJoin(record),
      room: (rank) =>
        lanes[rank] === "normal" && urgent.waiting > 0 && normal.waiting > FLOOD ? AT_ONCE_BEHIND : AT_ONCE,
      work: (group) => this.#do(reports, group),
    });
    const ahead = () => (batches.weight > LOOK_AHEAD_CHARACTERS ? AT_ONCE : LOOK_AHEAD);
    const lane = (name: LaneName) => new Lane(name, ports, ahead, (report) => this.#work(batches, report));
    const [urgent, normal] = [lane("urgent"), lane("normal")];
    const running = { asking, batches, lanes: [urgent, normal] };
    this.#running = running;
    try {
      for (const lane of running.lanes) await lane.start();
    } catch (error) {
      this.#end(running);
      throw error;
    }
  }

  #end({ asking, batches, lanes: all }: Running): void {
    for (const lane of all) lane.stop();
    batches.stop();
    asking.stop();
    this.#running = undefined;
  }

  async #note({ lanes: all }: Running): Promise<void> {
    for (const lane of all) {
      // Lost, it only makes whoever goes on do more again.
      await lane.note().catch((error: unknown) => this.#parts.ports.log.warn({ error }, "a position was not noted"));
    }
  }

  /** Resolves when it is done for good; never, when the engine stops before. */
  #work(batches: KeyedBatches<Begun>, report: LaneReport): Promise<void> {
    const { record, intake, text } = report;
    if (record === undefined) return this.#bury(report, "this is no report of Tocsin");
    const key = keyOf(record, record.dedupKey);
    return batches.run(orderOf(record, key), { intake, text, record, key }, lanes.indexOf(intake.lane));
  }

  async #do(reports: Reports, group: readonly Begun[]): Promise<void> {
    try {
      await reports.handle(group);
      this.#done += group.length;
    } catch (error) {
      if (error instanceof Stopped) return NEVER;
      // Which of them it is shows when each is done alone; those that were done are known to their alert.
      if (group.length > 1) {
        for (const one of group) await this.#do(reports, [one]);
        return;
      }
      const [only] = group;
      if (!(error instanceof Undoable)) this.#parts.ports.log.error({ error, intake: only!.intake }, "a report failed");
      await this.#bury(only!, String(error));
    }
  }

  /** What cannot be done is kept for the operators, and stops nothing else. */
  async #bury({ intake, text }: LaneReport, reason: string): Promise<void> {
    const { deadLetters, clock, log } = this.#parts.ports;
    this.#dead += 1;
    const at = new Date(clock.now()).toISOString();
    const id = String(intake.sequence);
    try {
      await deadLetters.put({ kind: "alert-report", id, reason, at, requestId: `alert-${id}`, message: text });
    } catch (lost) {
      log.error({ intake, reason, lost }, "a report that failed could not be kept");
    }
  }
}

const NEVER = new Promise<void>(() => undefined);

/** Messages that speak of each other are done in one order, whatever their keys. */
function orderOf({ agencyId, source, chain }: IntakeRecord, key: Address): string {
  return chain === undefined ? key.id : `${agencyId} ${source.scope}`;
}
