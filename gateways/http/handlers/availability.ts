import type { z } from "zod";
import { marksWanted } from "../../../actors/resource/marks.ts";
import { capabilitiesOf as capabilitiesWith, fits, freshAt, type Wanted } from "../../../actors/resource/matching.ts";
import { positionOf } from "../../../actors/resource/positions.ts";
import { type Known, mayBeSent } from "../../../actors/resource/state.ts";
import type { Noted, Row } from "../../../runtime/board.ts";
import type { Principal } from "../../../schema/principal.ts";
import type { availableQuery, nearbyQuery, Position } from "../../../schema/resource.ts";
import type { Answer } from "../exchange.ts";
import { type Call, type Services, upToDate } from "./call.ts";
import { recommendationFor } from "./recommending.ts";

const NEARBY_METRES = 5_000;
const SENDABLE = ["available", "conditional"];
const EVERYWHERE_METRES = 20_100_000;

/** Somebody who may be sent, and how far away; null: it is not known where he is. */
export interface Sendable {
  readonly row: Row;
  readonly state: Known;
  readonly position: Position | null;
  readonly distanceMetres: number | null;
  readonly noted?: Noted;
}

export interface SendableQuery {
  readonly principal: Principal;
  readonly agencyId?: string | undefined;
  readonly wanted: Wanted;
  readonly near?: { readonly lat: number; readonly lon: number; readonly radiusMetres: number } | undefined;
  readonly limit: number;
  /** Also what is at work. */
  readonly any?: boolean;
}

/** What the board knows of a resource's own and its companions' capabilities. */
export function capabilitiesOf({ board }: Services, state: Known): ReadonlySet<string> {
  return capabilitiesWith(state, (id) => board.get({ kind: "resource", id })?.state as Known | undefined);
}

/** Nearest first where a place is given; otherwise by call sign. Positions that are too old make nobody near. */
export function sendable(
  services: Services,
  { principal, agencyId, wanted, near, limit, any }: SendableQuery,
): Sendable[] {
  const { board, ports } = services;
  const agencies = agencyId === undefined ? principal.agencies : principal.agencies.filter((one) => one === agencyId);
  const accept = (row: Row) => {
    const state = row.state as Known;
    if (!agencies.includes(row.agency) || (any === true && state.retiredAt !== null)) return false;
    return fits(state, () => capabilitiesOf(services, state), wanted);
  };
  const filters = any === true ? {} : { availability: SENDABLE };
  if (near !== undefined) {
    const { radiusMetres, ...from } = near;
    const isFresh = freshAt(ports.clock.now());
    const fresh = (row: Row, reading: unknown) => isFresh(positionOf(row.state as Known, reading));
    return board
      .nearest({
        kind: "resource",
        from,
        radiusMetres,
        limit,
        marks: marksWanted(wanted, any),
        accept: (row, reading) => accept(row) && fresh(row, reading),
        among: { agencies, filters: wanted.types === undefined ? filters : { ...filters, type: wanted.types } },
      })
      .map(({ row, reading, distanceMetres, noted }) => {
        const state = row.state as Known;
        return { row, state, position: positionOf(state, reading), distanceMetres, noted };
      });
  }
  return [...board.rowsOf("resource", agencies, filters)]
    .filter((row) => accept(row) && (any === true || mayBeSent(row.state as Known)))
    .sort((a, b) => (callSignOf(a) < callSignOf(b) ? -1 : callSignOf(a) > callSignOf(b) ? 1 : 0))
    .slice(0, limit)
    .map((row) => {
      const state = row.state as Known;
      const position = positionOf(state, board.reading({ kind: "resource", id: row.id }));
      return { row, state, position, distanceMetres: null };
    });
}

function callSignOf({ state }: Row): string {
  return (state as Known).callSign;
}

export async function nearbyResources(services: Services, call: Call): Promise<Answer> {
  await upToDate(services, call);
  const {
    lat,
    lon,
    radius = NEARBY_METRES,
    availability,
    limit,
    agencyId,
    ...wanted
  }: z.infer<typeof nearbyQuery> = call.query;
  const found = sendable(services, {
    principal: call.principal,
    agencyId,
    wanted: wantedOf(wanted),
    near: { lat, lon, radiusMetres: radius },
    limit,
    any: availability === "any",
  });
  return { status: 200, body: pageOf(services, found) };
}

export async function availableResources(services: Services, call: Call): Promise<Answer> {
  await upToDate(services, call);
  const query: z.infer<typeof availableQuery> = call.query;
  const { lat, lon, radius = EVERYWHERE_METRES, incidentId, limit, agencyId, ...wanted } = query;
  if (incidentId !== undefined) return forIncident(services, call, incidentId, query);
  const found = sendable(services, {
    principal: call.principal,
    agencyId,
    wanted: wantedOf(wanted),
    near: lat === undefined || lon === undefined ? undefined : { lat, lon, radiusMetres: radius },
    limit,
  });
  return { status: 200, body: pageOf(services, found) };
}

async function forIncident(
  services: Services,
  call: Call,
  incidentId: string,
  { limit, agencyId, radius, ...wanted }: z.infer<typeof availableQuery>,
): Promise<Answer> {
  const { candidates, picks, shortfalls, inputs } = await recommendationFor(services, call, incidentId, {
    agencyId,
    radiusMetres: radius,
    wanted: wantedOf(wanted),
  });
  const items = candidates.slice(0, limit).map(({ row, distanceMetres, travelSeconds, reason }) => ({
    ...shown(services, row, distanceMetres),
    recommended: picks.has(row.id),
    reason,
    ...(travelSeconds === undefined ? {} : { travelSeconds }),
  }));
  return { status: 200, body: JSON.stringify({ items, next: null, complete: true, shortfalls, inputs }) };
}

function wantedOf({
  type,
  category,
  capabilities,
}: Pick<z.infer<typeof availableQuery>, "type" | "category" | "capabilities">): Wanted {
  return {
    ...(type === undefined ? {} : { types: type }),
    ...(category === undefined ? {} : { categories: category }),
    ...(capabilities === undefined ? {} : { capabilities }),
  };
}

/** Described once for each version: in a busy hour the same units are asked for again and again. */
const descriptions = new WeakMap<Row, string>();

/** All of a resource but where it is, as the beginning of a JSON object. */
function descriptionOf({ views }: Services, row: Row): string {
  const known = descriptions.get(row);
  if (known !== undefined) return known;
  const { id, state, version } = row;
  const described = { ...views.get("resource")!.present(id, state, version), location: undefined };
  const description = JSON.stringify(described).slice(0, -1);
  descriptions.set(row, description);
  return description;
}

/** With where it is. */
function textOf(services: Services, { row, position, noted = {} }: Sendable): string {
  noted.text ??= `${descriptionOf(services, row)},"location":${JSON.stringify(position)}`;
  return noted.text;
}

function pageOf(services: Services, found: readonly Sendable[]): string {
  // Put together without being copied: that is done once, when it is sent.
  let items = "";
  for (const one of found) {
    const separator = items === "" ? "" : ",";
    items += `${separator}${textOf(services, one)},"distance":${rounded(one.distanceMetres)}}`;
  }
  return `{"items":[${items}],"next":null,"complete":true}`;
}

function rounded(distanceMetres: number | null): number | null {
  return distanceMetres === null ? null : Math.round(distanceMetres * 10) / 10;
}

function shown({ board }: Services, row: Row, distanceMetres: number | null): object {
  return { ...board.present("resource", row), distance: rounded(distanceMetres) };
}
