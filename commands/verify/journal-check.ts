import type { IncidentState } from "../../actors/incident/state.ts";
import type { ResourceState } from "../../actors/resource/state.ts";
import { type AnyActor, evolve, type Registry } from "../../runtime/actor.ts";
import { chainHash } from "../../runtime/chain.ts";
import { advance, blankImage, type Image, readSnapshot } from "../../runtime/image.ts";
import type { JournalEntry } from "../../runtime/ports/index.ts";
import { findRecent } from "../../runtime/recent-commands.ts";
import { type Envelope, parseEnvelope } from "../../schema/envelope.ts";
import { type Address, addressOfEvents, stateKey } from "../../schema/subjects.ts";
import { Agreement } from "./agreement.ts";
import { type Problem, Problems } from "./problems.ts";

export interface CheckResult {
  readonly envelopes: number;
  /** How many of them have left the journal. */
  readonly archived: number;
  readonly events: number;
  /** How many actors of each kind. */
  readonly actors: Readonly<Record<string, number>>;
  readonly problems: readonly Problem[];
}

interface Commit {
  readonly commandId: string;
  readonly sequence: number;
}

/**
 * Goes through a journal from its first entry on, one at a time. One wrong envelope is one problem: what comes after is
 * held against what is there, not against what should have been.
 */
export class JournalCheck {
  readonly #registry: Registry;
  readonly #problems = new Problems();
  readonly #agreement = new Agreement();
  readonly #images = new Map<string, Image>();
  readonly #unfoldable = new Set<string>();
  readonly #numbers = new Set<string>();
  /** Actors with entries from the archive, that have not departed after them; each with the first of those. */
  readonly #elsewhere = new Map<string, Address & { readonly sequence: number }>();
  #archived = 0;
  #position = 0;
  #envelopes = 0;
  #events = 0;
  #commit: Commit | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Sequence of the last entry that was looked at. */
  get position(): number {
    return this.#position;
  }

