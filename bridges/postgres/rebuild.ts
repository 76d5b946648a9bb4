import type pg from "pg";
import type { Registry } from "../../runtime/actor.ts";
import { pause } from "../../runtime/pause.ts";
import type { Clock, Log } from "../../runtime/ports/index.ts";
import type { AnyProjection, Projections } from "../../runtime/projection.ts";
import type { StreamEntry } from "../../runtime/stream-source.ts";
import { subjects } from "../../schema/subjects.ts";
import { type Database, inTransaction, schemas, searchPath, withClient } from "./connection.ts";
import { auditLog, type Problem } from "./fold.ts";
import { Folding } from "./folding.ts";
import { migrate } from "./migrate.ts";
import { quarantine } from "./quarantine.ts";
import { replaceTables } from "./replace-tables.ts";
import { readied } from "./write.ts";

/** Where the new tables grow. Left over, it is of a rebuild that did not end. */
const SCHEMA = "tocsin_rebuild";
const OLD = schemas.history;
const BATCH = 20_000;
/** Lists wait behind a swap that waits for somebody who reads the old tables: not longer than this. */
const LOCK_TIMEOUT = "300ms";
const AGAIN_MS = 700;

export interface RebuildOptions {
  readonly database: Database;
  readonly registry: Registry;
  readonly kind: string;
  readonly projection: AnyProjection;
}

export interface Rebuilt {
  readonly envelopes: number;
  /** Envelopes that could not be folded: they are in quarantine. */
  readonly problems: number;
}

/** Another one is under way. */
export class AlreadyRebuilding extends Error {
  override name = "AlreadyRebuilding";
}

/**
 * Makes a kind's tables anew from its envelopes, by the functions of this release, and puts them in the place of those that
 * serve meanwhile. The audit log has every envelope byte for byte, also of actors that have left the journal.
 * 1. The new tables grow in a schema of their own. A rebuild that breaks off has changed nothing, and the next begins anew: its
 *    functions may be others.
 * 2. The swap holds the projector back, folds what has come meanwhile, and exchanges the tables, in one transaction.
 * 3. It raises the checkpoint's generation: the projector begins anew then, and forgets what it had folded for the old ones.
 * @throws AlreadyRebuilding; what PostgreSQL says when it does not do it, such as that a view stands on the old tables
 */
export function rebuild(
  { database, registry, kind, projection }: RebuildOptions,
  clock: Clock,
  log: Log,
  progress: (envelopes: number) => void = () => undefined,
): Promise<Rebuilt> {
  return withClient(database, `rebuild of ${projection.table.name}`, async (client) => {
    const { rows } = await client.query("select pg_try_advisory_lock(hashtext($1)) as alone", [SCHEMA]);
    if (rows[0].alone !== true) throw new AlreadyRebuilding("another rebuild is under way");
    await client.query(`drop schema if exists ${SCHEMA} cascade`);
    await migrate(database, log, SCHEMA);
    await client.query(`${searchPath(SCHEMA)}; set synchronous_commit = off`);
    const growing = new Growing(client, registry, kind, projection, clock);
    while (await inTransaction(client, () => growing.grow())) progress(growing.envelopes);
    for (;;) {
      const before = growing.mark();
      try {
        await inTransaction(client, async () => {
          await holdProjectorBack(client);
          while (await growing.grow()) progress(growing.envelopes);
          await swap(client, kind, projection, growing.problems);
        });
        return { envelopes: growing.envelopes, problems: growing.problems.length };
      } catch (error) {
        if ((error as { code?: unknown }).code !== LOCK_NOT_AVAILABLE) throw error;
        growing.returnTo(before);
        await pause(clock, AGAIN_MS);
      }
    }
  });
}

const LOCK_NOT_AVAILABLE = "55P03";

/** The new tables, as far as they have come. */
class Growing {
  readonly #client: pg.ClientBase;
  readonly #kind: string;
  readonly #folding: Folding;
  readonly #clock: Clock;
  #sequence = 0;
  #envelopes = 0;
  #problems: readonly Problem[] = [];

  constructor(client: pg.ClientBase, registry: Registry, kind: string, projection: AnyProjection, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#kind = kind;
    const alone: Projections = new Map([[kind, projection]]);
    this.#folding = new Folding(registry, alone, clock);
  }

  get envelopes(): number {
    return this.#envelopes;
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  mark() {
    return { sequence: this.#sequence, envelopes: this.#envelopes, problems: this.#problems };
  }

  /** A transaction was rolled back: what was folded in it was not. */
  returnTo({ sequence, envelopes, problems }: ReturnType<Growing["mark"]>): void {
    this.#sequence = sequence;
    this.#envelopes = envelopes;
    this.#problems = problems;
    this.#folding.forget();
  }

  /** By one batch, within a transaction. @returns false when there was nothing more */
  async grow(): Promise<boolean> {
    const entries = await this.#next();
    const last = entries.at(-1);
    if (last === undefined) return false;
    const { added, merged, problems } = await this.#folding.fold(this.#client, entries);
    const rows = [...added].filter(([table]) => table !== auditLog);
    const write = await readied({ added: new Map(rows), merged }, this.#clock);
    await write(this.#client);
    this.#problems = [...this.#problems, ...problems];
    this.#envelopes += entries.length;
    this.#sequence = last.sequence;
    return true;
  }

  async #next(): Promise<readonly StreamEntry[]> {
    const { rows } = await this.#client.query<{ sequence: string; agency: string; id: string; payload: string }>({
      name: "envelopes",
      text: `select sequence, agency_id as agency, entity_id as id, envelope as payload from ${OLD}.audit_log
        where kind = $1 and sequence > $2 order by sequence limit ${BATCH}`,
      values: [this.#kind, this.#sequence],
    });
    return rows.map(({ sequence, agency, id, payload }) => ({
      sequence: Number(sequence),
      subject: subjects.events(agency, { kind: this.#kind, id }),
      payload,
      keptMs: 0,
    }));
  }
}

/** The audit log is what a projector writes first: it waits here, and who reads does not. */
async function holdProjectorBack(client: pg.ClientBase): Promise<void> {
  await client.query(`lock table ${OLD}.audit_log in share row exclusive mode`);
}

async function swap(
  client: pg.ClientBase,
  kind: string,
  { table, parts, traces }: AnyProjection,
  problems: readonly Problem[],
): Promise<void> {
  // What refers to another one goes before it.
  const names = [parts?.table, traces?.table, table].flatMap((one) => (one === undefined ? [] : [one.name]));
  await client.query(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
  await replaceTables(client, names, { from: SCHEMA, to: OLD });
  await client.query(
    `delete from ${OLD}.quarantine using ${OLD}.audit_log
     where feed = 'events' and audit_log.sequence = quarantine.sequence and kind = $1`,
    [kind],
  );
  await quarantine(client, `${OLD}.quarantine`, "events", problems);
  await client.query(`update ${OLD}.checkpoint set generation = generation + 1 where feed = 'events'`);
  await client.query(`drop schema ${SCHEMA} cascade`);
}
