import type { View } from "../../runtime/board.ts";
import type { Incident, IncidentFilters } from "../../schema/incident.ts";
import type { Known } from "./state.ts";

export const incidentView: View = {
  present(id, state, version): Incident {
    const it = state as Known;
    const { fields } = it;
    return {
      id,
      incidentNumber: it.incidentNumber,
      agencyId: it.agencyId,
      type: fields.type,
      category: fields.category,
      priority: fields.priority,
      status: it.status,
      title: fields.title,
      description: fields.description,
      location: fields.location,
      address: fields.address,
      assignments: it.assignments as Incident["assignments"],
      alarmLevel: it.alarmLevel,
      atRisk: it.atRisk as Incident["atRisk"],
      parentId: fields.parentId,
      mergedIntoId: it.mergedIntoId,
      links: it.links as Incident["links"],
      sharedWith: it.sharedWith as Incident["sharedWith"],
      sourceAlertId: it.sourceAlertId,
      reportedById: it.reportedById,
      metadata: fields.metadata,
      disposition: it.disposition,
      version,
      createdAt: it.createdAt,
      updatedAt: it.updatedAt,
      resolvedAt: it.resolvedAt,
      closedAt: it.closedAt,
    };
  },
  place: (state) => (state as Known).fields.location ?? undefined,

  indexed: {
    status: (state) => (state as Known).status,
    priority: (state) => (state as Known).fields.priority,
    type: (state) => (state as Known).fields.type,
    category: (state) => (state as Known).fields.category,
    parentId: (state) => (state as Known).fields.parentId,
    incidentNumber: (state) => (state as Known).incidentNumber,
    unitId: (state) => working((state as Known).assignments),
  },

  matches(state, filters) {
    const it = state as Known;
    const wanted = filters as Partial<IncidentFilters>;
    return (
      (wanted.status?.includes(it.status) ?? true) &&
      (wanted.priority?.includes(it.fields.priority) ?? true) &&
      (wanted.type?.includes(it.fields.type) ?? true) &&
      (wanted.category?.includes(it.fields.category) ?? true) &&
      (wanted.agencyId === undefined || wanted.agencyId === it.agencyId) &&
      (wanted.parentId === undefined || wanted.parentId === it.fields.parentId) &&
      (wanted.incidentNumber === undefined || wanted.incidentNumber === it.incidentNumber) &&
      (wanted.createdAfter === undefined || Date.parse(it.createdAt) > Date.parse(wanted.createdAfter)) &&
      (wanted.createdBefore === undefined || Date.parse(it.createdAt) < Date.parse(wanted.createdBefore)) &&
      (wanted.unitId === undefined ||
        it.assignments.some(({ unitId, status }) => unitId === wanted.unitId && status !== "cleared"))
    );
  },
};

/** The units that are not cleared. */
function working(assignments: Known["assignments"]): readonly string[] {
  return assignments.filter(({ status }) => status !== "cleared").map(({ unitId }) => unitId);
}
