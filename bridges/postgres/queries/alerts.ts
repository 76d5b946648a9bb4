import type { AlertReportsQuery, ArchivedQuery } from "../../../runtime/archive.ts";
import type { AlertFilters } from "../../../schema/alert.ts";
import { Conditions, literalPattern, utc } from "./conditions.ts";

/** The same filters as the list in memory has: `alertView.matches`. */
export function alertsQuery(query: ArchivedQuery): { text: string; values: unknown[] } {
  const { agencies, words, before, limit } = query;
  const filters = query.filters as Partial<AlertFilters>;
  const conditions = new Conditions();
  const value = (one: unknown) => conditions.value(one);
  conditions.add(`agency_id = any(${value(agencies)}::text[])`);
  if (before !== undefined) conditions.add(`id < ${value(before)}::uuid`);
  for (const word of words) conditions.add(`search like ${value(`%${literalPattern(word)}%`)}`);
  for (const [column, wanted] of [
    ["status", filters.status],
    ["severity", filters.severity],
    ["nature", filters.nature],
    ["type", filters.type],
    ["category", filters.category],
  ] as const) {
    if (wanted !== undefined) conditions.add(`${column} = any(${value(wanted)}::text[])`);
  }
  for (const [column, wanted] of [
    ["source", filters.source],
    ["device_id", filters.deviceId],
    ["dedup_key", filters.dedupKey],
    ["agency_id", filters.agencyId],
  ] as const) {
    if (wanted !== undefined) conditions.add(`${column} = ${value(wanted)}`);
  }
  if (filters.incidentId !== undefined) conditions.add(`incident_id = ${value(filters.incidentId)}::uuid`);
  const { createdAfter, createdBefore } = filters;
  if (createdAfter !== undefined) conditions.add(`created_at > ${value(utc(createdAfter))}::timestamptz`);
  if (createdBefore !== undefined) conditions.add(`created_at < ${value(utc(createdBefore))}::timestamptz`);
  const text = `select id::text, version, state from alerts where ${conditions.where} order by id desc limit ${value(limit)}`;
  return { text, values: conditions.values };
}

/** What was reported of an alert, as it came, oldest first. */
export function alertReportsQuery({ alertId, after, limit }: AlertReportsQuery): { text: string; values: unknown[] } {
  return {
    text: `select sequence::double precision, at, lane, action, source, sent_by, request_id, dedup_key, content, raw
      from alert_reports
      where sequence > $2 and agency_id = (select agency_id from alerts where id = $1::uuid)
        and sequence in (select report from alert_log where alert_id = $1::uuid)
      order by sequence limit $3`,
    values: [alertId, after, limit],
  };
}
