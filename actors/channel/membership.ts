import type { Principal } from "../../schema/principal.ts";
import type { Known } from "./state.ts";

/** Who asks, and through which units: the resource that it is or speaks for, and what that one is aboard of. */
export interface Reader {
  readonly principal: Principal;
  readonly units: readonly string[];
}

/** Membership decides who reads. Whoever is of another agency must also have been let in by the channel's. */
export function isMember(it: Known, { principal, units }: Reader): boolean {
  const { subject, agencies } = principal;
  const own = agencies.includes(it.agencyId);
  if (!own && !it.sharedWith.some((agency) => agencies.includes(agency))) return false;
  if (it.kind === "agency") return own;
  return (
    it.members.some((member) => member.subject === subject) || it.units.some(({ unitId }) => units.includes(unitId))
  );
}

/** Under which names a principal's channels are found, and a channel is listed. */
export function audiencesOf({ principal, units }: Reader): readonly string[] {
  return [
    `subject ${principal.subject}`,
    ...units.map((id) => `unit ${id}`),
    ...principal.agencies.map((id) => `agency ${id}`),
  ];
}

/** The very same list for as long as nobody comes or goes: a message is looked at by what it has not changed. */
export function audiences(it: Known): readonly string[] {
  const known = lists.get(it.members);
  if (known?.units === it.units) return known.names;
  const names = [
    ...it.members.map(({ subject }) => `subject ${subject}`),
    ...it.units.map(({ unitId }) => `unit ${unitId}`),
    ...(it.kind === "agency" ? [`agency ${it.agencyId}`] : []),
  ];
  lists.set(it.members, { units: it.units, names });
  return names;
}

const lists = new WeakMap<Known["members"], { readonly units: Known["units"]; readonly names: readonly string[] }>();

/** Dispatchers of its agency may join an incident's channel by themselves. */
export function mayJoin(it: Known, { agencies, roles }: Principal): boolean {
  return (
    it.kind === "incident" &&
    agencies.includes(it.agencyId) &&
    roles.some((role) => role === "dispatcher" || role === "supervisor" || role === "admin")
  );
}

export function supervises(it: Known, { agencies, roles }: Principal): boolean {
  return agencies.includes(it.agencyId) && roles.some((role) => role === "supervisor" || role === "admin");
}
