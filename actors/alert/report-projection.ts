import type { Row, Table } from "../../runtime/projection.ts";
import type { IntakeRecord, Lane } from "../../schema/alert.ts";

/** Every report to the alert engine as it came, whether anything followed from it or not. */
export const alertReports: Table = {
  name: "alert_reports",
  columns: {
    sequence: "plain",
    lane: "plain",
    agency_id: "plain",
    at: "plain",
    source_scope: "plain",
    source: "plain",
    sent_by: "plain",
    request_id: "plain",
    action: "plain",
    nature: "plain",
    dedup_key: "plain",
    alert_id: "plain",
    type: "plain",
    severity: "plain",
    title: "plain",
    content: "json",
    raw: "plain",
  },
};

/** @param at when the intake took it */
export function alertReportRow(record: IntakeRecord, lane: Lane, sequence: number, at: string): Row {
  const { content } = record;
  return {
    sequence,
    lane,
    agency_id: record.agencyId,
    at,
    source_scope: record.source.scope,
    source: record.source.name,
    sent_by: record.by,
    request_id: record.requestId,
    action: record.action,
    nature: record.nature,
    dedup_key: record.dedupKey,
    alert_id: record.id,
    type: content?.type ?? null,
    severity: content?.severity ?? null,
    title: content?.title ?? null,
    content: content ?? null,
    raw: record.raw ?? null,
  };
}
