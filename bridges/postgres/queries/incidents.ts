import type { ArchivedIncidentsQuery } from "../../../runtime/archive.ts";
import { EARTH_RADIUS_METRES } from "../../../runtime/places/place.ts";
import type { Box } from "../../../runtime/places/region.ts";
import type { IncidentFilters } from "../../../schema/incident.ts";
import { Conditions, literalPattern, utc } from "./conditions.ts";

const METRES_PER_DEGREE = (EARTH_RADIUS_METRES * Math.PI) / 180;
/** Earthdistance's own earth is a little larger than the one that all distances here are along. */
const SCALE = EARTH_RADIUS_METRES / 6_378_168;

/** The same filters as the list in memory has: `incidentView.matches`. */
export function incidentsQuery(query: ArchivedIncidentsQuery): { text: string; values: unknown[] } {
  const { agencies, words, departedOnly, before, near, boxes, limit } = query;
  const filters = query.filters as Partial<IncidentFilters>;
  const conditions = new Conditions();
  const value = (one: unknown) => conditions.value(one);
  const mine = value(agencies);
  conditions.add(`agency_id = any(${mine}::text[]) or shared_with && ${mine}::text[]`);
  if (departedOnly) conditions.add("departed_at is not null");
  if (before !== undefined) conditions.add(`id < ${value(before)}::uuid`);
  for (const word of words) conditions.add(`search like ${value(`%${literalPattern(word)}%`)}`);
  for (const [column, wanted] of [
    ["status", filters.status],
    ["type", filters.type],
    ["category", filters.category],
  ] as const) {
    if (wanted !== undefined) conditions.add(`${column} = any(${value(wanted)}::text[])`);
  }
  if (filters.priority !== undefined) conditions.add(`priority = any(${value(filters.priority)}::smallint[])`);
  if (filters.agencyId !== undefined) conditions.add(`agency_id = ${value(filters.agencyId)}`);
  if (filters.parentId !== undefined) conditions.add(`parent_id = ${value(filters.parentId)}::uuid`);
  if (filters.incidentNumber !== undefined) conditions.add(`incident_number = ${value(filters.incidentNumber)}`);
  if (filters.createdAfter !== undefined)
    conditions.add(`created_at > ${value(utc(filters.createdAfter))}::timestamptz`);
  if (filters.createdBefore !== undefined) {
    conditions.add(`created_at < ${value(utc(filters.createdBefore))}::timestamptz`);
  }
  if (filters.unitId !== undefined) {
    conditions.add(
      `exists (select from assignments where incident_id = incidents.id and unit_id = ${value(filters.unitId)}::uuid
         and status <> 'cleared')`,
    );
  }
  if (boxes !== undefined) {
    conditions.add("latitude is not null");
    conditions.add(boxes.map((box) => textOf(box, value)).join(" or "));
  }
  if (near === undefined) {
    return {
      text: `select id::text, version, state from incidents where ${conditions.where} order by id desc limit ${value(limit)}`,
      values: conditions.values,
    };
  }
  const [lat, lon] = [value(near.lat), value(near.lon)].map((one) => `${one}::double precision`);
  conditions.add("latitude is not null");
  for (const box of boxesAround(near)) conditions.add(box.map((corner) => textOf(corner, value)).join(" or "));
  const distance = `earth_distance(ll_to_earth(${lat}, ${lon}), ll_to_earth(latitude, longitude)) * ${SCALE}`;
  const [after, afterId] = [value(near.afterMetres), value(near.afterId)];
  return {
    text: `select * from (select id::text, version, state, ${distance} as distance from incidents where ${conditions.where}) as near
       where distance <= ${value(near.radiusMetres)}::double precision
         and (distance, id) > (${after}::double precision, ${afterId}::text)
       order by distance, id limit ${value(limit)}`,
    values: conditions.values,
  };
}

/** What a circle is in, as boxes of the map, of which a place has to be in one; none where it holds a pole or nearly all. */
function boxesAround({ lat, lon, radiusMetres }: NonNullable<ArchivedIncidentsQuery["near"]>): readonly Box[][] {
  // A little more than the circle: what is in the box is measured.
  const degrees = (radiusMetres * 1.001 + 1) / METRES_PER_DEGREE;
  const [south, north] = [lat - degrees, lat + degrees];
  if (south <= -90 || north >= 90) return [];
  const ratio = Math.sin((degrees * Math.PI) / 180) / Math.cos((lat * Math.PI) / 180);
  const width = (Math.asin(Math.min(1, ratio)) * 180) / Math.PI;
  if (width >= 90) return [];
  const [west, east] = [lon - width, lon + width];
  const box = (from: number, to: number): Box => ({ west: from, south, east: to, north });
  if (west < -180) return [[box(west + 360, 180), box(-180, east)]];
  if (east > 180) return [[box(west, 180), box(-180, east - 360)]];
  return [[box(west, east)]];
}

function textOf({ west, south, east, north }: Box, value: (one: unknown) => string): string {
  const corner = (x: number, y: number) => `point(${value(x)}::double precision, ${value(y)}::double precision)`;
  return `point(longitude, latitude) <@ box(${corner(west, south)}, ${corner(east, north)})`;
}
