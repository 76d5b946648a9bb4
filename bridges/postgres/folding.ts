import { LRUCache } from "lru-cache";
import type pg from "pg";
import type { Registry } from "../../runtime/actor.ts";
import type { Clock } from "../../runtime/ports/index.ts";
import type { Projections } from "../../runtime/projection.ts";
import type { StreamEntry } from "../../runtime/stream-source.ts";
import { addressOfStateKey, stateKey } from "../../schema/subjects.ts";
import { Fold, type Folded, type Known, type Problem, type Read, readEnvelopes } from "./fold.ts";
import { Turns } from "./turns.ts";

/** More than two batches can touch: what a batch that is being written has changed must not be read from the tables. */
const KNOWN_MAX = 150_000;
/** Entries that are read or folded at a stretch: a millisecond's work. */
const PIECE = 50;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Batch after batch of the journal becomes rows; what is not remembered of an actor is read from its row. */
export class Folding {
  readonly #registry: Registry;
  readonly #projections: Projections;
  readonly #clock: Clock;
  #known = new LRUCache<string, Known>({ max: KNOWN_MAX });

  constructor(registry: Registry, projections: Projections, clock: Clock) {
    this.#clock = clock;
    this.#registry = registry;
    this.#projections = projections;
  }

  /** @param client finds the tables that the rows are for */
  async fold(client: pg.ClientBase, entries: readonly StreamEntry[]): Promise<Folded> {
    // A batch that was given up may go on for a while: what it concludes is of the memory that was forgotten then.
    const known = this.#known;
    const reads: Read[] = [];
    const problems: Problem[] = [];
    const turns = new Turns(this.#clock);
    for (let at = 0; at < entries.length; at += PIECE) {
      const piece = readEnvelopes(entries.slice(at, at + PIECE));
      reads.push(...piece.reads);
      problems.push(...piece.problems);
      await turns.next();
    }
    await this.#load(client, reads, known);
    const fold = new Fold(this.#registry, this.#projections, known);
    for (let at = 0; at < reads.length; at += PIECE) {
      fold.take(reads.slice(at, at + PIECE));
      await turns.next();
    }
    const folded = fold.end();
    return { ...folded, problems: [...problems, ...folded.problems] };
  }

  forget(): void {
    this.#known = new LRUCache({ max: KNOWN_MAX });
  }

  /** What the tables know of actors that this process does not. One that begins needs no look. */
  async #load(client: pg.ClientBase, reads: readonly Read[], known: LRUCache<string, Known>): Promise<void> {
    const missing = new Map<string, Set<string>>();
    const beginning = new Set<string>();
    for (const { envelope } of reads) {
      const key = stateKey(envelope);
      if (envelope.version === 1) beginning.add(key);
      else if (!beginning.has(key) && !known.has(key)) {
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
        known.set(`${kind}.${id}`, { version, state: JSON.parse(state) });
      }
    }
  }
}
