import { atLeast } from "../../actors/alert/classification.ts";
import { fingerprintOf } from "../../actors/alert/fingerprint.ts";
import { isOver, type Known } from "../../actors/alert/state.ts";
import type { AlertKeyState } from "../../actors/alertkey/definition.ts";
import type { Board } from "../../runtime/board.ts";
import { chainHash } from "../../runtime/chain.ts";
import { Grouping } from "../../runtime/grouping.ts";
import type { Incoming, Ports } from "../../runtime/ports/index.ts";
import type {
  AlertChain,
  AlertContent,
  AlertPolicy,
  AlertSource,
  alertActions,
  IntakeRecord,
  Lane,
  Nature,
} from "../../schema/alert.ts";
import { packReports } from "../../schema/intake.ts";
import { subjects } from "../../schema/subjects.ts";
import { KeptOnce } from "./kept-once.ts";
import { keyOf } from "./key.ts";
import { type Pack, packed } from "./packs.ts";
import { Quota } from "./quota.ts";

/** One report of a source, in the form that all are brought into. */
export interface Report {
  readonly agencyId: string;
  readonly source: AlertSource;
  readonly policy: AlertPolicy;
  readonly by: string;
  readonly requestId: string;
  readonly action: (typeof alertActions)[number];
  readonly nature: Nature;
  readonly dedupKey?: string | undefined;
  /** Of a trigger. */
  readonly content?: AlertContent;
  readonly chain?: AlertChain;
  readonly raw?: string;
}

export interface Receipt {
  readonly id: string;
  readonly dedupKey: string;
}

/** The ids that a report's alert and incident get, should it make them. */
export interface ReportIds {
  readonly id: string;
  readonly incidentId: string;
}

/** What a sender waits for. */
interface Taking {
  readonly entries: readonly Incoming[];
  readonly kept: () => void;
  readonly lost: (error: unknown) => void;
}

/**
 * Who comes while two writes are under way waits with the others, and they go as few messages. One that is not answered
 * leaves the other.
 */
const GROUPS = { groupMin: 1, groupMax: 256, groupsMax: 2 };

/** This bad or worse goes by the lane that floods of the rest cannot delay. */
const URGENT_FROM = "high";

/** What one device, or a source that names none, may bring into it in a second: a flood of one must not delay another's. */
const URGENT_PER_SECOND = 20;

/** Where every report enters, whichever door it came by: it is acknowledged once it is here. */
export class AlertIntake {
  readonly #ports: Ports;
  readonly #board: Pick<Board, "get">;
  readonly #writes: Grouping<Taking>;
  readonly #once: KeptOnce;
  readonly #urgent: Quota;
  readonly #batchFrom: number;
  #accepted = 0;
  #demoted = 0;

  /**
   * @param board tells which alert a report will add to, as far as is known
   * @param batchFrom so many messages are written faster as one atomic batch than one by one
   */
  constructor(ports: Ports, board: Pick<Board, "get">, batchFrom: number) {
    this.#ports = ports;
    this.#board = board;
    this.#batchFrom = batchFrom;
    this.#urgent = new Quota(ports.clock, URGENT_PER_SECOND);
    this.#once = new KeptOnce(ports.clock, ports.intake, { ...GROUPS, groupMin: batchFrom });
    this.#writes = new Grouping(ports.clock, GROUPS, {
      weigh: ({ entries }) => Math.max(1, entries.length),
      write: (group) => this.#write(group),
    });
  }

  get figures() {
    return { alertReportsAccepted: this.#accepted + this.#once.count, alertReportsDemoted: this.#demoted };
  }

  newIds(): ReportIds {
    const { ids } = this.#ports;
    return { id: ids.uuidV7(), incidentId: ids.uuidV7() };
  }

  /**
   * Keeps one report or several, all or none; those known under an id each once, however often they are sent.
   * @param repeat the id by which their sender may repeat them, and the ids that they had the first time
   * @throws UncertainOutcome: it may be kept
   */
  async take(
    reports: readonly Report[],
    repeat?: { readonly id: string; readonly ids: readonly ReportIds[] },
  ): Promise<readonly Receipt[]> {
    if (reports.length === 0) return [];
    const records = reports.map((report, index) => recordOf(report, repeat?.ids[index] ?? this.newIds()));
    const recordLanes = records.map((record) => this.#laneOf(record));
    const entries = records.map((record, index) => ({
      subject: subjects.intake(recordLanes[index]!, record.agencyId, record.source.scope),
      payload: JSON.stringify(record),
    }));
    const isUrgent = recordLanes.includes("urgent");
    if (repeat === undefined) {
      await new Promise<void>((kept, lost) => this.#writes.add({ entries, kept, lost }, isUrgent));
      this.#accepted += records.length;
    } else {
      const identified = entries.map((entry, index) => ({ ...entry, id: `${repeat.id}-${index}` }));
      await this.#once.keep(identified, isUrgent);
    }
    return records.map((record) => this.#receiptOf(record));
  }

  /** Those of one sender are kept all or none: where they are more messages than one, these are one atomic batch. */
  async #write(group: readonly Taking[]): Promise<void> {
    const packs = packed(group);
    const parts = packs.reduce((sum, { senders }) => sum + senders.size, 0);
    const apart = parts === group.length && packs.length < this.#batchFrom;
    await Promise.all((apart ? packs.map((pack) => [pack]) : [packs]).map((batch) => this.#append(batch)));
  }

  async #append(batch: readonly Pack<Taking>[]): Promise<void> {
    const senders = new Set(batch.flatMap((pack) => [...pack.senders]));
    try {
      await this.#ports.intake.append(batch.map(({ subject, texts }) => ({ subject, payload: packReports(texts) })));
      for (const { kept } of senders) kept();
    } catch (error) {
      for (const { lost } of senders) lost(error);
    }
  }

  #laneOf({ agencyId, source, content }: IntakeRecord): Lane {
    if (content === undefined || content.nature !== "actual" || !atLeast(content.severity, URGENT_FROM))
      return "normal";
    if (this.#urgent.allows(`${agencyId} ${source.scope} ${content.deviceId ?? ""}`)) return "urgent";
    this.#demoted += 1;
    return "normal";
  }

  /** With the id of the alert that is open under its key. One that is being opened just now is not known yet. */
  #receiptOf(record: IntakeRecord): Receipt {
    const { id, dedupKey } = record;
    const key = this.#board.get(keyOf(record, dedupKey))?.state as AlertKeyState | undefined;
    const alert = key?.alertId == null ? undefined : this.#board.get({ kind: "alert", id: key.alertId });
    const isOpen = alert !== undefined && !isOver(alert.state as Known);
    return { id: isOpen ? key!.alertId! : id, dedupKey };
  }
}

function recordOf(report: Report, { id, incidentId }: ReportIds): IntakeRecord {
  const { agencyId, source, policy, by, requestId, action, nature, content, chain, raw } = report;
  // What follows up without a key is refused before; a trigger's is made of what it is about.
  const dedupKey = report.dedupKey ?? `auto-${chainHash(fingerprintOf(content!))}`;
  const keyMade = report.dedupKey === undefined;
  // Each by its name: what is added to an object that was spread costs a microsecond each, and this is done for every report.
  return {
    v: 1,
    id,
    incidentId,
    agencyId,
    source,
    policy,
    by,
    requestId,
    action,
    nature,
    content,
    chain,
    raw,
    dedupKey,
    keyMade,
  };
}
