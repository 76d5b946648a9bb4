import type { ActorProjection, Row, Table } from "../../runtime/projection.ts";
import type { ResourceEvent } from "../../schema/resource.ts";
import type { Known } from "./state.ts";

const resources: Table = {
  name: "resources",
  key: ["id"],
  columns: {
    id: "plain",
    agency_id: "plain",
    type: "plain",
    call_sign: "plain",
    name: "plain",
    category: "plain",
    capabilities: "list",
    station: "plain",
    home_latitude: "plain",
    home_longitude: "plain",
    minimum_crew: "plain",
    status: "plain",
    status_code: "plain",
    status_reason: "plain",
    status_since: "plain",
    incident_id: "plain",
    carrier_id: "plain",
    metadata: "json",
    created_at: "plain",
    updated_at: "plain",
    retired_at: "plain",
    version: "plain",
    sequence: "plain",
    state: "plain",
  },
};

const resourceStatuses: Table = {
  name: "resource_statuses",
  columns: {
    resource_id: "plain",
    sequence: "plain",
    ordinal: "plain",
    agency_id: "plain",
    at: "plain",
    status: "plain",
    status_code: "plain",
  },
};

export const resourceProjection: ActorProjection<Known> = {
  table: resources,
  row: (id, it, version, sequence): Row => ({
    id,
    agency_id: it.agencyId,
    type: it.resourceType,
    call_sign: it.callSign,
    name: it.name,
    category: it.category,
    capabilities: it.capabilities,
    station: it.station,
    home_latitude: it.home?.lat ?? null,
    home_longitude: it.home?.lon ?? null,
    minimum_crew: it.minimumCrew,
    status: it.status,
    status_code: it.statusCode,
    status_reason: it.statusReason,
    status_since: it.statusSince,
    incident_id: it.incidentId,
    carrier_id: it.carrier?.id ?? null,
    metadata: it.metadata,
    created_at: it.createdAt,
    updated_at: it.updatedAt,
    retired_at: it.retiredAt,
    version,
    sequence,
    state: JSON.stringify(it),
  }),
  traces: {
    table: resourceStatuses,
    rows: ({ id, agency, at, events }, _state, sequence) =>
      (events as readonly ResourceEvent[]).flatMap((event, ordinal) => {
        const became = statusAfter(event);
        return became === undefined ? [] : [{ resource_id: id, sequence, ordinal, agency_id: agency, at, ...became }];
      }),
  },
};

function statusAfter(event: ResourceEvent): { status: string; status_code: string | null } | undefined {
  switch (event.type) {
    case "resource.created":
      return { status: event.status, status_code: null };
    case "resource.status_changed":
      return { status: event.to, status_code: event.code ?? null };
    case "resource.retired":
      return { status: "retired", status_code: null };
    default:
      return;
  }
}
