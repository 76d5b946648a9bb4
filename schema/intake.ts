import type { IntakeRecord } from "./alert.ts";
import { placeInStream, RECORDS_PER_MESSAGE } from "./packing.ts";

/** A report as it stands in a message of the intake. */
export interface KeptReport {
  /** Rises from report to report, also from those that were a message each and counted by messages: see packing.ts. */
  readonly place: number;
  readonly text: string;
  /** Undefined where the text is no report of Tocsin. */
  readonly record: IntakeRecord | undefined;
}

/** Reports of one subject in one message, in their order. */
export function packReports(texts: readonly string[]): string {
  return texts.join("\n");
}

/** The reports of a message, in order; one at least. More than have a place are none of ours. */
export function reportsIn(message: number, payload: string): readonly KeptReport[] {
  const lines = payload.split("\n");
  const texts = lines.length > RECORDS_PER_MESSAGE ? [payload] : lines;
  return texts.map((text, index) => ({ place: placeInStream(message, index), text, record: recordIn(text) }));
}

function recordIn(text: string): IntakeRecord | undefined {
  try {
    const record = JSON.parse(text) as IntakeRecord;
    const { v, dedupKey, source } = record;
    return v === 1 && typeof dedupKey === "string" && typeof source?.scope === "string" ? record : undefined;
  } catch {
    return;
  }
}
