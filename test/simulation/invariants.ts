import type { ChannelState } from "../../actors/channel/state.ts";
import { concernIn, concernsOver } from "../../actors/incident/concerns.ts";
import type { IncidentState } from "../../actors/incident/state.ts";
import { derivedStatus } from "../../actors/incident/state.ts";
import type { PageState } from "../../actors/page/state.ts";
import { registry } from "../../actors/registry.ts";
import type { ResourceState } from "../../actors/resource/state.ts";
import { assignmentPage, concernPage } from "../../bridges/push/reactions.ts";
import type { Cause } from "../../runtime/actor.ts";
import { applyEntry, blankImage, type Image } from "../../runtime/image.ts";
import type { JournalEntry } from "../../runtime/ports/index.ts";
import { parseEnvelope } from "../../schema/envelope.ts";
import type { IncidentEvent } from "../../schema/incident.ts";
import type { PageEvent } from "../../schema/push.ts";
import { addressOfEvents } from "../../schema/subjects.ts";

/** A command whose sender was told that it is done. */
export interface Acknowledged {
  readonly commandId: string;
  readonly kind: string;
  readonly id: string;
  readonly version: number;
}

class Violation extends Error {
  override name = "Violation";
}

/**
 * What must hold of any journal, whatever happened while it was written.
 * @throws Violation naming the first thing that does not
 */
export function checkJournal(
  entries: readonly JournalEntry[],
  acknowledged: readonly Acknowledged[],
  agreement: "after every commit" | "at the end" = "after every commit",
): void {
  const images = new Map<string, Image>();
  const done = new Map<string, { count: number; version: number }>();
  const agreed = new Agreement(images);
  entries.forEach((entry, index) => {
    const address = addressOfEvents(entry.subject)!;
    const key = `${address.kind}.${address.id}`;
    const definition = registry.get(address.kind)!;
    const envelope = parseEnvelope(entry.payload);
    // Versions without a gap, an unbroken hash chain, and only events that can have happened: `applyEntry` asserts them.
    const image = images.get(key) ?? blankImage(definition);
    images.set(key, applyEntry(definition, image, entry));
    agreed.changes(key, image);
    const command = `${key} ${envelope.commandId}`;
    const before = done.get(command);
    if (before !== undefined)
      throw new Violation(`command ${command} was done twice, at versions ${before.version} and ${envelope.version}`);
    done.set(command, { count: 1, version: envelope.version });
    const next = entries[index + 1];
    const sameCommit = next !== undefined && parseEnvelope(next.payload).commandId === envelope.commandId;
    if (!sameCommit && (agreement === "after every commit" || next === undefined)) agreed.check(entry.sequence);
  });
  for (const { commandId, kind, id, version } of acknowledged) {
    const found = done.get(`${kind}.${id} ${commandId}`);
    // A command that changed nothing is acknowledged with the version it found, and leaves no entry.
    if (found === undefined && !(version <= (images.get(`${kind}.${id}`)?.version ?? 0))) {
      throw new Violation(`command ${commandId} was acknowledged at ${kind}.${id} version ${version} and is lost`);
    }
  }
}

/**
 * Between any two commits: units and incidents tell the same story. Whom an actor speaks of speaks of it: so of what agreed
 * before, only what has changed since can disagree, and whom that speaks of or spoke of then.
 */
class Agreement {
  readonly #images: ReadonlyMap<string, Image>;
  /** Who works on which incident, as the incidents had it when they were last looked at. */
  readonly #holders = new Map<string, string>();
  /** What has changed since, as it was then. */
  readonly #before = new Map<string, Image>();

  constructor(images: ReadonlyMap<string, Image>) {
    this.#images = images;
  }

