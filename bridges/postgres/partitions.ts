import type pg from "pg";
import { inTransaction } from "./connection.ts";

const DAY_MS = 86_400_000;
/** Made before they are needed, so that a fix at midnight waits for nothing. */
const DAYS_AHEAD = 3;

/** The pieces of `location_history`: hypertables make theirs by themselves, native ones are made here, one a day. */
export interface Partitions {
  /** Sees to it that these days (counted from 1970) have their piece, within a transaction. */
  make(client: pg.ClientBase, days: ReadonlySet<number>): Promise<void>;
  forget(): void;
  /** Those of the next days. */
  makeAhead(client: pg.ClientBase, nowMs: number): Promise<void>;
  /** Takes away whole pieces that end before this time. @returns how many */
  dropBefore(client: pg.ClientBase, timeMs: number): Promise<number>;
}

export class NativePartitions implements Partitions {
  readonly #made = new Set<number>();

  async make(client: pg.ClientBase, days: ReadonlySet<number>): Promise<void> {
    const missing = [...days].filter((day) => !this.#made.has(day));
    // The same may be made by the upkeep at this moment: whoever comes second finds it.
    if (missing.length > 0) await client.query("select pg_advisory_xact_lock(hashtext('tocsin partitions'))");
    for (const day of missing) {
      const { name, from, to } = partitionOf(day);
      // Identifiers and bounds are made of a number: nothing from outside is in this text.
      await client.query(
        `create table if not exists ${name} partition of location_history for values from ('${from}') to ('${to}')`,
      );
      this.#made.add(day);
    }
  }

  forget(): void {
    this.#made.clear();
  }

  async makeAhead(client: pg.ClientBase, nowMs: number): Promise<void> {
    const today = Math.floor(nowMs / DAY_MS);
    const days = new Set(Array.from({ length: DAYS_AHEAD + 1 }, (_, ahead) => today + ahead));
    await inTransaction(client, () => this.make(client, days));
  }

  async dropBefore(client: pg.ClientBase, timeMs: number): Promise<number> {
    const { rows } = await client.query<{ name: string }>(
      `select child.relname as name from pg_inherits
         join pg_class child on child.oid = inhrelid
       where inhparent = 'location_history'::regclass`,
    );
    const old = rows.filter(({ name }) => endMsOf(name) <= timeMs);
    for (const { name } of old) await client.query(`drop table "${name.replaceAll('"', '""')}"`);
    this.forget();
    return old.length;
  }
}

export class HypertableChunks implements Partitions {
  readonly make = async () => undefined;
  readonly forget = () => undefined;
  readonly makeAhead = async () => undefined;

  async dropBefore(client: pg.ClientBase, timeMs: number): Promise<number> {
    const { rows } = await client.query(
      "select public.drop_chunks('location_history', older_than => $1::timestamptz)",
      [new Date(timeMs).toISOString()],
    );
    return rows.length;
  }
}

function partitionOf(day: number) {
  const textOf = (one: number) => new Date(one * DAY_MS).toISOString().slice(0, 10);
  const from = textOf(day);
  return {
    name: `location_history_${from.replaceAll("-", "")}`,
    from: `${from} 00:00:00Z`,
    to: `${textOf(day + 1)} 00:00:00Z`,
  };
}

/** Not a number for a table that is none of ours. */
function endMsOf(name: string): number {
  const [, year, month, day] = /^location_history_(\d{4})(\d\d)(\d\d)$/.exec(name) ?? [];
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) + DAY_MS;
}
