import {
  type Assignment,
  type AssignmentStatus,
  assignmentStatuses,
  type IncidentEvent,
  type IncidentFields,
  type IncidentStatus,
  type Phase,
  type Policy,
} from "../../schema/incident.ts";

/** An incident's state. Unknown until it is created. */
export type IncidentState = { readonly phase: "unknown" } | Known;

export interface Known {
  readonly phase: "known";
  readonly incidentNumber: string;
  readonly agencyId: string;
  readonly fields: IncidentFields;
  readonly reportedById: string | null;
  readonly sourceAlertId: string | null;
  readonly status: IncidentStatus;
  readonly assignments: readonly Assignment[];
  readonly alarmLevel: number;
  /** Rules of its agency for its type, as they were when it was made. */
  readonly policy: Policy | null;
  /** Phases that were told to be at risk. */
  readonly atRisk: readonly Phase[];
  readonly mergedIntoId: string | null;
  readonly duplicates: readonly string[];
  readonly links: readonly string[];
  readonly sharedWith: readonly string[];
  /** Agencies that it is not shared with any more. */
  readonly onceSharedWith?: readonly string[];
  readonly disposition: string | null;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Since when nobody has been on it, at its priority: what escalation by time counts from. */
  readonly waitingSince: string;
  /** The `waitingSince` for which somebody was told that nobody is on it. */
  readonly escalatedSince: string | null;
  readonly resolvedAt: string | null;
  readonly closedAt: string | null;
  /** Since when it is in the archive; it has none where lists show it. */
  readonly archivedAt?: string;
}

export function active(it: Known, unitId: string): Assignment | undefined {
  return it.assignments.find((one) => one.unitId === unitId && one.status !== "cleared");
}

export function furtherThan(a: AssignmentStatus, b: AssignmentStatus): boolean {
  return assignmentStatuses.indexOf(a) > assignmentStatuses.indexOf(b);
}

/**
 * The incident's status once these events have happened: the furthest along of its active assignments, as NENA EIDO
 * defines it. With none left it waits again, as new.
 */
export function derivedStatus(it: Known, events: readonly IncidentEvent[]): IncidentStatus {
  const statuses = new Map<string, AssignmentStatus>();
  for (const { unitId, status } of it.assignments) if (status !== "cleared") statuses.set(unitId, status);
  for (const event of events) {
    if (event.type === "incident.assigned") statuses.set(event.unitId, "assigned");
    else if (event.type === "incident.unit_status_changed") statuses.set(event.unitId, event.to);
  }
  let furthest: AssignmentStatus | undefined;
  for (const status of statuses.values()) {
    if (status !== "cleared" && (furthest === undefined || furtherThan(status, furthest))) furthest = status;
  }
  return furthest === undefined || furthest === "cleared" ? "new" : furthest;
}

/** What the incident may become now, by whichever request: named in every refusal of a transition. */
export function statusesReachableFrom(it: Known): readonly IncidentStatus[] {
  switch (it.status) {
    case "new":
      return it.assignments.length > 0 ? ["assigned", "resolved", "cancelled"] : ["assigned", "cancelled"];
    case "assigned":
      return ["en_route", "on_scene", "resolved", "cancelled"];
    case "en_route":
      return ["on_scene", "resolved", "cancelled"];
    case "on_scene":
      return ["resolved", "cancelled"];
    case "resolved":
      return ["closed", "cancelled", "new"];
    case "closed":
    case "cancelled":
      return ["new"];
  }
}
