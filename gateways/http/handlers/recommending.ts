import type { Known as Incident } from "../../../actors/incident/state.ts";
import type { Wanted } from "../../../actors/resource/matching.ts";
import {
  type Candidate,
  type Recommendation,
  type Requirement,
  recommend,
} from "../../../actors/resource/recommendation.ts";
import { availabilityOf, type Known } from "../../../actors/resource/state.ts";
import { capabilitiesOf, sendable } from "./availability.ts";
import { type Call, orThrow, type Services } from "./call.ts";
import { configurationOf } from "./configured.ts";
import { requirementsFor } from "./policy.ts";
import { type Reachable, ranked } from "./travel.ts";

export interface Recommended extends Recommendation {
  readonly candidates: readonly (Reachable & { readonly reason: string })[];
  /** The states it was made from. */
  readonly inputs: Readonly<Record<string, unknown>>;
}

interface Narrowed {
  readonly agencyId?: string | undefined;
  readonly radiusMetres?: number | undefined;
  readonly wanted: Wanted;
}

/** Candidates looked at: further away there is no choice worth explaining. */
const CANDIDATES_MAX = 500;
const EVERYWHERE_METRES = 20_100_000;

/** Whom to send to an incident: its place and needs, those who may be sent, and why each ranks where it does. */
export async function recommendationFor(
  services: Services,
  call: Pick<Call, "principal" | "requestId">,
  incidentId: string,
  { agencyId, radiusMetres = EVERYWHERE_METRES, wanted }: Narrowed,
): Promise<Recommended> {
  const { board, client, ports } = services;
  const address = { kind: "incident", id: incidentId };
  const reply = orThrow(await client.read(address, call.principal, call.requestId));
  const incident = reply.state as Incident;
  const requirements = requirementsFor(services, incident.agencyId, incident.fields, incident.alarmLevel);
  const { location } = incident.fields;
  const nearest = sendable(services, {
    principal: call.principal,
    agencyId,
    wanted,
    near: location === null ? undefined : { ...location, radiusMetres },
    limit: CANDIDATES_MAX,
  });
  const { candidates: found, ...missing } = await ranked(services, location, nearest);
  // Who has left again covers nothing any more: of an incident that is opened again, nobody is there.
  const sent = incident.assignments.flatMap(({ unitId, status }): Candidate[] => {
    const state = board.get({ kind: "resource", id: unitId })?.state as Known | undefined;
    if (state === undefined || status === "cleared") return [];
    return [{ id: unitId, type: state.resourceType, capabilities: capabilitiesOf(services, state), assigned: true }];
  });
  const free = found.map(
    ({ row, state }): Candidate => ({
      id: row.id,
      type: state.resourceType,
      capabilities: capabilitiesOf(services, state),
      assigned: false,
    }),
  );
  const { picks, shortfalls } = recommend(requirements, [...sent, ...free]);
  const candidates = found.map((one, index) => ({ ...one, reason: reasonFor(one, index, picks, requirements) }));
  const units = found.map(({ row: { id, version, sequence }, position, travelSeconds }) => ({
    id,
    version,
    sequence,
    positionAt: position?.at ?? null,
    ...(travelSeconds === undefined ? {} : { travelSeconds }),
  }));
  const inputs = {
    at: new Date(ports.clock.now()).toISOString(),
    incident: { id: incidentId, version: reply.version, sequence: reply.sequence },
    configurationVersion: configurationOf(services, incident.agencyId).version,
    requirements,
    units,
    ...missing,
  };
  return { candidates, picks, shortfalls, inputs };
}

function reasonFor(
  { row, state, distanceMetres, travelSeconds }: Reachable,
  index: number,
  picks: ReadonlyMap<string, number>,
  requirements: readonly Requirement[],
): string {
  const time = typeof travelSeconds === "number" ? `there in ${Math.round(travelSeconds)} s, ` : "";
  const where =
    distanceMetres === null ? "place unknown" : `${time}${Math.round(distanceMetres)} m away, number ${index + 1}`;
  const { reason } = availabilityOf(state);
  const conditional = reason === null ? "" : `, conditional: ${reason}`;
  const pick = picks.get(row.id);
  if (pick === undefined) return `${where}${conditional}; not needed, or others before it cover it`;
  const { capabilities, types } = requirements[pick]!;
  const what = capabilities.length > 0 ? capabilities.join(" and ") : types.join(" or ") || "any unit";
  return `${where}${conditional}; covers ${what}`;
}
