import { atLeast } from "../../actors/alert/classification.ts";
import { isOver, type Known, wasSeen } from "../../actors/alert/state.ts";
import { type AlertKeyState, isFlapping } from "../../actors/alertkey/definition.ts";
import { keyOf } from "../../gateways/alerts/key.ts";
import type { Board } from "../../runtime/board.ts";
import { idFrom } from "../../runtime/id-from.ts";
import type { Reply } from "../../runtime/messages.ts";
import type {
  AlertChain,
  AlertContent,
  Classification,
  ClassifiedReport,
  IntakePlace,
  IntakeRecord,
  Seen,
  TriggerRecord,
} from "../../schema/alert.ts";
import { ALERT_LIMITS } from "../../schema/alert.ts";
import type { Heart } from "../../schema/heartbeat.ts";
import type { IncidentFields, Policy } from "../../schema/incident.ts";
import type { Address } from "../../schema/subjects.ts";
import type { Asking } from "./asking.ts";
import { heartOf } from "./silence.ts";

/** What is made of an alert. It may take as long as it must: the other keys go on. */
export type Classify = (
  content: AlertContent,
  from: Pick<IntakeRecord, "agencyId" | "source">,
) => Classification | Promise<Classification>;

/** A report as it was read from the intake. */
export interface Reported {
  readonly record: IntakeRecord;
  readonly intake: IntakePlace;
  /** Of its key. */
  readonly key: Address;
}

/** What the engine needs to make an incident as an agency wants it. */
export interface Incidents {
  /** A new number, unique in the whole cluster. */
  number(agencyId: string): Promise<string>;
  /** The agency's rules for incidents of a type. */
  policy(agencyId: string, type: string): Policy | undefined;
  /** What the alert's routes say of incidents; auto: as its source has it. */
  rule(agencyId: string, alert: Known): "auto" | "always" | "never";
  /** Whom the agency's run card would send; undefined when that cannot be said. */
  recommendation(agencyId: string, incidentId: string): Promise<Readonly<Record<string, unknown>> | undefined>;
}

/** Whether it may be done together with others of its key and lane. */
export function mayJoin({ action, chain }: IntakeRecord): boolean {
  return action === "trigger" && chain === undefined;
}

/** Of what an alert was told it has done so many: it is told so many times as many next, as each may be news. */
const MORE_THAN_DONE = 8;

/** It can be done neither now nor later. */
export class Undoable extends Error {
  override name = "Undoable";
}

interface Current {
  readonly alertId: string;
  readonly seen: Seen;
  /** Its key has opened many alerts within a short time. */
  readonly flaps: boolean;
  /** The alert of the key before this one. */
  readonly before: string | null;
  /** Its ids are not those that were made when the report was accepted. */
  readonly isSecond?: boolean;
  /** The reports that were classified for it. */
  readonly classified?: readonly ClassifiedReport[];
}

/**
 * What reports do. A trigger finds the alert of its key, or claims the key's place for a new one when that alert is
 * over; an acknowledgement or a resolve of a key that there is not is dropped. All of it may be done again from the start:
 * command ids follow from the report's place in the intake, and an alert knows which reports it has had.
 */
export class Reports {
  readonly #asking: Asking;
  readonly #board: Board;
  readonly #classify: Classify;
  readonly #incidents: Incidents;

  constructor(asking: Asking, board: Board, classify: Classify, incidents: Incidents) {
    this.#asking = asking;
    this.#board = board;
    this.#classify = classify;
    this.#incidents = incidents;
  }

