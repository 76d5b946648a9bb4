import { NoSuchCursor, type TrackPoint, type TrackQuery } from "../../../runtime/archive.ts";

interface Fix {
  readonly at: Date;
  readonly latitude: number;
  readonly longitude: number;
  readonly speed_mps: number | null;
  readonly heading_degrees: number | null;
  readonly accuracy_metres: number | null;
  readonly refused: string | null;
  readonly sequence: string;
  readonly ordinal: number;
}

const CURSOR = /^(\d{1,15})_(\d{1,18})_(\d{1,5})$/;

/** Every fix, or the last one that moved the unit in each of the intervals that the resolution makes. */
export function trackQuery(query: TrackQuery): { text: string; values: unknown[] } {
  const { resourceId, from, to, resolutionSeconds, refused, after, limit } = query;
  const [startMs, sequence, ordinal] = positionOf(after, from);
  const values = [resourceId, new Date(startMs).toISOString(), sequence, ordinal, to, limit];
  const columns = "at, latitude, longitude, speed_mps, heading_degrees, accuracy_metres, refused, sequence, ordinal";
  const of = `resource_id = $1::uuid and at >= $2::timestamptz and (at, sequence, ordinal) > ($2::timestamptz, $3::bigint, $4::smallint)
    and at < $5::timestamptz${refused ? "" : " and refused is null"}`;
  if (resolutionSeconds === undefined) {
    return { text: `select ${columns} from positions where ${of} order by at, sequence, ordinal limit $6`, values };
  }
  // Intervals are counted from the start of 2000, whatever is asked for: the same track has the same points.
  const interval = `date_bin(make_interval(secs => $7), at, timestamptz '2000-01-01 00:00:00Z')`;
  const points =
    resolutionSeconds % 60 === 0
      ? fromMinutes(columns)
      : `select ${columns} from positions where ${of} and refused is null`;
  return {
    text: `select distinct on (${interval}) ${columns} from (${points}) as points
       order by ${interval}, at desc, sequence desc, ordinal desc limit $6`,
    values: [...values, resolutionSeconds],
  };
}

/**
 * Whole minutes have their last position in a row of their own, as far as they have been added up; what has come since, the minute
 * that the span ends in, and fixes of times that cannot be are looked for singly.
 */
function fromMinutes(columns: string): string {
  const after = "at >= $2::timestamptz and (at, sequence, ordinal) > ($2::timestamptz, $3::bigint, $4::smallint)";
  const end = "date_trunc('minute', $5::timestamptz, 'UTC')";
  return `
    select ${columns.replace("refused", "null::text as refused")} from location_minutes
    where resource_id = $1::uuid and minute >= date_trunc('minute', $2::timestamptz, 'UTC') and minute < ${end} and ${after}
    union all
    select ${columns} from location_history
    where resource_id = $1::uuid and at < ${end} and ${after} and refused is null
      and sequence > (select sequence from minutes_added)
    union all
    select ${columns} from location_history
    where resource_id = $1::uuid and at >= ${end} and at < $5::timestamptz and ${after} and refused is null
    union all
    select ${columns} from location_outliers
    where resource_id = $1::uuid and at < $5::timestamptz and ${after} and refused is null`;
}

export function pointOf(fix: Fix, resolutionSeconds: number | undefined): TrackPoint {
  const { speed_mps, heading_degrees, accuracy_metres, refused, sequence, ordinal } = fix;
  const atMs = fix.at.getTime();
  return {
    // Of an interval the next one is asked for.
    cursor:
      resolutionSeconds === undefined
        ? `${atMs}_${sequence}_${ordinal}`
        : `${intervalEnd(atMs, resolutionSeconds)}_0_0`,
    at: fix.at.toISOString(),
    lat: fix.latitude,
    lon: fix.longitude,
    ...(speed_mps === null ? {} : { speedMps: speed_mps }),
    ...(heading_degrees === null ? {} : { headingDegrees: heading_degrees }),
    ...(accuracy_metres === null ? {} : { accuracyMetres: accuracy_metres }),
    ...(refused === null ? {} : { refused }),
  };
}

const ORIGIN_MS = Date.UTC(2000, 0, 1);

function intervalEnd(atMs: number, resolutionSeconds: number): number {
  const everyMs = resolutionSeconds * 1_000;
  return ORIGIN_MS + (Math.floor((atMs - ORIGIN_MS) / everyMs) + 1) * everyMs;
}

/** @throws NoSuchCursor */
function positionOf(after: string | undefined, from: string): readonly [number, string, string] {
  if (after === undefined) return [Date.parse(from), "-1", "-1"];
  const [, atMs, sequence, ordinal] = CURSOR.exec(after) ?? [];
  if (atMs === undefined || Number(atMs) > 253_402_300_799_999 || Number(ordinal) > 32_767) {
    throw new NoSuchCursor("cursor: not one of ours");
  }
  return [Number(atMs), sequence!, ordinal!];
}
