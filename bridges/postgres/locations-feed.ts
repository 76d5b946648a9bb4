import type pg from "pg";
import type { Clock } from "../../runtime/ports/index.ts";
import type { Row, Table, TelemetryProjection } from "../../runtime/projection.ts";
import type { StreamEntry, StreamSource } from "../../runtime/stream-source.ts";
import { type KeptRecord, unpackRecords } from "../../schema/telemetry.ts";
import { schemas } from "./connection.ts";
import { copyText } from "./copy-text.ts";
import type { Feed, Prepared } from "./feed.ts";
import { type Problem, textOf } from "./fold.ts";
import type { Partitions } from "./partitions.ts";
import { Turns } from "./turns.ts";
import { copy } from "./write.ts";

/** Messages; each has many records. */
const BATCH_MAX = 250;
const DAY_MS = 86_400_000;
/** A fix that says it is older or newer than this when it arrives is kept aside. */
const OLDEST_MS = 30 * DAY_MS;
const NEWEST_MS = DAY_MS;

/**
 * Sequences of a stream that had to be made anew go on above those of the one before: they count from when it was made, in
 * milliseconds, as those of the runtime do. On the average no stream takes a message in each.
 */
export function originOf(epoch: string): number {
  return Date.parse(epoch);
}

/** Positions, each fix a row. */
export class LocationsFeed<R extends Row & { readonly at: string }> implements Feed {
  readonly name = "locations";
  readonly schema = schemas.positions;
  readonly batchMax = BATCH_MAX;
  // Telemetry of another stream is only more telemetry.
  readonly onOtherStream = "goOn";
  readonly source: StreamSource;
  readonly #projection: TelemetryProjection<R>;
  readonly #partitions: Partitions;
  readonly #clock: Clock;
  readonly #history: Table;
  readonly #outliers: Table;
  #origin = 0;

  constructor(
    source: StreamSource,
    projection: TelemetryProjection<R>,
    columns: Table<R>["columns"],
    partitions: Partitions,
    clock: Clock,
  ) {
    this.#clock = clock;
    this.source = source;
    this.#projection = projection;
    this.#partitions = partitions;
    this.#history = { name: "location_history", columns };
    this.#outliers = { name: "location_outliers", columns };
  }

  async begin(): Promise<void> {
    this.#origin = originOf((await this.source.state()).epoch);
  }

  async prepare(_client: pg.ClientBase, entries: readonly StreamEntry[]): Promise<Prepared> {
    const history: Buffer[] = [];
    const outliers: Buffer[] = [];
    const days = new Set<number>();
    const problems: Problem[] = [];
    const turns = new Turns(this.#clock);
    for (const entry of entries) {
      let problem: string | undefined;
      const rows: { readonly history: Row[]; readonly outliers: Row[] } = { history: [], outliers: [] };
      for (const record of unpackRecords(entry.subject, entry.payload, this.#origin + entry.sequence)) {
        try {
          for (const row of this.#rowsOf(record)) {
            const atMs = Date.parse(row.at);
            if (atMs > entry.keptMs - OLDEST_MS && atMs < entry.keptMs + NEWEST_MS) {
              rows.history.push(row.at.endsWith("Z") ? row : { ...row, at: new Date(atMs).toISOString() });
              days.add(Math.floor(atMs / DAY_MS));
            } else rows.outliers.push({ ...row, at: storable(atMs) });
          }
        } catch (error) {
          problem ??= textOf(error);
        }
      }
      // Its other records are none the worse for one that cannot be read.
      if (problem !== undefined) problems.push({ entry, problem });
      if (rows.history.length > 0) history.push(Buffer.from(copyText(this.#history, rows.history)));
      if (rows.outliers.length > 0) outliers.push(Buffer.from(copyText(this.#outliers, rows.outliers)));
      await turns.next();
    }
    return {
      problems,
      write: async (writing) => {
        await this.#partitions.make(writing, days);
        await copy(writing, this.#history, history);
        await copy(writing, this.#outliers, outliers);
      },
    };
  }

  forget(): void {
    this.#partitions.forget();
  }

  #rowsOf({ of, payload, sequence }: KeptRecord): readonly R[] {
    if (of.kind !== this.#projection.kind) return [];
    return this.#projection.rows(of.id, of.agency, JSON.parse(payload), sequence);
  }
}

/** PostgreSQL knows no year 0, and offsets of less than 16 hours only. */
function storable(atMs: number): string {
  const text = Number.isNaN(atMs) ? "" : new Date(atMs).toISOString();
  return /^(?!0000)\d{4}-/.test(text) ? text : atMs > 0 ? "infinity" : "-infinity";
}
