import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { type Log, PortUnavailable } from "../../runtime/ports/index.ts";
import { type Database, DatabaseUnreachable, inTransaction, schemas, withClient } from "./connection.ts";
import { migrate } from "./migrate.ts";
import { HypertableChunks, NativePartitions } from "./partitions.ts";

/** A table as it was dumped: its rows in the text format of COPY. */
export interface DumpedTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
}

export interface DumpedArchive {
  /** In an order in which they can be loaded. */
  readonly tables: readonly DumpedTable[];
  /** Of positions, counted from 1970. */
  readonly days: readonly number[];
  /** Everything of the journal up to here is in it. */
  readonly sequence: number;
}

const SCHEMAS = [schemas.history, schemas.positions, schemas.reports];

/** What the migrations make by themselves is not dumped: partitions, computed columns, and which migrations there were. */
const TABLES = `
  select n.nspname as schema, c.relname as name,
    (select array_agg(attname::text order by attnum) from pg_attribute
     where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '') as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = any($1) and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'migrations'
  order by (select count(*) from pg_constraint where conrelid = c.oid and contype = 'f'), 1, 2`;

/**
 * Reads all of the archive, as it is at one moment.
 * @param write takes a table's rows, to the end
 * @throws PortUnavailable when the database does not answer, or has no archive
 */
export async function dumpArchive(
  database: Database,
  write: (table: DumpedTable, rows: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<DumpedArchive> {
  return reaching(() =>
    withClient(database, "backup", async (client) => {
      const { rows: tables } = await client.query<DumpedTable>(TABLES, [SCHEMAS]);
      if (!tables.some(({ name }) => name === "audit_log"))
        throw new PortUnavailable("the database has no archive yet");
      return inTransaction(client, async () => {
        await client.query("set transaction isolation level repeatable read, read only");
        // Before its moment is fixed: a table that a rebuild puts in the place of another is empty as of any moment before.
        await client.query(`lock table ${tables.map(nameOf).join(", ")} in access share mode`);
        for (const table of tables) {
          const rows = client.query(copyTo(`copy (select ${columnsOf(table)} from ${nameOf(table)}) to stdout`));
          await write(table, rows);
        }
        const days = await client.query<{ day: number }>(
          `select distinct floor(extract(epoch from at) / 86400)::integer as day from ${schemas.positions}.location_history`,
        );
        const { rows } = await client.query(`select sequence from ${schemas.history}.checkpoint where feed = 'events'`);
        return { tables, days: days.rows.map(({ day }) => day), sequence: Number(rows[0]?.sequence ?? 0) };
      });
    }),
  );
}

/**
 * Makes the archive of what was dumped: all of it, or nothing.
 * @param epochs of the streams that the feeds read from now on, by the feed's name
 * @throws PortUnavailable when the database does not answer; ArchiveNotEmpty when it has an archive
 */
export async function loadArchive(
  database: Database,
  { tables, days }: Pick<DumpedArchive, "tables" | "days">,
  rowsOf: (table: DumpedTable) => AsyncIterable<Uint8Array>,
  epochs: Readonly<Record<string, string>>,
  log: Log,
): Promise<void> {
  const features = await reaching(() => migrate(database, log));
  const partitions = features.timescaledb === null ? new NativePartitions() : new HypertableChunks();
  await reaching(() =>
    withClient(database, "restore", (client) =>
      inTransaction(client, async () => {
        await client.query(`set local search_path to ${SCHEMAS.toReversed().join(", ")}, public`);
        // Filled by the migrations: which tables are whole is told by the backup.
        if (tables.some(({ name }) => name === "projection")) await client.query("delete from projection");
        for (const table of tables) {
          const { rowCount } = await client.query(`select from ${nameOf(table)} limit 1`);
          if (rowCount !== 0)
            throw new ArchiveNotEmpty(`${table.schema}.${table.name} has rows: nothing is restored over them`);
        }
        await partitions.make(client, new Set(days));
        for (const table of tables) {
          // The minutes of positions, where this server makes them by itself.
          if (await isView(client, table)) continue;
          const into = client.query(copyFrom(`copy ${nameOf(table)} (${columnsOf(table)}) from stdin`));
          await pipeline(Readable.from(rowsOf(table)), into);
        }
        for (const schema of SCHEMAS) {
          for (const [feed, epoch] of Object.entries(epochs))
            await client.query(`update ${schema}.checkpoint set epoch = $2 where feed = $1`, [feed, epoch]);
        }
      }),
    ),
  );
}

export class ArchiveNotEmpty extends Error {
  override name = "ArchiveNotEmpty";
}

async function reaching<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if ([PortUnavailable, ArchiveNotEmpty, DatabaseUnreachable].some((one) => error instanceof one)) throw error;
    throw new PortUnavailable(`the archive: ${error instanceof Error ? error.message : error}`);
  }
}

async function isView(client: pg.ClientBase, table: DumpedTable): Promise<boolean> {
  const { rows } = await client.query("select relkind = 'v' as is from pg_class where oid = $1::regclass", [
    nameOf(table),
  ]);
  return rows[0]?.is === true;
}

function nameOf({ schema, name }: DumpedTable): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
}

function columnsOf({ columns }: DumpedTable): string {
  return columns.map((column) => pg.escapeIdentifier(column)).join(", ");
}
