import { once } from "node:events";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { Row, Table } from "../../runtime/projection.ts";
import { cleanJson } from "./clean.ts";
import { copyText } from "./copy-text.ts";
import type { Folded } from "./fold.ts";

/** All that a batch means to the tables, within a transaction. */
export async function writeFolded(client: pg.ClientBase, { added, merged }: Omit<Folded, "problems">): Promise<void> {
  for (const [table, rows] of added) await append(client, table, rows);
  for (const [table, rows] of merged) await merge(client, table, rows);
}

/** Rows that become one piece of COPY's stream: enough to be worth a system call, not so many as to hold up everything else. */
const ROWS_PER_CHUNK = 2_000;

/** Adds rows. */
export async function append(client: pg.ClientBase, table: Table, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  const columns = Object.keys(table.columns).join(", ");
  const stream = client.query(copyFrom(`copy ${table.name} (${columns}) from stdin`));
  const done = once(stream, "finish");
  // A failure is met below, also one that comes while we still write.
  done.catch(() => undefined);
  for (let at = 0; at < rows.length && !stream.destroyed; at += ROWS_PER_CHUNK) {
    const chunk = copyText(table, rows.slice(at, at + ROWS_PER_CHUNK));
    if (!stream.write(chunk)) await Promise.race([once(stream, "drain"), done]);
  }
  stream.end();
  await done;
}

/** Rows a statement: as JSON they are one parameter, which has a limit. */
const ROWS_PER_MERGE = 2_000;

/** Adds rows, or replaces those of the same key. A key comes once. */
export async function merge(client: pg.ClientBase, table: Table, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  const { name, key = [] } = table;
  const columns = Object.keys(table.columns);
  const updates = columns.filter((column) => !key.includes(column)).map((column) => `${column} = excluded.${column}`);
  const text =
    `insert into ${name} (${columns.join(", ")}) select ${columns.join(", ")} ` +
    `from json_populate_recordset(null::${name}, $1::json) ` +
    `on conflict (${key.join(", ")}) do update set ${updates.join(", ")}`;
  for (let at = 0; at < rows.length; at += ROWS_PER_MERGE) {
    await client.query({ name: `merge ${name}`, text, values: [cleanJson(rows.slice(at, at + ROWS_PER_MERGE))] });
  }
}
