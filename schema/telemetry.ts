import { placeInStream } from "./packing.ts";
import type { Address } from "./subjects.ts";

/** What was measured of an actor at one moment, as JSON. */
export interface TelemetryRecord {
  readonly of: Address & { readonly agency: string };
  readonly payload: string;
}

export interface KeptRecord extends TelemetryRecord {
  /** Rises from record to record of the stream. */
  readonly sequence: number;
}

/** Many records are one message, all of the same agency: a line each, `<kind>.<id> <JSON>`. JSON has no line breaks of its own. */
export function packRecords(records: readonly TelemetryRecord[]): string {
  let packed = "";
  for (const { of, payload } of records) packed += `${packed === "" ? "" : "\n"}${of.kind}.${of.id} ${payload}`;
  return packed;
}

/** The records of a message, in order. What is none of ours is left out. */
export function* unpackRecords(subject: string, packed: string, message: number): Generator<KeptRecord> {
  const agency = subject.slice(subject.indexOf(".") + 1);
  let index = 0;
  for (let from = 0; from < packed.length; index++) {
    const lineEnd = packed.indexOf("\n", from);
    const end = lineEnd < 0 ? packed.length : lineEnd;
    const dot = packed.indexOf(".", from);
    const blank = packed.indexOf(" ", dot);
    if (dot > 0 && blank > 0 && blank < end) {
      const of = { agency, kind: packed.slice(from, dot), id: packed.slice(dot + 1, blank) };
      yield { of, payload: packed.slice(blank + 1, end), sequence: placeInStream(message, index) };
    }
    from = end + 1;
  }
}
