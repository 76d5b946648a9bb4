import { SF_EXPORT_HEADERS, type SfExportRow, sfExportLine } from "../../simulate/sf-export.ts";
import type { CallRecord, UnitRun } from "../records.ts";

/** Made-up records for tests, and files of them. */

const SF_DEFAULTS: Readonly<Record<string, string>> = {
  "Call Number": "990010001",
  "Unit ID": "E91",
  "Incident Number": "99000001",
  "Call Type": "Structure Fire",
  "Received DtTm": "06/03/2024 01:00:00 PM",
  "Entry DtTm": "06/03/2024 01:00:30 PM",
  "Dispatch DtTm": "06/03/2024 01:01:00 PM",
  "Response DtTm": "06/03/2024 01:02:00 PM",
  "On Scene DtTm": "06/03/2024 01:05:00 PM",
  "Call Final Disposition": "Fire",
  "Available DtTm": "06/03/2024 01:30:00 PM",
  Address: "100 Block of MADE UP ST",
  City: "SYNTHETIC",
  Priority: "3",
  "Call Type Group": "Alarm",
  "Unit Type": "ENGINE",
  "ALS Unit": "true",
  "Unit sequence in call dispatch": "1",
  Location: "(37.5, -122.5)",
};

/** One row in the export's layout; what is not given is made up. */
export function sfRow(fields: Readonly<Record<string, string>> = {}): string {
  const row = SF_EXPORT_HEADERS.map((header) => [header, fields[header] ?? SF_DEFAULTS[header] ?? ""]);
  return sfExportLine(Object.fromEntries(row) as SfExportRow);
}

export function sfFile(...rows: readonly string[]): string {
  return `${[SF_EXPORT_HEADERS.join(","), ...rows].join("\n")}\n`;
}

/** A text as a reader gives it: in pieces that end anywhere. */
export async function* pieces(text: string, length = 97): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += length) yield text.slice(at, at + length);
}

export function unitRun(run: Partial<UnitRun> & Pick<UnitRun, "callSign" | "dispatchedAtMs">): UnitRun {
  return {
    capabilities: [],
    sequence: 1,
    enRouteAtMs: undefined,
    onSceneAtMs: undefined,
    transportingAtMs: undefined,
    atHospitalAtMs: undefined,
    availableAtMs: undefined,
    disposition: undefined,
    ...run,
  };
}

export function callRecord(call: Partial<CallRecord> & Pick<CallRecord, "key" | "receivedAtMs">): CallRecord {
  return {
    type: "structure_fire",
    category: "fire",
    priority: 2,
    title: "Structure Fire at 100 Block of MADE UP ST",
    location: undefined,
    address: {},
    metadata: {},
    runs: [],
    ...call,
  };
}