  /** To be told of every change. */
  changes(key: string, before: Image): void {
    if (!this.#before.has(key)) this.#before.set(key, before);
  }

  /** @throws Violation */
  check(sequence: number): void {
    const concerned = new Set(this.#before.keys());
    for (const [key, before] of this.#before) {
      for (const image of [before, this.#images.get(key)!])
        for (const one of spokenOfBy(key, image)) concerned.add(one);
      for (const unitId of workingOn(key, before)) this.#holders.delete(unitId);
    }
    for (const key of this.#before.keys()) {
      for (const unitId of workingOn(key, this.#images.get(key)!)) {
        const other = this.#holders.get(unitId);
        if (other !== undefined) throw new Violation(`at ${sequence}, ${unitId} is on ${key} and on ${other}`);
        this.#holders.set(unitId, key);
      }
    }
    this.#before.clear();
    for (const key of concerned) {
      const it = this.#images.get(key)?.state as IncidentState | ResourceState | undefined;
      if (it === undefined || it.phase === "unknown") continue;
      if (key.startsWith("incident.")) this.#checkIncident(key, it as KnownIncident, sequence);
      else if (key.startsWith("resource.")) this.#checkResource(key, it as KnownResource, sequence);
    }
  }

  #checkIncident(key: string, it: KnownIncident, sequence: number): void {
    checkRelations(this.#images, key, it, sequence);
    const working = it.assignments.filter(({ status }) => status !== "cleared");
    const over = ["resolved", "closed", "cancelled"].includes(it.status);
    if (over && working.length > 0)
      throw new Violation(`at ${sequence}, ${key} is ${it.status} and holds ${working[0]!.unitId}`);
    if (!over && derivedStatus(it, []) !== it.status)
      throw new Violation(`at ${sequence}, ${key} is ${it.status}, its units say ${derivedStatus(it, [])}`);
  }

  #checkResource(key: string, it: KnownResource, sequence: number): void {
    checkCompany(this.#images, key, it, sequence);
    const holder = this.#holders.get(key.slice("resource.".length));
    const says = it.incidentId === null ? undefined : `incident.${it.incidentId}`;
    if (holder !== says)
      throw new Violation(`at ${sequence}, ${key} says it is held by ${says}, the incidents say ${holder}`);
  }
}

type KnownIncident = Extract<IncidentState, { phase: "known" }>;
type KnownResource = Extract<ResourceState, { phase: "known" }>;

/** Units that an incident holds. */
function workingOn(key: string, { state }: Image): readonly string[] {
  const it = state as IncidentState;
  if (!key.startsWith("incident.") || it.phase === "unknown") return [];
  return it.assignments.filter(({ status }) => status !== "cleared").map(({ unitId }) => unitId);
}

/** Keys of those whose story is checked against this one's. */
function spokenOfBy(key: string, image: Image): readonly string[] {
  const { state } = image as { state: IncidentState | ResourceState };
  if (state.phase === "unknown") return [];
  if (key.startsWith("incident.")) {
    const { links, duplicates, mergedIntoId } = state as KnownIncident;
    const incidents = [...links, ...duplicates, ...(mergedIntoId === null ? [] : [mergedIntoId])];
    return [...incidents.map((id) => `incident.${id}`), ...workingOn(key, image).map((unitId) => `resource.${unitId}`)];
  }
  if (!key.startsWith("resource.")) return [];
  const { carrier, aboard } = state as KnownResource;
  return [...(carrier === null ? [] : [carrier]), ...aboard].map(({ id }) => `resource.${id}`);
}

/** Carrier and member tell the same story, and what is with a carrier is held by no incident of its own. */
function checkCompany(images: ReadonlyMap<string, Image>, key: string, it: KnownResource, sequence: number): void {
  const other = (id: string) => {
    const state = images.get(`resource.${id}`)?.state as ResourceState | undefined;
    return state?.phase === "known" ? state : undefined;
  };
  const id = key.slice("resource.".length);
  if (it.carrier !== null && other(it.carrier.id)?.aboard.some((member) => member.id === id) !== true)
    throw new Violation(`at ${sequence}, ${key} says it is with ${it.carrier.id}, which does not carry it`);
  if (it.carrier !== null && it.incidentId !== null)
    throw new Violation(`at ${sequence}, ${key} is with ${it.carrier.id} and held by ${it.incidentId}`);
  for (const member of it.aboard)
    if (other(member.id)?.carrier?.id !== id)
      throw new Violation(`at ${sequence}, ${key} carries ${member.id}, which says it is with somebody else`);
}

/** Once everything has settled: every incident has its channel, with those who work on it and those who sent them. */
export function checkChannels(entries: readonly JournalEntry[]): void {
  const images = new Map<string, Image>();
  const dispatched = new Map<string, Set<string>>();
  for (const entry of entries) {
    const { kind, id } = addressOfEvents(entry.subject)!;
    const key = `${kind}.${id}`;
    const definition = registry.get(kind)!;
    images.set(key, applyEntry(definition, images.get(key) ?? blankImage(definition), entry));
    const { by, events } = parseEnvelope(entry.payload);
    if (kind === "incident" && events.some(({ type }) => type === "incident.created" || type === "incident.assigned"))
      dispatched.set(id, (dispatched.get(id) ?? new Set()).add(by));
  }
  for (const [key, { state }] of images) {
    const incident = state as IncidentState;
    if (!key.startsWith("incident.") || incident.phase === "unknown") continue;
    const id = key.slice("incident.".length);
    const channel = images.get(`channel.${id}`)?.state as ChannelState | undefined;
    if (channel?.phase !== "known") throw new Violation(`${key} has no channel`);
    const working = incident.assignments.filter(({ status }) => status !== "cleared").map(({ unitId }) => unitId);
    const joined = channel.units.map(({ unitId }) => unitId);
    if (working.sort().join() !== joined.sort().join())
      throw new Violation(`${working} work on ${key}, ${joined} are in its channel`);
    const members = new Set(channel.members.map(({ subject }) => subject));
    for (const subject of dispatched.get(id) ?? [])
      if (!members.has(subject)) throw new Violation(`${subject} took part in ${key} and is not in its channel`);
    const over = incident.status === "closed" || incident.status === "cancelled";
    if (over !== (channel.closedAt !== null))
      throw new Violation(`${key} is ${incident.status}, its channel is not so`);
  }
  for (const key of images.keys()) {
    if (key.startsWith("channel.") && !images.has(key.replace("channel.", "incident.")))
      throw new Violation(`${key} is of no incident`);
  }
}

/** Once everything has settled: whoever has to be called is called once for each cause, and for none that is over. */
export function checkCalls(entries: readonly JournalEntry[]): void {
  const images = new Map<string, Image>();
  const due = new Map<string, number[]>();
  const opened = new Map<string, number[]>();
  const note = (of: Map<string, number[]>, pageId: string, cause: number) =>
    of.set(pageId, [...(of.get(pageId) ?? []), cause]);
  for (const entry of entries) {
    const { kind, id } = addressOfEvents(entry.subject)!;
    const definition = registry.get(kind)!;
    images.set(`${kind}.${id}`, applyEntry(definition, images.get(`${kind}.${id}`) ?? blankImage(definition), entry));
    const { version, events }: Cause = parseEnvelope(entry.payload);
    if (kind === "page")
      for (const event of events as readonly PageEvent[])
        if (event.type === "page.opened") note(opened, id, event.cause);
    if (kind !== "incident") continue;
    for (const event of events as readonly IncidentEvent[]) {
      const raised = concernIn(event);
      if (raised !== undefined) note(due, concernPage(id, raised.concern), version);
      if (event.type === "incident.assigned") note(due, assignmentPage(id, event.unitId), version);
    }
  }
  for (const pageId of new Set([...due.keys(), ...opened.keys()])) {
    const [wanted, called] = [due.get(pageId), opened.get(pageId)];
    if (wanted?.join() !== called?.join())
      throw new Violation(`page ${pageId} follows from versions ${wanted}, and was opened for ${called}`);
  }
  for (const [key, { state }] of images) {
    const incident = state as IncidentState;
    if (!key.startsWith("incident.") || incident.phase === "unknown") continue;
    for (const concern of concernsOver(incident)) {
      const page = images.get(`page.${concernPage(key.slice("incident.".length), concern)}`)?.state as PageState;
      if (page?.phase === "known" && page.closedAt === null)
        throw new Violation(`${key} is ${incident.status}, and somebody is called as it is ${concern}`);
    }
  }
}

/** Links are on both sides, and a duplicate is known to the incident that it points to. */
function checkRelations(images: ReadonlyMap<string, Image>, key: string, it: KnownIncident, sequence: number): void {
  const id = key.slice("incident.".length);
  const other = (otherId: string) => {
    const state = images.get(`incident.${otherId}`)?.state as IncidentState | undefined;
    return state?.phase === "known" ? state : undefined;
  };
  for (const linked of it.links)
    if (other(linked)?.links.includes(id) !== true)
      throw new Violation(`at ${sequence}, ${key} is linked with ${linked}, which does not know`);
  if (it.mergedIntoId === null) return;
  if (it.status !== "closed") throw new Violation(`at ${sequence}, ${key} is a duplicate and ${it.status}`);
  if (other(it.mergedIntoId)?.duplicates.includes(id) !== true)
    throw new Violation(`at ${sequence}, ${key} is a duplicate of ${it.mergedIntoId}, which does not know`);
}
