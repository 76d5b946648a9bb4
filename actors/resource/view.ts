import type { View } from "../../runtime/board.ts";
import type { Resource, ResourceFilters } from "../../schema/resource.ts";
import { marksOf } from "./marks.ts";
import { positionOf } from "./positions.ts";
import { availabilityOf, type Known } from "./state.ts";

export const resourceView: View = {
  present(id, state, version, reading): Resource {
    const it = state as Known;
    const { phase: _phase, position: _position, statusWarnAfterMs: _warn, resourceType, ...rest } = it;
    const { availability, reason } = availabilityOf(it);
    return {
      id,
      type: resourceType,
      ...rest,
      capabilities: [...it.capabilities],
      aboard: [...it.aboard],
      metadata: { ...it.metadata } as Resource["metadata"],
      location: positionOf(it, reading),
      availability,
      availabilityReason: reason,
      version,
    };
  },
  place: (state, reading) => positionOf(state as Known, reading) ?? undefined,
  marks: (state) => marksOf(state as Known),

  indexed: {
    type: (state) => (state as Known).resourceType,
    retired: (state) => ((state as Known).retiredAt === null ? IN_USE : RETIRED),
    status: (state) => (state as Known).status,
    availability: (state) => availabilityOf(state as Known).availability,
    callSign: (state) => (state as Known).callSign,
    category: (state) => (state as Known).category,
    capability: (state) => (state as Known).capabilities,
    station: (state) => (state as Known).station,
    carrierId: (state) => (state as Known).carrier?.id,
    incidentId: (state) => (state as Known).incidentId,
  },

  matches(state, filters) {
    const it = state as Known;
    const wanted = filters as Partial<ResourceFilters> & { readonly type?: string };
    return (
      (wanted.type === undefined || wanted.type === it.resourceType) &&
      (wanted.retired === undefined ||
        wanted.retired === "any" ||
        (wanted.retired === "true") === (it.retiredAt !== null)) &&
      (wanted.status?.includes(it.status) ?? true) &&
      (wanted.availability?.includes(availabilityOf(it).availability) ?? true) &&
      (wanted.callSign === undefined || wanted.callSign === it.callSign) &&
      (wanted.category === undefined || (it.category !== null && wanted.category.includes(it.category))) &&
      (wanted.capability === undefined || it.capabilities.includes(wanted.capability)) &&
      (wanted.station === undefined || wanted.station === it.station) &&
      (wanted.carrierId === undefined || wanted.carrierId === it.carrier?.id) &&
      (wanted.incidentId === undefined || wanted.incidentId === it.incidentId) &&
      (wanted.agencyId === undefined || wanted.agencyId === it.agencyId)
    );
  },
};

const IN_USE = ["any", "false"];
const RETIRED = ["any", "true"];
