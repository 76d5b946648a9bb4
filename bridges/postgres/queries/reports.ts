import type { ReportQuery } from "../../../runtime/archive.ts";

/** $1 agencies, $2 from (inclusive), $3 to (exclusive). What groups the rows is one of the texts here, never from outside. */
type Report = (by: string) => string;

const groups: Readonly<Record<string, string>> = { type: "type", priority: "priority::text", all: "'all'::text" };

const responseTimes: Report = (by) => `
  with called as (
    select id, created_at, dispatch_target_ms, turnout_target_ms, travel_target_ms, ${groups[by] ?? groups["all"]} as grouped
    from incidents where agency_id = any($1::text[]) and created_at >= $2::timestamptz and created_at < $3::timestamptz
  ), took as (
    select grouped, 'dispatch' as phase, dispatch_target_ms as target,
           extract(epoch from (select min(assigned_at) from assignments where incident_id = id) - created_at) * 1000 as ms
    from called
    union all
    select grouped, 'turnout', turnout_target_ms, extract(epoch from en_route_at - assigned_at) * 1000
    from called join assignments on incident_id = id
    union all
    select grouped, 'travel', travel_target_ms, extract(epoch from on_scene_at - en_route_at) * 1000
    from called join assignments on incident_id = id
  )
  select grouped as "group", phase, count(*)::integer as count,
         percentile_cont(0.5) within group (order by ms)::double precision as "p50Ms",
         percentile_cont(0.9) within group (order by ms)::double precision as "p90Ms",
         percentile_cont(0.95) within group (order by ms)::double precision as "p95Ms",
         max(target)::double precision as "targetMs",
         (count(*) filter (where ms <= target))::double precision / nullif(count(target), 0) as "withinTarget"
  from took where ms is not null
  group by grouped, phase order by grouped, array_position(array['dispatch', 'turnout', 'travel'], phase)`;

const unitHours: Report = (by) => {
  const unit = by !== "type";
  return `
  with spans as (
    select resource_id, status, at as since,
           coalesce(lead(at) over (partition by resource_id order by sequence, ordinal), 'infinity') as until
    from resource_statuses where agency_id = any($1::text[]) and at < $3::timestamptz
  )
  select ${unit ? "resources.id::text" : "null"} as "resourceId", ${unit ? "call_sign" : "null"} as "callSign", type,
         spans.status, round((sum(extract(epoch from least(until, $3::timestamptz, now()) - greatest(since, $2::timestamptz))) / 3600)::numeric, 6)
           ::double precision as hours
  from spans join resources on resources.id = resource_id
  where until > $2::timestamptz and since < least($3::timestamptz, now()) and spans.status <> 'retired'
  group by ${unit ? "resources.id, call_sign, type, spans.status" : "type, spans.status"}
  order by type, "callSign", "resourceId", status`;
};

const callVolume: Report = (by) => `
  select date_trunc('${by === "day" ? "day" : "hour"}', created_at, 'UTC') as start, type, count(*)::integer as count
  from incidents where agency_id = any($1::text[]) and created_at >= $2::timestamptz and created_at < $3::timestamptz
  group by 1, 2 order by 1, 2`;

const reports: Readonly<Record<string, Report>> = { responseTimes, unitHours, callVolume };

/** More rows than this are no report. */
const ROWS_MAX = 50_000;

export function reportQuery(
  name: string,
  { agencies, from, to, by }: ReportQuery,
): { text: string; values: unknown[] } {
  const report = Object.hasOwn(reports, name) ? reports[name] : undefined;
  if (report === undefined) throw new Error(`no such report: ${name}`);
  return { text: `${report(by)} limit ${ROWS_MAX}`, values: [agencies, from, to] };
}
