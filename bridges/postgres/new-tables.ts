import type { Registry } from "../../runtime/actor.ts";
import type { Clock, Log } from "../../runtime/ports/index.ts";
import type { Projections } from "../../runtime/projection.ts";
import { type Database, schemas, withClient } from "./connection.ts";
import { rebuild } from "./rebuild.ts";

/**
 * Makes tables that are younger than their archive of what it has. To be called by the one that works, before it adds to them.
 */
export function fillNewTables(
  database: Database,
  registry: Registry,
  projections: Projections,
  clock: Clock,
  log: Log,
): Promise<void> {
  return withClient(database, "new tables", async (client) => {
    const { rows } = await client.query<{ name: string }>(`select name from ${schemas.history}.projection`);
    const filled = new Set(rows.map(({ name }) => name));
    for (const [kind, projection] of projections) {
      const { name } = projection.table;
      if (filled.has(name)) continue;
      const { rowCount } = await client.query(`select from ${schemas.history}.audit_log where kind = $1 limit 1`, [
        kind,
      ]);
      if (rowCount !== 0) {
        log.info({ table: name }, "a new table of the archive is made of what it has");
        await rebuild({ database, registry, kind, projection }, clock, log);
      }
      await client.query(`insert into ${schemas.history}.projection (name) values ($1) on conflict do nothing`, [name]);
    }
  });
}