  /**
   * @param group one report, or triggers of a key and a lane that follow each other there, as many as `mayJoin`
   * @throws Stopped, and Undoable: some of a group may be done then
   */
  async handle(group: readonly Reported[]): Promise<void> {
    const watched = group.filter(isWatched);
    if (watched.length > 0) await this.#heard(watched);
    const { record, intake, key } = group[0]!;
    if (record.chain !== undefined) return this.#message(group[0]!, record.chain);
    if (record.action === "trigger") {
      const triggers = group as readonly Triggering[];
      await this.#trigger(triggers, this.#shown(key) ?? (await this.#open(key, triggers)));
      return;
    }
    const alertId = (await this.#key(key, intake))?.alertId;
    if (alertId == null) return;
    const type = record.action === "acknowledge" ? "sourceAcknowledge" : "sourceResolve";
    await this.#end(record, alertId, intake, type);
  }

  /** Where each device of a source should be heard of, it was: of those that follow up, nothing says which device it is. */
  async #heard(watched: readonly Watched[]): Promise<void> {
    const newest = new Map<string | null, { readonly heart: Heart; readonly intake: IntakePlace }>();
    for (const { record, intake } of watched) {
      const { agencyId, source, policy, content } = record;
      const { deviceId } = content;
      newest.set(deviceId, { heart: { agencyId, source, deviceId, silentAfterMs: policy.silentAfterMs }, intake });
    }
    for (const { heart, intake } of newest.values()) {
      const beat = { type: "beat", heart, at: intake.at };
      orUndoable(await this.#asking.ask(heartOf(heart), beat, `${idOf(intake)}-heard`));
    }
  }

  /**
   * A message of a chain. First of all those that it replaces are marked, whether they have come or not: a message that
   * comes late finds the mark at its own key, and opens nothing. Then their alert ends, or goes on with what this one says.
   */
  async #message({ record, intake, key }: Reported, { replaces, ends }: AlertChain): Promise<void> {
    const { agencyId, dedupKey } = record;
    const before: string[] = [];
    for (const [index, replaced] of replaces.entries()) {
      const command = { type: "replace", agencyId, by: dedupKey };
      const reply = await this.#asking.ask(keyOf(record, replaced), command, `${idOf(intake)}-replaced-${index}`);
      const { alertId } = orUndoable(reply).state as AlertKeyState;
      if (alertId !== null && !before.includes(alertId)) before.push(alertId);
    }
    const own = await this.#key(key, intake);
    let goesOn: string | undefined;
    if (own?.replacedBy != null) {
      goesOn = (await this.#key(keyOf(record, own.replacedBy), intake))?.alertId ?? undefined;
    } else if (!ends) {
      // Sent again, it is the same message: it may add to its alert, and never opens another.
      const sentAgain = own?.alertId != null;
      goesOn = own?.alertId ?? before[0];
      const current = await this.#claim(key, { ...record, id: goesOn ?? record.id }, intake);
      goesOn = await this.#trigger([{ record: record as TriggerRecord, intake, key }], current, sentAgain);
    }
    for (const alertId of before) if (alertId !== goesOn) await this.#end(record, alertId, intake, "sourceResolve");
  }

  async #end(
    { source }: IntakeRecord,
    alertId: string,
    intake: IntakePlace,
    type: "sourceAcknowledge" | "sourceResolve",
  ): Promise<void> {
    orUndoable(await this.#asking.ask(alertOf({ alertId }), { type, source, intake }, idOf(intake)));
  }

  /**
   * The alert takes as many at once as its decision allows, and its `seen` tells which: the others follow, there or, where
   * that is over, in the next.
   * @returns the alert that the last of them is of now
   */
  async #trigger(group: readonly Triggering[], first: Current, onlyOnce = false): Promise<string> {
    const { key } = group[0]!;
    let rest = group;
    let current = first;
    let classified = current.classified ?? (await this.#classified(rest, current));
    let atOnce = group.length;
    for (;;) {
      const { alertId, seen: seenBefore, flaps, before } = current;
      const [one, ...more] = classified.slice(0, atOnce);
      const { record, intake, classification } = one!;
      const receive = { type: "receive", record, intake, classification, seenBefore };
      const command = more.length === 0 ? receive : { ...receive, more };
      const reply = await this.#asking.ask(alertOf(current), command, idOfAll(rest.slice(0, atOnce)));
      if (reply.ok) {
        const it = reply.state as Known;
        // Nothing was received: they were delivered before, to an alert that is over by now.
        if (it.phase !== "known") return alertId;
        const left = rest.filter(({ intake }) => !wasSeen(it, intake));
        const last = rest[rest.length - left.length - 1]!;
        await this.#incidentFor(alertId, it, last, flaps ? before : undefined);
        if (left.length === 0) return alertId;
        atOnce = MORE_THAN_DONE * (rest.length - left.length);
        rest = left;
        classified = classified.slice(-left.length);
        continue;
      }
      if (reply.code === "alert_over" && onlyOnce) return alertId;
      if (reply.code !== "alert_over") throw new Undoable(`${reply.code}: ${reply.detail}`);
      const seen = reply.data?.["seen"] as Seen;
      rest = rest.filter(({ intake }) => !wasSeen({ seen }, intake));
      current = await this.#claim(key, rest[0]!.record, rest[0]!.intake, { alertId, seen });
      classified = await this.#classified(rest, current);
    }
  }

  /** As their alert is told of them. What says the same as the one before it is not classified again. */
  async #classified(
    group: readonly Triggering[],
    { alertId, flaps, isSecond = false }: Pick<Current, "alertId" | "flaps" | "isSecond">,
  ): Promise<readonly ClassifiedReport[]> {
    let made: ReturnType<Classify>;
    let lastSaid: string | undefined;
    const all = group.map(async ({ record: given, intake }, index) => {
      const opens = isSecond && index === 0;
      const told = opens ? { ...given, id: alertId, incidentId: secondId(given.incidentId, intake) } : given;
      const record = flaps ? labelled(told) : told;
      const said = group.length === 1 ? "" : saidBy(given);
      if (said !== lastSaid) made = this.#classify(record.content, record);
      lastSaid = said;
      return { record, intake, classification: await made };
    });
    return Promise.all(all);
  }

