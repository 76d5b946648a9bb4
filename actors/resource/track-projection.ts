import type { Row, Table, TelemetryProjection } from "../../runtime/projection.ts";
import type { PositionRecord } from "./positions.ts";

/** A fix as it is kept for good. */
export interface FixRow extends Row {
  readonly resource_id: string;
  readonly agency_id: string;
  readonly at: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly speed_mps: number | null;
  readonly heading_degrees: number | null;
  readonly accuracy_metres: number | null;
  readonly refused: string | null;
  readonly sequence: number;
  readonly ordinal: number;
}

export const trackColumns: Table<FixRow>["columns"] = {
  resource_id: "plain",
  agency_id: "plain",
  at: "plain",
  latitude: "plain",
  longitude: "plain",
  speed_mps: "real",
  heading_degrees: "real",
  accuracy_metres: "real",
  refused: "plain",
  sequence: "plain",
  ordinal: "plain",
};

/** Every fix is a row, also those that moved nobody. */
export const trackProjection: TelemetryProjection<FixRow> = {
  kind: "resource",
  rows: (id, agency, record, sequence) =>
    (record as PositionRecord).fixes.map((fix, ordinal) => ({
      resource_id: id,
      agency_id: agency,
      at: fix.at,
      latitude: fix.lat,
      longitude: fix.lon,
      speed_mps: fix.speedMps ?? null,
      heading_degrees: fix.headingDegrees ?? null,
      accuracy_metres: fix.accuracyMetres ?? null,
      refused: fix.refused ?? null,
      sequence,
      ordinal,
    })),
};
