import type pg from "pg";
import type { Registry } from "../../runtime/actor.ts";
import type { Clock } from "../../runtime/ports/index.ts";
import type { Projections } from "../../runtime/projection.ts";
import type { StreamEntry, StreamSource } from "../../runtime/stream-source.ts";
import type { Feed, Prepared } from "./feed.ts";
import { Folding } from "./folding.ts";
import { readied } from "./write.ts";

const BATCH_MAX = 60_000;

/** The journal: audit log, and each kind's own tables. */
export class EventsFeed implements Feed {
  readonly name = "events";
  readonly batchMax = BATCH_MAX;
  readonly onOtherStream = "refuse";
  readonly schema: string;
  readonly source: StreamSource;
  readonly begin: () => Promise<void>;
  readonly #folding: Folding;
  readonly #clock: Clock;

  /** @param begin sees to it that all tables hold everything up to the checkpoint */
  constructor(
    source: StreamSource,
    schema: string,
    registry: Registry,
    projections: Projections,
    begin: () => Promise<void>,
    clock: Clock,
  ) {
    this.#clock = clock;
    this.source = source;
    this.schema = schema;
    this.begin = begin;
    this.#folding = new Folding(registry, projections, clock);
  }

  async prepare(client: pg.ClientBase, entries: readonly StreamEntry[]): Promise<Prepared> {
    const folded = await this.#folding.fold(client, entries);
    return { problems: folded.problems, write: await readied(folded, this.#clock) };
  }

  forget(): void {
    this.#folding.forget();
  }
}
