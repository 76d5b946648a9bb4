import { CAPABILITY, type Unit } from "../load/city.ts";
import { callSignOf } from "../load/finders.ts";

/** The id of a unit tells its number: the peers need no table for that. */
export function idsOf(size: number): string[] {
  return Array.from({ length: size }, (_, unit) => `01900000-0000-7000-8000-${unit.toString(16).padStart(12, "0")}`);
}

export function unitOf(id: string): number {
  return Number.parseInt(id.slice(-12), 16);
}

/** All that Tocsin shows of a unit but where it is and how far that is, as the inside of a JSON object. */
export function describe(id: string, unit: number, { available, capable }: Unit, at: string): string {
  const described = JSON.stringify({
    id,
    type: "vehicles",
    agencyId: "default",
    status: available ? "available" : "out_of_service",
    callSign: callSignOf(unit),
    name: null,
    category: null,
    capabilities: capable ? [CAPABILITY] : [],
    station: null,
    home: null,
    minimumCrew: 0,
    metadata: {},
    incidentId: null,
    carrier: null,
    aboard: [],
    shift: null,
    statusCode: null,
    statusReason: null,
    statusSince: at,
    statusOverdue: false,
    retiredAt: null,
    createdAt: at,
    updatedAt: at,
    availability: available ? "available" : "unavailable",
    availabilityReason: available ? null : "out_of_service",
    version: 1,
  });
  return described.slice(1, -1);
}

/** A unit that was found. */
export interface Found {
  readonly described: string;
  readonly lat: number;
  readonly lon: number;
  /** When it was there. */
  readonly at: string;
  readonly distance: number;
}

export function answerOf(found: readonly Found[]): string {
  const items = found.map(
    ({ described, lat, lon, at, distance }) =>
      `{${described},"location":{"lat":${lat},"lon":${lon},"at":"${at}"},"distance":${Math.round(distance * 10) / 10}}`,
  );
  return `{"items":[${items.join(",")}],"next":null,"complete":true}`;
}
