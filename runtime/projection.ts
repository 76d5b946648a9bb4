/**
 * The contract between what an actor means (actors/) and where its past is kept as tables (bridges/postgres). Projections are
 * pure: an envelope and the state that it led to go in, rows come out.
 */
import type { Envelope } from "../schema/envelope.ts";

/** How a column's value is written: as it is (text, numbers, truth, times), in single precision, as JSON, or as a list of texts. */
export type ColumnKind = "plain" | "real" | "json" | "list";

export type Row = Readonly<Record<string, unknown>>;

/** A table, as far as writing into it goes; its definition in SQL is among the migrations. */
export interface Table<R extends Row = Row> {
  readonly name: string;
  readonly columns: { readonly [C in keyof R]-?: ColumnKind };
  /** A row of the same key is replaced; without a key rows are only ever added. */
  readonly key?: readonly (keyof R & string)[];
}

/** What an actor's envelope leaves in the archive's tables, beside the audit log, which every envelope goes to. */
export interface ActorProjection<State = unknown> {
  /** Holds one row an actor, with columns `id`, `version` and `state` (as JSON): what the next event is folded into. */
  readonly table: Table;
  /** The actor's row, as it now is. */
  readonly row: (id: string, state: State, version: number, sequence: number) => Row;
  /** Rows of an actor's parts as they now are: replaced by key, never taken away. */
  readonly parts?: { readonly table: Table; readonly rows: (id: string, state: State) => readonly Row[] };
  /** Rows that this envelope adds for good. */
  readonly traces?: {
    readonly table: Table;
    readonly rows: (envelope: Envelope, state: State, sequence: number) => readonly Row[];
  };
}

/** What a record of an actor's telemetry leaves: rows that are found by their time, which its sender says. */
export interface TelemetryProjection<R extends Row & { readonly at: string } = Row & { readonly at: string }> {
  readonly kind: string;
  readonly rows: (id: string, agency: string, record: unknown, sequence: number) => readonly R[];
}

// biome-ignore lint/suspicious/noExplicitAny: as the registry of actors
export type AnyProjection = ActorProjection<any>;

/** By the actor's kind. A kind without one is in the audit log alone. */
export type Projections = ReadonlyMap<string, AnyProjection>;
