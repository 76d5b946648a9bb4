import { LRUCache } from "lru-cache";
import type pg from "pg";
import type { Registry } from "../../runtime/actor.ts";
import type { Projections } from "../../runtime/projection.ts";
import type { StreamEntry, StreamSource } from "../../runtime/stream-source.ts";
import { addressOfStateKey, stateKey } from "../../schema/subjects.ts";
import type { Feed, Prepared } from "./feed.ts";
import { fold, type Known, type Read, readEnvelopes } from "./fold.ts";
import { append, merge } from "./write.ts";

const BATCH_MAX = 40_000;
/** More than two batches can touch: what a batch that is being written has changed must not be read from the tables. */
const KNOWN_MAX = 100_000;

/** The journal: audit log, and each kind's own tables. */
export class EventsFeed implements Feed {
  readonly name = "events";
  readonly batchMax = BATCH_MAX;
  readonly onOtherStream = "refuse";
  readonly schema: string;
  readonly source: StreamSource;
  readonly #registry: Registry;
  readonly #projections: Projections;
  readonly #known = new LRUCache<string, Known>({ max: KNOWN_MAX });

  constructor(source: StreamSource, schema: string, registry: Registry, projections: Projections) {
    this.source = source;
    this.schema = schema;
    this.#registry = registry;
    this.#projections = projections;
  }

  async prepare(client: pg.ClientBase, entries: readonly StreamEntry[]): Promise<Prepared> {
    const { reads, problems } = readEnvelopes(entries);
    await this.#load(client, reads);
    const folded = fold(reads, this.#registry, this.#projections, this.#known);
    return {
      problems: [...problems, ...folded.problems],
      async write(writing) {
        for (const [table, rows] of folded.added) await append(writing, table, rows);
        for (const [table, rows] of folded.merged) await merge(writing, table, rows);
      },
    };
  }

  forget(): void {
    this.#known.clear();
  }

  /** What the tables know of actors that this process does not. One that begins needs no look. */
  async #load(client: pg.ClientBase, reads: readonly Read[]): Promise<void> {
    const missing = new Map<string, Set<string>>();
    const beginning = new Set<string>();
    for (const { envelope } of reads) {
      const key = stateKey(envelope);
      if (envelope.version === 1) beginning.add(key);
      else if (!beginning.has(key) && !this.#known.has(key)) {
        const { kind, id } = addressOfStateKey(key)!;
        const ids = missing.get(kind) ?? new Set();
        missing.set(kind, ids.add(id));
      }
    }
    for (const [kind, ids] of missing) {
      const table = this.#projections.get(kind)?.table;
      if (table === undefined) continue;
      const { rows } = await client.query<{ id: string; version: number; state: string }>({
        name: `known ${kind}`,
        text: `select id::text, version, state from ${table.name} where id = any($1::text[]::uuid[])`,
        values: [[...ids].filter((id) => UUID.test(id))],
      });
      for (const { id, version, state } of rows) {
        this.#known.set(`${kind}.${id}`, { version, state: JSON.parse(state) });
      }
    }
  }
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
