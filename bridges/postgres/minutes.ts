import type pg from "pg";
import { placeInStream } from "../../schema/packing.ts";
import { inTransaction } from "./connection.ts";
import { originOf } from "./locations-feed.ts";

/** Of sequences, added in one transaction: some 20,000 messages. */
const STEP = placeInStream(20_000, 0);

const LAST = "at, latitude, longitude, speed_mps, heading_degrees, accuracy_metres, sequence, ordinal";

/** Positions with a sequence after $1 and up to $2: each minute of each resource is one row, to which later ones are added. */
const ADD = `
  with fresh as materialized (
    select *, date_trunc('minute', at, 'UTC') as minute from location_history where sequence > $1 and sequence <= $2
  ), counted as (
    select resource_id, minute, min(agency_id) as agency_id, count(*)::integer as fixes, count(refused)::integer as refused,
           max(speed_mps) filter (where refused is null) as speed_max_mps
    from fresh group by resource_id, minute
  ), lasts as (
    select distinct on (resource_id, minute) resource_id, minute, ${LAST}
    from fresh where refused is null order by resource_id, minute, at desc, sequence desc, ordinal desc
  )
  insert into location_minutes as known (resource_id, agency_id, minute, fixes, refused, speed_max_mps, ${LAST})
  select resource_id, agency_id, minute, fixes, refused, speed_max_mps, ${LAST}
  from counted left join lasts using (resource_id, minute)
  on conflict (resource_id, minute) do update set
    fixes = known.fixes + excluded.fixes,
    refused = known.refused + excluded.refused,
    speed_max_mps = greatest(known.speed_max_mps, excluded.speed_max_mps),
    (${LAST}) = (
      select ${LAST} from (values (${columnsOf("known")}), (${columnsOf("excluded")})) as both_of_them (${LAST})
      order by at desc nulls last, sequence desc, ordinal desc limit 1
    )`;

function columnsOf(table: string): string {
  return LAST.split(", ")
    .map((name) => `${table}.${name}`)
    .join(", ");
}

/**
 * Adds what was archived since the last time to the minutes, once: rows and checkpoint in one transaction. Whoever comes at the
 * same time waits. Where the server keeps the minutes itself, there is nothing to do.
 * @param client finds the tables
 */
export async function addToMinutes(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query(
    "select relkind = 'r' as ours from pg_class where oid = 'location_minutes'::regclass",
  );
  if (rows[0]?.ours !== true) return;
  await client.query(
    "insert into checkpoint (feed, epoch, sequence) values ('minutes', '', -1) on conflict do nothing",
  );
  while (await inTransaction(client, () => step(client)));
}

/** @returns whether there may be more */
async function step(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ done: string; epoch: string | null; archived: string | null }>(
    `select minutes.sequence as done, locations.epoch, locations.sequence as archived
     from checkpoint as minutes left join checkpoint as locations on locations.feed = 'locations'
     where minutes.feed = 'minutes' for update of minutes`,
  );
  const { done, epoch, archived } = rows[0]!;
  if (epoch === null || archived === null) return false;
  const until = placeInStream(originOf(epoch) + Number(archived) + 1, 0) - 1;
  if (Number(done) >= until) return false;
  let upTo = Math.min(until, Number(done) + STEP);
  const { rowCount } = await client.query(ADD, [done, upTo]);
  if (rowCount === 0 && upTo < until) {
    const next = await client.query<{ sequence: string | null }>(
      "select min(sequence) as sequence from location_history where sequence > $1 and sequence <= $2",
      [upTo, until],
    );
    upTo = next.rows[0]!.sequence === null ? until : Number(next.rows[0]!.sequence) - 1;
  }
  await client.query("update checkpoint set sequence = $1, updated_at = now() where feed = 'minutes'", [upTo]);
  return upTo < until;
}
