import type { View } from "../../runtime/board.ts";
import type { Resource, ResourceFilters } from "../../schema/resource.ts";
import { availabilityOf, type Known } from "./state.ts";

export const resourceView: View = {
  present(id, state, version): Resource {
    const {
      phase: _phase,
      lastReport: _lastReport,
      resourceType,
      position,
      capabilities,
      metadata,
      ...rest
    } = state as Known;
    return {
      id,
      type: resourceType,
      ...rest,
      capabilities: [...capabilities],
      metadata: { ...metadata } as Resource["metadata"],
      location: position,
      availability: availabilityOf(state as Known),
      version,
    };
  },
  matches(state, filters) {
    const it = state as Known;
    const wanted = filters as Partial<ResourceFilters> & { readonly type?: string };
    return (
      (wanted.type === undefined || wanted.type === it.resourceType) &&
      (wanted.status?.includes(it.status) ?? true) &&
      (wanted.callSign === undefined || wanted.callSign === it.callSign) &&
      (wanted.capability === undefined || it.capabilities.includes(wanted.capability)) &&
      (wanted.agencyId === undefined || wanted.agencyId === it.agencyId)
    );
  },
};
