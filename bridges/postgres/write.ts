import { once } from "node:events";
import { setImmediate as othersTurn } from "node:timers/promises";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { Row, Table } from "../../runtime/projection.ts";
import { cleanJson } from "./clean.ts";
import { copyText } from "./copy-text.ts";
import type { Folded } from "./fold.ts";

/** Writes what was made ready, within a transaction. */
export type Write = (client: pg.ClientBase) => Promise<void>;

/** Rows that become one piece of COPY's stream: enough to be worth a system call, not so many as to hold up everything else. */
const ROWS_PER_CHUNK = 2_000;

/**
 * Makes ready what a batch means to the tables, as it is sent: what is being written meanwhile goes on between the pieces,
 * and PostgreSQL does not wait for us.
 */
export async function readied({ added, merged }: Omit<Folded, "problems">): Promise<Write> {
  const writes: Write[] = [];
  for (const [table, rows] of added) writes.push(await readiedRows(table, rows));
  for (const [table, rows] of merged) writes.push(await readiedMerge(table, rows));
  return async (client) => {
    for (const write of writes) await write(client);
  };
}

/** Rows to add. */
export async function readiedRows(table: Table, rows: readonly Row[]): Promise<Write> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < rows.length; at += ROWS_PER_CHUNK) {
    pieces.push(Buffer.from(copyText(table, rows.slice(at, at + ROWS_PER_CHUNK))));
    await othersTurn();
  }
  return (client) => copy(client, table, pieces);
}

/** Adds rows in the text format of COPY. */
export async function copy(client: pg.ClientBase, table: Table, pieces: readonly Buffer[]): Promise<void> {
  if (pieces.length === 0) return;
  const columns = Object.keys(table.columns).join(", ");
  const stream = client.query(copyFrom(`copy ${table.name} (${columns}) from stdin`));
  const done = once(stream, "finish");
  // They are in memory already: the stream takes them all, and sends one when the one before has gone.
  for (const piece of pieces) stream.write(piece);
  stream.end();
  await done;
}

/** Rows a statement: as JSON they are one parameter, which has a limit. */
const ROWS_PER_MERGE = 2_000;

/** Rows to add, or to put in the place of those of the same key. A key comes once. */
async function readiedMerge(table: Table, rows: readonly Row[]): Promise<Write> {
  const { name, key = [] } = table;
  const columns = Object.keys(table.columns);
  const updates = columns.filter((column) => !key.includes(column)).map((column) => `${column} = excluded.${column}`);
  const text =
    `insert into ${name} (${columns.join(", ")}) select ${columns.join(", ")} ` +
    `from json_populate_recordset(null::${name}, $1::json) ` +
    `on conflict (${key.join(", ")}) do update set ${updates.join(", ")}`;
  const pieces: string[] = [];
  for (let at = 0; at < rows.length; at += ROWS_PER_MERGE) {
    pieces.push(cleanJson(rows.slice(at, at + ROWS_PER_MERGE)));
    await othersTurn();
  }
  return async (client) => {
    for (const piece of pieces) await client.query({ name: `merge ${name}`, text, values: [piece] });
  };
}
