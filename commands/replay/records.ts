/** What the readers make of a file, whatever its layout. All times are milliseconds since the epoch, UTC. */

/** One unit's part in one call. A time is undefined where the record is silent. */
export interface UnitRun {
  readonly callSign: string;
  readonly capabilities: readonly string[];
  /** The order in which the record names the call's units, from 1. */
  readonly sequence: number;
  readonly dispatchedAtMs: number;
  readonly enRouteAtMs: number | undefined;
  readonly onSceneAtMs: number | undefined;
  readonly transportingAtMs: number | undefined;
  readonly atHospitalAtMs: number | undefined;
  /** Free for the next call. */
  readonly availableAtMs: number | undefined;
  readonly disposition: string | undefined;
}

/** What a row says of the call as a whole. */
export interface CallHead {
  /** Unique in the file. */
  readonly key: string;
  readonly receivedAtMs: number;
  readonly type: string;
  readonly category: string;
  /** 1 (highest) to 5; undefined where the layout has none. */
  readonly priority: number | undefined;
  readonly title: string;
  readonly location: { readonly lat: number; readonly lon: number } | undefined;
  readonly address: Readonly<Record<string, string>>;
  /** The record's own words, so that nothing of the original is lost by the mapping. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface CallRecord extends CallHead {
  readonly runs: readonly UnitRun[];
}

/** Why a row is left out. */
export type BadRowReason =
  | "too_few_columns"
  | "too_many_columns"
  | "broken_quotes"
  | "line_too_long"
  | "missing_id"
  | "missing_type"
  | "missing_time"
  | "unparsable_time"
  | "unparsable_place"
  | "place_out_of_range"
  | "duplicate_row";

/** What was mended in a row that is kept. */
export type Repair =
  /** A step said to be earlier than the one before it: moved to the time of that one. */
  | "time_out_of_order"
  /** A wall-clock time that the change to daylight-saving time skipped: moved on by the hour skipped. */
  | "time_never_was"
  /** A unit without a dispatch time: dispatched when the call was entered, or received. */
  | "dispatch_time_missing";

export type RowRead =
  | {
      readonly ok: true;
      readonly call: CallHead;
      readonly run: UnitRun | undefined;
      readonly repairs: readonly Repair[];
    }
  | { readonly ok: false; readonly reason: BadRowReason; readonly detail: string };

export function badRow(reason: BadRowReason, detail: string): RowRead {
  return { ok: false, reason, detail };
}
