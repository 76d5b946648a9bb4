import type { Availability, Position, ResourceFields, ResourceStatus, ResourceType } from "../../schema/resource.ts";

export type ResourceState = { readonly phase: "unknown" } | Known;

/** Somebody or something that is with this one, or that this one is with. */
export interface Companion {
  readonly id: string;
  readonly type: ResourceType;
  readonly since: string;
}

export interface Shift {
  readonly since: string;
  readonly until: string | null;
  /** It should be over, but the resource was at work. */
  readonly overdue: boolean;
}

export interface Known extends ResourceFields {
  readonly phase: "known";
  readonly agencyId: string;
  readonly resourceType: ResourceType;
  readonly status: ResourceStatus;
  readonly statusCode: string | null;
  readonly statusReason: string | null;
  readonly statusSince: string;
  readonly statusWarnAfterMs: number | null;
  readonly statusOverdue: boolean;
  /** The incident that holds it. */
  readonly incidentId: string | null;
  readonly carrier: Companion | null;
  readonly aboard: readonly Companion[];
  readonly shift: Shift | null;
  /** Where it was when it was registered; later positions are telemetry. */
  readonly position: Position | null;
  readonly retiredAt: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export function mayBeSent(it: Known): boolean {
  return availabilityOf(it).availability !== "unavailable";
}

interface Judgement {
  readonly availability: Availability;
  /** Why it is not simply available. */
  readonly reason: string | null;
}

/** As NENA EIDO names it: a unit on its way back can be turned round, and a short crew may be better than none. */
export function availabilityOf(it: Known): Judgement {
  const not = (reason: string): Judgement => ({ availability: "unavailable", reason });
  if (it.retiredAt !== null) return not("retired");
  if (it.incidentId !== null) return not("held by an incident");
  if (it.carrier !== null) return not(`with ${it.carrier.type === "vehicles" ? "a vehicle" : "a person"}`);
  if (it.status !== "available" && it.status !== "returning") return not(it.status);
  const crew = it.aboard.filter(({ type }) => type === "personnel").length;
  if (crew < it.minimumCrew) {
    const reason = `${crew} of ${it.minimumCrew} crew`;
    return crew === 0 ? not(reason) : { availability: "conditional", reason };
  }
  if (it.status === "returning") return { availability: "conditional", reason: "returning" };
  return { availability: "available", reason: null };
}
