import { type AnyActor, evolve, type Registry } from "../../runtime/actor.ts";
import type { ActorProjection, Projections, Row, Table } from "../../runtime/projection.ts";
import type { StreamEntry } from "../../runtime/stream-source.ts";
import type { Envelope } from "../../schema/envelope.ts";
import { addressOfEvents, stateKey } from "../../schema/subjects.ts";

/** What is known of an actor: what the next of its events is folded into. */
export interface Known {
  readonly version: number;
  readonly state: unknown;
}

export interface Read {
  readonly entry: StreamEntry;
  readonly envelope: Envelope;
}

export interface Problem {
  readonly entry: StreamEntry;
  readonly problem: string;
}

export const auditLog: Table = {
  name: "audit_log",
  columns: {
    sequence: "plain",
    agency_id: "plain",
    kind: "plain",
    entity_id: "plain",
    version: "plain",
    command_id: "plain",
    at: "plain",
    principal: "plain",
    cause: "plain",
    event_types: "list",
    envelope: "plain",
  },
};

/** What a batch of envelopes means to the tables. */
export interface Folded {
  /** Rows to add, and rows to add or replace: tables in the order in which they are to be written. */
  readonly added: ReadonlyMap<Table, readonly Row[]>;
  readonly merged: ReadonlyMap<Table, readonly Row[]>;
  readonly problems: readonly Problem[];
}

/** Reads entries of the journal as envelopes; what is none is a problem of its own. */
export function readEnvelopes(entries: readonly StreamEntry[]): { reads: Read[]; problems: Problem[] } {
  const reads: Read[] = [];
  const problems: Problem[] = [];
  for (const entry of entries) {
    try {
      // It was validated when it was written; what of it matters here is looked at by the fold.
      const envelope = JSON.parse(entry.payload) as Envelope;
      const address = addressOfEvents(entry.subject);
      if (address?.id !== envelope.id || address.kind !== envelope.kind || !Array.isArray(envelope.events)) {
        throw new Error("it is no envelope of the actor that its subject names");
      }
      reads.push({ entry, envelope });
    } catch (error) {
      problems.push({ entry, problem: textOf(error) });
    }
  }
  return { reads, problems };
}

/** By state key; brought up to date by folding. */
interface Actors {
  get(key: string): Known | undefined;
  set(key: string, value: Known): unknown;
}

/** A batch of envelopes, folded into what is known of their actors piece by piece; in the end it tells the rows that come of it. */
export class Fold {
  readonly #registry: Registry;
  readonly #projections: Projections;
  readonly #known: Actors;
  readonly #audit: Row[] = [];
  readonly #added = new Map<Table, Row[]>([[auditLog, this.#audit]]);
  readonly #actors = new Map<string, { entry: StreamEntry; id: string; projection: ActorProjection; now: Known }>();
  readonly #problems: Problem[] = [];

  constructor(registry: Registry, projections: Projections, known: Actors) {
    this.#registry = registry;
    this.#projections = projections;
    this.#known = known;
  }

  take(reads: readonly Read[]): void {
    for (const { entry, envelope } of reads) {
      this.#audit.push(auditRow(entry, envelope));
      const definition = this.#registry.get(envelope.kind);
      const projection = this.#projections.get(envelope.kind);
      if (definition === undefined || projection === undefined) continue;
      const key = stateKey(envelope);
      try {
        const before = this.#known.get(key) ?? { version: 0, state: definition.initial };
        // An actor that left the journal has left its last envelope there: that is nothing new.
        if (envelope.version <= before.version) continue;
        const now = after(definition, before, envelope);
        const { traces } = projection;
        if (traces !== undefined) {
          const rows = traces.rows(envelope, now.state, entry.sequence);
          if (rows.length > 0) listIn(this.#added, traces.table).push(...rows);
        }
        this.#known.set(key, now);
        // One that does not exist has no row: its envelope had nothing in it.
        if (definition.agencyOf(now.state) !== undefined)
          this.#actors.set(key, { entry, id: envelope.id, projection, now });
      } catch (error) {
        this.#problems.push({ entry, problem: textOf(error) });
      }
    }
  }

  end(): Folded {
    const merged = new Map<Table, Row[]>();
    const parts = new Map<Table, Row[]>();
    for (const { entry, id, projection, now } of this.#actors.values()) {
      try {
        const row = projection.row(id, now.state, now.version, entry.sequence);
        const partRows = projection.parts?.rows(id, now.state) ?? [];
        listIn(merged, projection.table).push(row);
        if (projection.parts !== undefined) listIn(parts, projection.parts.table).push(...partRows);
      } catch (error) {
        this.#problems.push({ entry, problem: textOf(error) });
      }
    }
    // What is a part of something comes after it.
    for (const [table, rows] of parts) merged.set(table, rows);
    return { added: this.#added, merged, problems: this.#problems };
  }
}

function after(definition: AnyActor, before: Known, envelope: Envelope): Known {
  if (envelope.version !== before.version + 1) {
    throw new Error(`version ${envelope.version} cannot follow ${before.version}`);
  }
  // Where in the journal an actor was before matters to what is read from there, which no archived state is.
  const context = { ...envelope, previous: 0 };
  return { version: envelope.version, state: evolve(definition, before.state, envelope.events, context) };
}

function auditRow({ sequence, payload }: StreamEntry, envelope: Envelope): Row {
  return {
    sequence,
    agency_id: envelope.agency,
    kind: envelope.kind,
    entity_id: envelope.id,
    version: envelope.version,
    command_id: envelope.commandId,
    at: envelope.at,
    principal: envelope.by,
    cause: envelope.cause ?? null,
    event_types: envelope.events.map(({ type }) => type),
    envelope: payload,
  };
}

function listIn(rows: Map<Table, Row[]>, table: Table): Row[] {
  let list = rows.get(table);
  if (list === undefined) {
    list = [];
    rows.set(table, list);
  }
  return list;
}

export function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 1_000);
}
