import type { ActorProjection, Row, Table } from "../../runtime/projection.ts";
import { searchText } from "../../runtime/search-text.ts";
import type { AlertEvent } from "../../schema/alert.ts";
import { classifyAsSaid } from "./classification.ts";
import type { Known } from "./state.ts";

const alerts: Table = {
  name: "alerts",
  key: ["id"],
  columns: {
    id: "plain",
    agency_id: "plain",
    status: "plain",
    nature: "plain",
    type: "plain",
    category: "plain",
    severity: "plain",
    priority: "plain",
    title: "plain",
    description: "plain",
    source: "plain",
    sources: "list",
    device_id: "plain",
    dedup_key: "plain",
    latitude: "plain",
    longitude: "plain",
    areas: "json",
    labels: "json",
    details: "json",
    classification: "json",
    incident_id: "plain",
    count: "plain",
    first_seen_at: "plain",
    last_seen_at: "plain",
    occurred_at: "plain",
    expires_at: "plain",
    acknowledged_at: "plain",
    acknowledged_by: "plain",
    resolved_at: "plain",
    reason: "plain",
    created_at: "plain",
    updated_at: "plain",
    search: "plain",
    version: "plain",
    sequence: "plain",
    state: "plain",
  },
};

const alertLog: Table = {
  name: "alert_log",
  columns: {
    alert_id: "plain",
    sequence: "plain",
    ordinal: "plain",
    agency_id: "plain",
    at: "plain",
    event: "plain",
    said_by: "plain",
    report: "plain",
  },
};

/** What is searched for the words of a query. */
export function alertSearchText({ content, source, dedupKey }: Known): string {
  const { title, description, deviceId, labels } = content;
  const areas = content.areas.map((area) => area.description);
  return searchText([title, description, deviceId, source.name, dedupKey, ...Object.values(labels), ...areas]);
}

export const alertProjection: ActorProjection<Known> = {
  table: alerts,
  row(id, it, version, sequence): Row {
    const { content } = it;
    const classification = it.classification ?? classifyAsSaid(content);
    return {
      id,
      agency_id: it.agencyId,
      status: it.status,
      nature: content.nature,
      type: content.type,
      category: classification.category,
      severity: classification.severity,
      priority: classification.priority,
      title: content.title,
      description: content.description,
      source: it.source.name,
      sources: it.sources,
      device_id: content.deviceId,
      dedup_key: it.dedupKey,
      latitude: content.location?.lat ?? null,
      longitude: content.location?.lon ?? null,
      areas: content.areas,
      labels: content.labels,
      details: content.details,
      classification,
      incident_id: it.incidentId,
      count: it.count,
      first_seen_at: it.firstSeenAt,
      last_seen_at: it.lastSeenAt,
      occurred_at: content.occurredAt,
      expires_at: content.expiresAt,
      acknowledged_at: it.acknowledgedAt,
      acknowledged_by: it.acknowledgedBy,
      resolved_at: it.resolvedAt,
      reason: it.reason,
      created_at: it.createdAt,
      updated_at: it.updatedAt,
      search: alertSearchText(it),
      version,
      sequence,
      state: JSON.stringify(it),
    };
  },
  traces: {
    table: alertLog,
    rows: ({ id, agency, at, by, events }, _state, sequence) =>
      (events as readonly AlertEvent[]).map((event, ordinal) => ({
        alert_id: id,
        sequence,
        ordinal,
        agency_id: agency,
        at,
        event: event.type,
        said_by: sayerOf(event) ?? by,
        report: "intake" in event ? (event.intake?.sequence ?? null) : null,
      })),
  },
};

/** The engine does what a source says: that is who has said it. */
function sayerOf(event: AlertEvent): string | undefined {
  if (event.type === "alert.received") return event.record.by;
  if (event.type === "alert.repeated") return event.by;
  return "source" in event ? event.source : undefined;
}