  /** @param from where it was found: what has left the journal is in the archive, and its actor must have departed since */
  entry(entry: JournalEntry, from: "journal" | "archive" = "journal"): void {
    const { sequence, subject } = entry;
    if (sequence !== this.#position + 1) this.missing(sequence);
    this.#position = sequence;
    this.#envelopes += 1;
    const address = addressOfEvents(subject);
    const definition = address && this.#registry.get(address.kind);
    if (address === undefined || definition === undefined) {
      this.#problems.add("misplaced", sequence, subject, "no actor of this version has this subject");
      return;
    }
    if (from === "archive") {
      this.#archived += 1;
      if (!this.#elsewhere.has(stateKey(address))) this.#elsewhere.set(stateKey(address), { ...address, sequence });
    }
    const envelope = this.#read(entry, address, definition);
    if (envelope === undefined) return;
    this.#depart(address, definition, envelope);
    if (this.#commit !== undefined && this.#commit.commandId !== envelope.commandId) this.#settle(this.#commit);
    this.#commit = { commandId: envelope.commandId, sequence };
    this.#place(entry, address, envelope);
    this.#apply(entry, address, definition, envelope);
  }

  /** Actors with entries that the journal does not have, though their departure has not been seen. */
  get unaccounted(): readonly Address[] {
    return [...this.#elsewhere.values()];
  }

  /** An entry after what was read of the journal. */
  later(entry: JournalEntry): void {
    const address = addressOfEvents(entry.subject);
    const definition = address && this.#registry.get(address.kind);
    if (address === undefined || definition === undefined) return;
    try {
      this.#depart(address, definition, parseEnvelope(entry.payload));
    } catch {
      // Not read yet: not this reading's problem.
    }
  }

  #depart(address: Address, { departure }: AnyActor, { events }: Envelope): void {
    if (events.some(({ type }) => type === departure?.event)) this.#elsewhere.delete(stateKey(address));
  }

  /** Nothing stands between the position and this sequence, though something should. */
  missing(sequence: number): void {
    this.#problems.add("missing", this.#position + 1, "", `nothing between ${this.#position} and ${sequence}`);
  }

  /** False while the last commit, as far as it has been seen, leaves actors at odds. */
  get agrees(): boolean {
    return this.#agreement.settled;
  }

  /**
   * A snapshot is what the actor was at one of its versions.
   * @param last sequence of the newest entry of all, asked after the snapshot was read
   * @returns false when the snapshot is newer than that, which is a problem only where `last` is given
   */
  snapshot(key: string, text: string, last?: number): boolean {
    const snapshot = readSnapshot(text);
    // Of another layout: ignored by the node as well.
    if (snapshot === undefined) return true;
    const { version, sequence, hash } = snapshot;
    const known = this.#images.get(key);
    const problem = (detail: string) => this.#problems.add("snapshot", sequence, key, detail);
    if (sequence > (last ?? this.#position)) {
      if (last !== undefined) problem(`it tells of sequence ${sequence}, the journal ends at ${last}`);
      return false;
    }
    // In the journal by now, but after what was read of it.
    if (sequence > this.#position) return true;
    if (known === undefined || known.version < version) problem(`version ${version} is not in the journal`);
    else if (known.version === version && known.hash !== hash) problem(`its version ${version} is another one`);
    return true;
  }

  /** True when this entry is a part of the last commit that was seen. */
  continues({ payload }: JournalEntry): boolean {
    try {
      return parseEnvelope(payload).commandId === this.#commit?.commandId;
    } catch {
      return false;
    }
  }

  end(): CheckResult {
    if (this.#commit !== undefined) this.#settle(this.#commit);
    for (const [key, { sequence }] of this.#elsewhere)
      this.#problems.add("missing", sequence, key, "the archive has it; the actor has not departed");
    const actors: Record<string, number> = {};
    for (const key of this.#images.keys()) {
      const kind = key.slice(0, key.indexOf("."));
      actors[kind] = (actors[kind] ?? 0) + 1;
    }
    return {
      envelopes: this.#envelopes,
      archived: this.#archived,
      events: this.#events,
      actors,
      problems: this.#problems.all,
    };
  }

  #read({ sequence, payload }: JournalEntry, address: Address, definition: AnyActor): Envelope | undefined {
    const key = stateKey(address);
    try {
      return parseEnvelope(payload);
    } catch (error) {
      this.#problems.add("unreadable", sequence, key, messageOf(error));
      this.#lose(address);
      // It stands in the chain all the same.
      const image = this.#images.get(key) ?? blankImage(definition);
      this.#images.set(key, { ...image, version: image.version + 1, sequence, hash: chainHash(payload) });
      return;
    }
  }

  #place({ sequence, subject }: JournalEntry, address: Address, { agency, kind, id }: Envelope): void {
    const says = `evt.${agency}.${kind}.${id}`;
    if (says !== subject) this.#problems.add("misplaced", sequence, stateKey(address), `it says ${says}`);
  }

  #apply({ sequence, payload }: JournalEntry, address: Address, definition: AnyActor, envelope: Envelope): void {
    const key = stateKey(address);
    const image = this.#images.get(key) ?? blankImage(definition);
    const problem = (kind: Problem["kind"], detail: string) => this.#problems.add(kind, sequence, key, detail);
    if (envelope.version !== image.version + 1) problem("version", `${envelope.version} follows ${image.version}`);
    if (envelope.prev !== image.hash) problem("chain", "`prev` is another envelope's hash");
    if (findRecent(image.recent, envelope.commandId) !== undefined)
      problem("repeated", `command ${envelope.commandId}, again at version ${envelope.version}`);
    this.#count(envelope, problem);
    let { state } = image;
    if (!this.#unfoldable.has(key)) {
      try {
        state = evolve(definition, state, envelope.events, { ...envelope, previous: image.sequence });
        this.#tell(address, state);
      } catch (error) {
        problem("fold", messageOf(error));
        this.#lose(address);
      }
    }
    this.#images.set(key, advance(image, envelope, state, sequence, chainHash(payload)));
  }

  #count({ events }: Envelope, problem: (kind: Problem["kind"], detail: string) => void): void {
    this.#events += events.length;
    for (const event of events) {
      if (event.type !== "incident.created") continue;
      const { incidentNumber } = event as unknown as { incidentNumber: string };
      if (this.#numbers.has(incidentNumber)) problem("number", `${incidentNumber} is another incident's already`);
      this.#numbers.add(incidentNumber);
    }
  }

  #tell({ kind, id }: Address, state: unknown): void {
    if (kind === "incident") this.#agreement.incident(id, state as IncidentState);
    else if (kind === "resource") this.#agreement.resource(id, state as ResourceState);
  }

  /** From here on the actor's state cannot be known: no more is asked of it than its versions and its chain. */
  #lose(address: Address): void {
    this.#unfoldable.add(stateKey(address));
    this.#agreement.lost(address.id);
  }

  #settle({ sequence }: Commit): void {
    for (const { resourceId, detail } of this.#agreement.settle())
      this.#problems.add("agreement", sequence, `resource.${resourceId}`, detail);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
