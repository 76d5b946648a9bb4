import type pg from "pg";
import type { Log } from "../../runtime/ports/index.ts";
import { type Database, schemas, searchPath, withClient } from "./connection.ts";
import type { ServerFeatures } from "./extensions.ts";
import type { Partitions } from "./partitions.ts";

const DAY_MS = 86_400_000;
/** Chunks older than this hardly change any more. */
const COMPRESS_AFTER = "7 days";

/** Pieces of the next days are made, those beyond the retention are dropped, old ones compressed where the licence allows it. */
export async function keepLocations(
  database: Database,
  partitions: Partitions,
  server: ServerFeatures,
  retentionDays: number,
  nowMs: number,
  log: Log,
): Promise<void> {
  await withClient(database, "upkeep", async (client) => {
    await client.query(searchPath(schemas.positions));
    await partitions.makeAhead(client, nowMs);
    if (retentionDays > 0) {
      const before = nowMs - retentionDays * DAY_MS;
      const dropped = await partitions.dropBefore(client, before);
      await client.query("delete from location_outliers where at < $1", [new Date(before).toISOString()]);
      if (dropped > 0) log.info({ dropped, retentionDays }, "old positions were dropped");
    }
    if (server.timescaleLicence !== "timescale") return;
    await compressOld(client);
    await keepAggregate(client, retentionDays);
  });
}

/** Once: with compressed chunks about, how they are compressed cannot be said again. */
async function compressOld(client: pg.ClientBase): Promise<void> {
  const { rowCount } = await client.query(
    `select from timescaledb_information.hypertables
     where hypertable_schema = $1 and hypertable_name = 'location_history' and compression_enabled`,
    [schemas.positions],
  );
  if (rowCount === 0) {
    await client.query(
      `alter table location_history set (timescaledb.compress, timescaledb.compress_segmentby = 'resource_id',
         timescaledb.compress_orderby = 'at, sequence, ordinal')`,
    );
  }
  await client.query("select public.add_compression_policy('location_history', $1::interval, if_not_exists => true)", [
    COMPRESS_AFTER,
  ]);
}

/** Minutes of which the positions are gone must not be looked at again: they would go with them. */
async function keepAggregate(client: pg.ClientBase, retentionDays: number): Promise<void> {
  const { rowCount } = await client.query(
    `select from timescaledb_information.continuous_aggregates
     where view_schema = $1 and view_name = 'location_minutes'`,
    [schemas.positions],
  );
  if (rowCount === 0) return;
  const from = retentionDays > 0 ? `${Math.max(1, retentionDays - 1)} days` : null;
  await client.query("select public.remove_continuous_aggregate_policy('location_minutes', if_exists => true)");
  await client.query(
    `select public.add_continuous_aggregate_policy('location_minutes', start_offset => $1::interval,
       end_offset => interval '1 minute', schedule_interval => interval '1 minute')`,
    [from],
  );
}
