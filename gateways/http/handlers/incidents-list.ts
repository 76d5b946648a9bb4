import { type ArchivedIncidentsQuery, ArchiveUnavailable } from "../../../runtime/archive.ts";
import type { Row } from "../../../runtime/board.ts";
import type { Place } from "../../../runtime/places/place.ts";
import { type AreaProblem, type Region, regionOf } from "../../../runtime/places/region.ts";
import type { IncidentFilters } from "../../../schema/incident.ts";
import type { Answer } from "../exchange.ts";
import { ProblemError } from "../problem.ts";
import { type Call, type Services, upToDate } from "./call.ts";
import { departed, idIn, listWithPast, pastIncidents, presentPast } from "./past-lists.ts";

const KIND = "incident";
const RADIUS_METRES = 5_000;

/** Newest first; around a point, nearest first. */
export async function listIncidents(services: Services, call: Call): Promise<Answer> {
  const { lat, lon, radius, bbox, polygon, q, ...filters }: IncidentFilters = call.query;
  const areas = [lat, bbox, polygon].filter((one) => one !== undefined);
  if (areas.length > 1) throw new ProblemError("invalid_query", "only one of lat and lon, bbox and polygon");
  if (q !== undefined && areas.length > 0) throw new ProblemError("invalid_query", "q: not together with an area");
  if (bbox !== undefined) return within(services, call, filters, "bbox", boxOf(bbox));
  if (polygon !== undefined) return within(services, call, filters, "polygon", ringOf(polygon));
  if (lat === undefined || lon === undefined) return newest(services, call, q, filters);
  return around(services, call, filters, { lat, lon, radiusMetres: radius ?? RADIUS_METRES });
}

type Filters = Omit<IncidentFilters, "lat" | "lon" | "radius" | "bbox" | "polygon" | "q">;

async function newest(
  services: Services,
  call: Call,
  q: string | undefined,
  { limit, cursor, ...filters }: Filters,
  region?: Region,
): Promise<Answer> {
  const before = idIn(cursor);
  await upToDate(services, call);
  const fits = visibleTo(services, call, filters);
  const place = services.views.get(KIND)!.place!;
  const isIn = (here: Place | undefined) => here !== undefined && region!.contains(here);
  const visible = region === undefined ? fits : (row: Row) => fits(row) && isIn(place(row.state, undefined));
  const area = region === undefined ? {} : { region };
  const listed = await listWithPast(services, call, { of: pastIncidents, filters, q, limit, before, visible, ...area });
  return { status: 200, body: JSON.stringify(listed) };
}

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
  const here = found.map(({ row, distanceMetres }) => ({
    id: row.id,
    distanceMetres,
    shown: board.present(KIND, row),
  }));
  const start = cursor === undefined ? { distanceMetres: -1, id: "" } : cursorOf(cursor);
  const near = { ...from, radiusMetres, afterMetres: start.distanceMetres, afterId: start.id };
  const past = await pastAround(services, call, filters, near, limit + 1);
  const both = [...here, ...(past ?? [])].sort((a, b) => a.distanceMetres - b.distanceMetres || (a.id < b.id ? -1 : 1));
  const page = both.slice(0, limit);
  const items = page.map(({ shown, distanceMetres }) => ({ ...shown, distance: Math.round(distanceMetres * 10) / 10 }));
  const last = page[page.length - 1];
  const next = both.length > page.length && last !== undefined ? `${last.distanceMetres}_${last.id}` : null;
  return { status: 200, body: JSON.stringify({ items, next, complete: past !== undefined }) };
}

/** What only the archive knows, nearest first; undefined when it does not answer. */
async function pastAround(
  services: Services,
  { principal }: Call,
  filters: object,
  near: NonNullable<ArchivedIncidentsQuery["near"]>,
  limit: number,
) {
  const { archive, board } = services;
  if (archive === undefined || !(await departed(services))) return [];
  try {
    const wanted = {
      agencies: principal.agencies,
      filters: { ...filters },
      words: [],
      departedOnly: true,
      near,
      limit,
    };
    const { rows } = await archive.incidents(wanted);
    // What has come back is on the board, and was shown from there.
    const past = rows.filter(({ id }) => board.get({ kind: KIND, id }) === undefined);
    return past.map((row) => ({
      id: row.id,
      distanceMetres: row.distanceMetres ?? 0,
      shown: presentPast(services, pastIncidents, row),
    }));
  } catch (error) {
    if (error instanceof ArchiveUnavailable) return;
    throw error;
  }
}

function cursorOf(cursor: string): { readonly distanceMetres: number; readonly id: string } {
  const [, metres, id] = /^(\d{1,9}(?:\.\d{1,20})?(?:e-\d{1,3})?)_([\w-]{1,64})$/.exec(cursor) ?? [];
  if (metres === undefined || id === undefined) throw new ProblemError("invalid_query", "cursor: not one of ours");
  return { distanceMetres: Number(metres), id };
}

async function within(
  services: Services,
  call: Call,
  filters: Filters,
  parameter: string,
  region: Region | AreaProblem,
): Promise<Answer> {
  if (typeof region === "string") {
    const issues = [{ path: parameter, message: region.replaceAll("_", " ") }];
    throw new ProblemError("invalid_query", "see issues", { issues });
  }
  return newest(services, call, undefined, filters, region);
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
