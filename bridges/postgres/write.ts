import { once } from "node:events";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { Clock } from "../../runtime/ports/index.ts";
import type { Row, Table } from "../../runtime/projection.ts";
import { copyText } from "./copy-text.ts";
import type { Folded } from "./fold.ts";
import { Turns } from "./turns.ts";

/** Writes what was made ready, within a transaction. */
export type Write = (client: pg.ClientBase) => Promise<void>;

/** Rows that become one piece of COPY's stream: enough to be worth a system call, not so many as to hold up everything else. */
const ROWS_PER_PIECE = 250;

/**
 * Makes ready what a batch means to the tables, as it is sent: what is being written meanwhile goes on between the pieces,
 * and PostgreSQL does not wait for us.
 */
export async function readied({ added, merged }: Omit<Folded, "problems">, clock: Clock): Promise<Write> {
  const turns = new Turns(clock);
  const writes: Write[] = [];
  for (const [table, rows] of added) writes.push(await readiedRows(table, rows, turns));
  for (const [table, rows] of merged) writes.push(await readiedMerge(table, rows, turns));
  return async (client) => {
    for (const write of writes) await write(client);
  };
}

/** Rows to add. */
export async function readiedRows(table: Table, rows: readonly Row[], turns: Turns): Promise<Write> {
  const pieces = await piecesOf(table, rows, turns);
  return (client) => copy(client, table, pieces);
}

/** Rows to add, or to put in the place of those of the same key. A key comes once. */
async function readiedMerge(table: Table, rows: readonly Row[], turns: Turns): Promise<Write> {
  if (rows.length === 0) return async () => undefined;
  const { name, key = [] } = table;
  const columns = Object.keys(table.columns);
  const updates = columns.filter((column) => !key.includes(column)).map((column) => `${column} = excluded.${column}`);
  // By COPY into a table of this connection's own first: a row as JSON costs several times as much to read.
  const incoming = `incoming_${name}`;
  const pieces = await piecesOf(table, rows, turns);
  return async (client) => {
    // Of our columns alone: a release to come may have more of them, which have defaults there.
    await client.query(
      `create temporary table if not exists ${incoming} on commit delete rows as
       select ${columns.join(", ")} from ${name} with no data`,
    );
    await copy(client, { ...table, name: incoming }, pieces);
    await client.query({
      name: `merge ${name}`,
      text: `insert into ${name} (${columns.join(", ")}) select ${columns.join(", ")} from ${incoming}
        on conflict (${key.join(", ")}) do update set ${updates.join(", ")}`,
    });
  };
}

async function piecesOf(table: Table, rows: readonly Row[], turns: Turns): Promise<readonly Buffer[]> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < rows.length; at += ROWS_PER_PIECE) {
    pieces.push(Buffer.from(copyText(table, rows.slice(at, at + ROWS_PER_PIECE))));
    await turns.next();
  }
  return pieces;
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
