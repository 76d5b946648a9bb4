import type { Availability, LocationReceipt, Position, ResourceStatus, ResourceType } from "../../schema/resource.ts";

export type ResourceState = { readonly phase: "unknown" } | Known;

export interface Known {
  readonly phase: "known";
  readonly agencyId: string;
  readonly resourceType: ResourceType;
  readonly callSign: string;
  readonly name: string | null;
  readonly capabilities: readonly string[];
  readonly status: ResourceStatus;
  readonly statusReason: string | null;
  readonly statusSince: string;
  /** The incident that holds it. */
  readonly incidentId: string | null;
  /** The last plausible position. */
  readonly position: Position | null;
  /** What became of the last report of fixes. */
  readonly lastReport: LocationReceipt | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export function mayBeSent(it: Known): boolean {
  return availabilityOf(it) !== "unavailable";
}

/** A unit on its way back can be turned round: conditionally available, as NENA EIDO calls it. */
export function availabilityOf(it: Known): Availability {
  if (it.incidentId !== null) return "unavailable";
  if (it.status === "available") return "available";
  return it.status === "returning" ? "conditional" : "unavailable";
}
