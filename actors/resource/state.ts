import {
  type Availability,
  type Position,
  type ResourceFields,
  type ResourceStatus,
  type ResourceType,
  resourceStatuses,
} from "../../schema/resource.ts";

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
  if (it.retiredAt !== null) return RETIRED;
  if (it.incidentId !== null) return HELD;
  if (it.carrier !== null) return it.carrier.type === "vehicles" ? WITH_A_VEHICLE : WITH_A_PERSON;
  if (it.status !== "available" && it.status !== "returning") return BY_STATUS[it.status];
  const crew = it.minimumCrew === 0 ? 0 : it.aboard.filter(({ type }) => type === "personnel").length;
  if (crew < it.minimumCrew) {
    const reason = `${crew} of ${it.minimumCrew} crew`;
    return crew === 0 ? not(reason) : { availability: "conditional", reason };
  }
  return it.status === "returning" ? RETURNING : AVAILABLE;
}

function not(reason: string): Judgement {
  return { availability: "unavailable", reason };
}

/** Made once: a search judges hundreds. */
const AVAILABLE: Judgement = { availability: "available", reason: null };
const RETURNING: Judgement = { availability: "conditional", reason: "returning" };
const RETIRED = not("retired");
const HELD = not("held by an incident");
const WITH_A_VEHICLE = not("with a vehicle");
const WITH_A_PERSON = not("with a person");
const BY_STATUS = Object.fromEntries(resourceStatuses.map((status) => [status, not(status)])) as Readonly<
  Record<ResourceStatus, Judgement>
>;
