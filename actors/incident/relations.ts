import { type Address, type Decision, type Participation, type Refusal, refuse } from "../../runtime/actor.ts";
import type { IncidentCommand, IncidentEvent } from "../../schema/incident.ts";
import { active, type Known } from "./state.ts";

/**
 * Incidents among each other: duplicates and links. Both change in one commit. The one with the lower id leads, whichever
 * was asked, so that no two wait for each other.
 */

type Result = Decision<IncidentEvent>;

const LINKS_MAX = 100;
const SHARES_MAX = 50;

/** The one that stays is asked. */
export function merge(it: Known, id: string, duplicateId: string): Result {
  if (id === duplicateId) return refuse("not_mergeable", "an incident is no duplicate of itself");
  const refused = mayTakeDuplicate(it);
  if (refused !== undefined) return refused;
  if (id > duplicateId) return forward(duplicateId, { type: "leadAsDuplicate", of: id });
  const joins = [tell(duplicateId, { type: "followAsDuplicate", of: id })];
  return { events: [{ type: "incident.merged", duplicateId }], with: joins };
}

export function leadAsDuplicate(it: Known, id: string, of: string): Result {
  const events = followAsDuplicate(it, of);
  if (!Array.isArray(events)) return events;
  return { events, with: [tell(of, { type: "takeDuplicate", duplicateId: id })] };
}

export function takeDuplicate(it: Known, duplicateId: string): Result {
  return mayTakeDuplicate(it) ?? [{ type: "incident.merged", duplicateId }];
}

export function followAsDuplicate(it: Known, of: string): Result {
  if (it.mergedIntoId !== null) {
    return refuse("not_mergeable", `it is a duplicate of ${it.mergedIntoId} already`, {
      mergedIntoId: it.mergedIntoId,
    });
  }
  if (it.status === "closed" || it.status === "cancelled") return refuse("incident_final", `it is ${it.status}`);
  const unitIds = it.assignments.filter(({ unitId }) => active(it, unitId)).map(({ unitId }) => unitId);
  if (unitIds.length > 0) {
    return refuse("units_assigned", "its units work on it: reassign or clear them first", { unitIds });
  }
  return [{ type: "incident.merged_into", into: of }];
}

function mayTakeDuplicate(it: Known): Refusal | undefined {
  if (it.mergedIntoId !== null) {
    return refuse("not_mergeable", `it is itself a duplicate of ${it.mergedIntoId}`, { mergedIntoId: it.mergedIntoId });
  }
  if (it.status === "closed" || it.status === "cancelled") return refuse("incident_final", `it is ${it.status}`);
  return;
}

export function link(it: Known, id: string, incidentId: string): Result {
  const events = linkedBy(it, id, incidentId);
  if (!Array.isArray(events) || events.length === 0) return events;
  if (id > incidentId) return forward(incidentId, { type: "link", incidentId: id });
  return { events, with: [tell(incidentId, { type: "linkedBy", incidentId: id })] };
}

export function linkedBy(it: Known, id: string, incidentId: string): Result {
  if (id === incidentId) return refuse("not_linkable", "an incident is not linked with itself");
  if (it.links.includes(incidentId)) return [];
  if (it.links.length >= LINKS_MAX) return refuse("limit_reached", `an incident takes at most ${LINKS_MAX} links`);
  return [{ type: "incident.linked", incidentId }];
}

export function unlink(it: Known, id: string, incidentId: string): Result {
  const events = unlinkedBy(it, incidentId);
  if (!Array.isArray(events) || events.length === 0) return events;
  if (id > incidentId) return forward(incidentId, { type: "unlink", incidentId: id });
  return { events, with: [tell(incidentId, { type: "unlinkedBy", incidentId: id })] };
}

export function unlinkedBy(it: Known, incidentId: string): Result {
  return it.links.includes(incidentId) ? [{ type: "incident.unlinked", incidentId }] : [];
}

export function share(it: Known, agencyId: string): Result {
  if (agencyId === it.agencyId) return refuse("not_shareable", "it is this agency's own");
  if (it.sharedWith.includes(agencyId)) return [];
  if (it.sharedWith.length >= SHARES_MAX) return refuse("limit_reached", `at most ${SHARES_MAX} agencies share one`);
  return [{ type: "incident.shared", agencyId }];
}

const incident = (id: string): Address => ({ kind: "incident", id });

function tell(to: string, command: IncidentCommand): Participation {
  return { to: incident(to), command: { ...command } };
}

function forward(to: string, command: IncidentCommand): Result {
  return { forwardTo: incident(to), command: { ...command } };
}