  /** The board may be behind: the alert that it shows then is over, and the claim tells the newer one. */
  #shown(key: Address): Current | undefined {
    const state = this.#board.get(key)?.state as AlertKeyState | undefined;
    if (state?.alertId == null) return;
    const { alertId, seen, before = null } = state;
    return { alertId, seen, before, flaps: isFlapping(state) };
  }

  #isShown(alertId: string): boolean {
    return this.#board.get(alertOf({ alertId })) !== undefined;
  }

  async #key(key: Address, intake: IntakePlace): Promise<AlertKeyState | undefined> {
    const reply = await this.#asking.read(key, idOf(intake));
    return !reply.ok && reply.code === "not_found" ? undefined : (orUndoable(reply).state as AlertKeyState);
  }

  /** A key that nobody has heard of, and its alert with the first report: one commit where it is so. */
  async #open(key: Address, group: readonly Triggering[]): Promise<Current> {
    const { record, intake } = group[0]!;
    const classified = await this.#classified(group, { alertId: record.id, flaps: false });
    const current = await this.#claim(key, record, intake, undefined, classified[0]);
    return current.alertId === record.id && !current.flaps ? { ...current, classified } : current;
  }

  async #claim(
    key: Address,
    record: IntakeRecord,
    intake: IntakePlace,
    over?: Pick<Current, "alertId" | "seen">,
    first?: ClassifiedReport,
  ): Promise<Current> {
    const { agencyId } = record;
    // What stands twice in the intake has the same ids twice: of the second one, once the first one's alert is over, they
    // are no more, whether that is the last alert of the key or one before it.
    const isSecond = over !== undefined && (over.alertId === record.id || this.#isShown(record.id));
    const alertId = isSecond ? secondId(record.id, intake) : record.id;
    const command = { type: "claim", agencyId, alertId, at: intake.at, ...(over && { over }), ...(first && { first }) };
    // After one that is over comes another claim of the same report: a command of its own.
    const commandId = over === undefined ? idOf(intake) : `${idOf(intake)}-${over.alertId}`;
    const state = orUndoable(await this.#asking.ask(key, command, commandId)).state as AlertKeyState;
    return {
      alertId: state.alertId!,
      seen: state.seen,
      flaps: isFlapping(state),
      before: state.before ?? null,
      isSecond: isSecond && state.alertId === alertId,
    };
  }

  /** @param flapping the alert before it, where its key flaps; undefined where it does not */
  async #incidentFor(
    alertId: string,
    it: Known,
    { record, intake }: Pick<Reported, "record" | "intake">,
    flapping: string | null | undefined,
  ): Promise<void> {
    const { agencyId } = record;
    const rule = this.#incidents.rule(agencyId, it);
    if (!makesIncident(it, rule)) return;
    if (flapping != null && rule !== "always" && (await this.#goesOnWith(flapping, alertId, intake))) return;
    const fields = fieldsOf(it);
    const policy = this.#incidents.policy(agencyId, fields.type);
    const command = {
      type: "makeIncident",
      incidentNumber: await this.#incidents.number(agencyId),
      fields,
      reportedById: record.by,
      ...(policy === undefined ? {} : { policy }),
    };
    const made = orUndoable(
      await this.#asking.ask({ kind: "alert", id: alertId }, command, `${idOf(intake)}-incident`),
    );
    const { incidentId, madeIncident } = made.state as Known;
    if (incidentId === null || !madeIncident) return;
    const recommendation = await this.#incidents.recommendation(agencyId, incidentId);
    if (recommendation === undefined) return;
    const incident = { kind: "incident", id: incidentId };
    orUndoable(
      await this.#asking.ask(incident, { type: "recommend", recommendation }, `${idOf(intake)}-recommendation`),
    );
  }

  /** What flaps makes no further incident for as long as people work on the last one: it is told there. */
  async #goesOnWith(before: string, alertId: string, intake: IntakePlace): Promise<boolean> {
    const last = await this.#asking.read(alertOf({ alertId: before }), idOf(intake));
    const incidentId = last.ok ? (last.state as Known).incidentId : null;
    if (incidentId === null) return false;
    const command = { type: "attach", incidentId };
    return (await this.#asking.ask(alertOf({ alertId }), command, `${idOf(intake)}-attached`)).ok;
  }
}

const secondId = (id: string, { sequence }: IntakePlace) => idFrom(`${id} ${sequence}`);

/** Routing may tell of it otherwise: `flapping="true"`. A sender that fills all labels itself is not overruled. */
function labelled(record: TriggerRecord): TriggerRecord {
  const { content } = record;
  if (Object.keys(content.labels).length >= ALERT_LIMITS.labels) return record;
  return { ...record, content: { ...content, labels: { ...content.labels, flapping: "true" } } };
}

interface Triggering extends Reported {
  readonly record: TriggerRecord;
}

/** Its device should be heard of. */
interface Watched extends Reported {
  readonly record: TriggerRecord & { readonly policy: { readonly silentAfterMs: number } };
}

function isWatched(report: Reported): report is Watched {
  const { policy, content } = report.record;
  return policy.silentAfterMs != null && content !== undefined;
}

const alertOf = ({ alertId }: { readonly alertId: string }): Address => ({ kind: "alert", id: alertId });

const idOf = ({ sequence }: IntakePlace) => `alert-${sequence}`;

/** What a report is classified by. */
function saidBy({ agencyId, source, content }: TriggerRecord): string {
  return JSON.stringify([agencyId, source.name, content]);
}

/** They are all of their key and lane from the first to the last: the same two are always the same content. */
function idOfAll(group: readonly Reported[]): string {
  const [first, last] = [group[0]!.intake, group.at(-1)!.intake];
  return first === last ? idOf(first) : `${idOf(first)}-${last.sequence}`;
}

function orUndoable(reply: Reply): Reply & { ok: true } {
  if (!reply.ok) throw new Undoable(`${reply.code}: ${reply.detail}`);
  return reply;
}

function makesIncident(it: Known, rule: "auto" | "always" | "never"): boolean {
  const { incidentFrom } = it.policy;
  if (it.madeIncident || it.incidentId !== null || isOver(it) || it.status === "received") return false;
  if (it.content.nature !== "actual" || it.classification === null) return false;
  // What is over when it comes is kept, and nobody need go there.
  const { expiresAt } = it.content;
  if (expiresAt !== null && Date.parse(expiresAt) <= Date.parse(it.lastSeenAt)) return false;
  if (rule !== "auto") return rule === "always";
  return incidentFrom !== null && atLeast(it.classification.severity, incidentFrom);
}

function fieldsOf({ content, classification, dedupKey, source }: Known): IncidentFields {
  const { category, priority, incidentType } = classification!;
  return {
    type: incidentType,
    category,
    priority,
    title: content.title,
    description: content.description,
    location: content.location,
    address: null,
    parentId: null,
    metadata: { source: source.name, dedupKey, ...(content.deviceId === null ? {} : { deviceId: content.deviceId }) },
  };
}
