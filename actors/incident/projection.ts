import type { ActorProjection, Row, Table } from "../../runtime/projection.ts";
import { searchText } from "../../runtime/search-text.ts";
import type { Known } from "./state.ts";

const incidents: Table = {
  name: "incidents",
  key: ["id"],
  columns: {
    id: "plain",
    incident_number: "plain",
    type: "plain",
    category: "plain",
    priority: "plain",
    status: "plain",
    title: "plain",
    description: "plain",
    latitude: "plain",
    longitude: "plain",
    address: "json",
    reported_by_id: "plain",
    assigned_to_id: "plain",
    agency_id: "plain",
    parent_id: "plain",
    source_alert_id: "plain",
    metadata: "json",
    created_at: "plain",
    updated_at: "plain",
    resolved_at: "plain",
    closed_at: "plain",
    departed_at: "plain",
    alarm_level: "plain",
    disposition: "plain",
    merged_into_id: "plain",
    dispatch_target_ms: "plain",
    turnout_target_ms: "plain",
    travel_target_ms: "plain",
    shared_with: "list",
    search: "plain",
    version: "plain",
    sequence: "plain",
    state: "plain",
  },
};

const assignments: Table = {
  name: "assignments",
  key: ["incident_id", "ordinal"],
  columns: {
    incident_id: "plain",
    ordinal: "plain",
    unit_id: "plain",
    unit_type: "plain",
    status: "plain",
    assigned_at: "plain",
    en_route_at: "plain",
    on_scene_at: "plain",
    cleared_at: "plain",
  },
};

/** What is searched for the words of a query. */
export function incidentSearchText({ incidentNumber, fields: { title, description, address } }: Known): string {
  return searchText([incidentNumber, title, description, ...textsIn(address)]);
}

/** The texts of an address, whatever its layout. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value === "number") return [String(value)];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

export const incidentProjection: ActorProjection<Known> = {
  table: incidents,
  row(id, it, version, sequence): Row {
    const { fields, assignments: units } = it;
    const targets = it.policy?.targets?.[fields.priority];
    return {
      id,
      incident_number: it.incidentNumber,
      type: fields.type,
      category: fields.category,
      priority: fields.priority,
      status: it.status,
      title: fields.title,
      description: fields.description,
      latitude: fields.location?.lat ?? null,
      longitude: fields.location?.lon ?? null,
      address: fields.address,
      reported_by_id: it.reportedById,
      assigned_to_id: units.find(({ status }) => status !== "cleared")?.unitId ?? null,
      agency_id: it.agencyId,
      parent_id: fields.parentId,
      source_alert_id: it.sourceAlertId,
      metadata: fields.metadata,
      created_at: it.createdAt,
      updated_at: it.updatedAt,
      resolved_at: it.resolvedAt,
      closed_at: it.closedAt,
      departed_at: it.archivedAt ?? null,
      alarm_level: it.alarmLevel,
      disposition: it.disposition,
      merged_into_id: it.mergedIntoId,
      dispatch_target_ms: targets?.dispatchMs ?? null,
      turnout_target_ms: targets?.turnoutMs ?? null,
      travel_target_ms: targets?.travelMs ?? null,
      shared_with: it.sharedWith,
      search: incidentSearchText(it),
      version,
      sequence,
      state: JSON.stringify(it),
    };
  },
  parts: {
    table: assignments,
    rows: (id, it) =>
      it.assignments.map((one, ordinal) => ({
        incident_id: id,
        ordinal,
        unit_id: one.unitId,
        unit_type: one.unitType,
        status: one.status,
        assigned_at: one.assignedAt,
        en_route_at: one.enRouteAt,
        on_scene_at: one.onSceneAt,
        cleared_at: one.clearedAt,
      })),
  },
};
