import type { Row } from "../../../runtime/board.ts";
import { type AreaProblem, type Region, regionOf } from "../../../runtime/places/region.ts";
import type { IncidentFilters } from "../../../schema/incident.ts";
import type { Answer } from "../exchange.ts";
import { ProblemError } from "../problem.ts";
import { type Call, list, type Services, upToDate } from "./call.ts";

const KIND = "incident";
const RADIUS_METRES = 5_000;

/** Newest first; around a point, nearest first. */
export async function listIncidents(services: Services, call: Call): Promise<Answer> {
  const { lat, lon, radius, bbox, polygon, ...filters }: IncidentFilters = call.query;
  const areas = [lat, bbox, polygon].filter((one) => one !== undefined);
  if (areas.length > 1) throw new ProblemError("invalid_query", "only one of lat and lon, bbox and polygon");
  if (bbox !== undefined) return within(services, call, filters, "bbox", boxOf(bbox));
  if (polygon !== undefined) return within(services, call, filters, "polygon", ringOf(polygon));
  if (lat === undefined || lon === undefined) return list(services, call, KIND, {});
  return around(services, call, filters, { lat, lon, radiusMetres: radius ?? RADIUS_METRES });
}

type Filters = Omit<IncidentFilters, "lat" | "lon" | "radius" | "bbox" | "polygon">;

async function around(
  services: Services,
  call: Call,
  { limit, cursor, ...filters }: Filters,
  { radiusMetres, ...from }: { readonly lat: number; readonly lon: number; readonly radiusMetres: number },
): Promise<Answer> {
  await upToDate(services, call);
  const { board } = services;
  const accept = visibleTo(services, call, filters);
  const among = { agencies: call.principal.agencies, filters };
  const after = cursor === undefined ? {} : { after: cursorOf(cursor) };
  const found = board.nearest({ kind: KIND, from, radiusMetres, limit: limit + 1, accept, among, ...after });
  const page = found.slice(0, limit);
  const items = page.map(({ row, distanceMetres }) => ({
    ...board.present(KIND, row),
    distance: Math.round(distanceMetres * 10) / 10,
  }));
  const last = page[page.length - 1];
  const next = found.length > page.length && last !== undefined ? `${last.distanceMetres}_${last.row.id}` : null;
  return { status: 200, body: JSON.stringify({ items, next, complete: true }) };
}

function cursorOf(cursor: string): { readonly distanceMetres: number; readonly id: string } {
  const [, metres, id] = /^(\d{1,9}(?:\.\d{1,20})?(?:e-\d{1,3})?)_([\w-]{1,64})$/.exec(cursor) ?? [];
  if (metres === undefined || id === undefined) throw new ProblemError("invalid_query", "cursor: not one of ours");
  return { distanceMetres: Number(metres), id };
}

async function within(
  services: Services,
  call: Call,
  { limit, cursor, ...filters }: Filters,
  parameter: string,
  region: Region | AreaProblem,
): Promise<Answer> {
  if (typeof region === "string") {
    const issues = [{ path: parameter, message: region.replaceAll("_", " ") }];
    throw new ProblemError("invalid_query", "see issues", { issues });
  }
  return list(services, { ...call, query: { limit, cursor, ...filters } }, KIND, {}, region);
}

function visibleTo({ registry, views }: Services, { principal }: Call, filters: object): (row: Row) => boolean {
  const sharedWith = registry.get(KIND)!.sharedWith!;
  const view = views.get(KIND)!;
  return ({ agency, state }) =>
    [agency, ...sharedWith(state)].some((one) => principal.agencies.includes(one)) &&
    view.matches(state, { ...filters });
}

function boxOf(bbox: string): Region | AreaProblem {
  const [west = Number.NaN, south = Number.NaN, east = Number.NaN, north = Number.NaN] = bbox.split(",").map(Number);
  return regionOf({ west, south, east, north });
}

function ringOf(polygon: string): Region | AreaProblem {
  const ring = polygon.split(" ").map((place) => {
    const [lon = Number.NaN, lat = Number.NaN] = place.split(",").map(Number);
    return { lat, lon };
  });
  return regionOf({ ring });
}
