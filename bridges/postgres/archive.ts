import pg from "pg";
import { type Archive, type JournalEntry, PortUnavailable } from "../../runtime/ports/index.ts";
import { type Address, subjects } from "../../schema/subjects.ts";
import { connectionTo, schemas } from "./connection.ts";

const CONNECTIONS_MAX = 4;
/** A dispatcher waits no longer for the past. */
const STATEMENT_TIMEOUT_MS = 10_000;

const READ = `select sequence, agency_id, envelope from ${pg.escapeIdentifier(schemas.history)}.audit_log
  where kind = $1 and entity_id = $2 and sequence > $3 and sequence < $4 order by version`;

const BETWEEN = `select sequence, agency_id, kind, entity_id, envelope from ${pg.escapeIdentifier(schemas.history)}.audit_log
  where sequence > $1 and sequence < $2 order by sequence limit $3`;

/** What PostgreSQL keeps of the journal. */
export class PostgresArchive implements Archive {
  readonly #urlOf: () => string | undefined;
  readonly #timeoutMs: number;
  #pool: pg.Pool | undefined;

  /**
   * @param urlOf where the database is; undefined while it has not come up yet
   * @param timeoutMs how long it may take over an answer
   */
  constructor(urlOf: () => string | undefined, timeoutMs = STATEMENT_TIMEOUT_MS) {
    this.#urlOf = urlOf;
    this.#timeoutMs = timeoutMs;
  }

  async read(of: Address, after: number, below: number): Promise<readonly JournalEntry[]> {
    const rows = await this.#query(READ, [of.kind, of.id, after, below]);
    return rows.map(({ sequence, agency_id, envelope }) => ({
      sequence: Number(sequence),
      subject: subjects.events(String(agency_id), of),
      payload: String(envelope),
    }));
  }

  /** Everybody's entries between two sequences, in order; at most `limit`. @throws PortUnavailable */
  async between(after: number, below: number, limit: number): Promise<readonly JournalEntry[]> {
    const rows = await this.#query(BETWEEN, [after, below, limit]);
    return rows.map(({ sequence, agency_id, kind, entity_id, envelope }) => ({
      sequence: Number(sequence),
      subject: subjects.events(String(agency_id), { kind: String(kind), id: String(entity_id) }),
      payload: String(envelope),
    }));
  }

  /** The projector does not wait for the disk; one commit that does has all before it written as well. */
  async onDisk(): Promise<void> {
    await this.#query("set synchronous_commit = on; select pg_logical_emit_message(true, 'tocsin', '')");
  }

  async close(): Promise<void> {
    await this.#pool?.end();
  }

  async #query(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]> {
    try {
      const result = await this.#connections().query(text, values === undefined ? undefined : [...values]);
      return result.rows ?? [];
    } catch (error) {
      throw new PortUnavailable(`the archive does not answer: ${error instanceof Error ? error.message : error}`);
    }
  }

  #connections(): pg.Pool {
    if (this.#pool !== undefined) return this.#pool;
    const connectionString = this.#urlOf();
    if (connectionString === undefined) throw new PortUnavailable("the archive has not come up yet");
    this.#pool = new pg.Pool({
      ...connectionTo({ connectionString, statement_timeout: this.#timeoutMs }, "archive"),
      // A server that is gone without a word gives up nothing by itself; its connection goes, too.
      query_timeout: this.#timeoutMs + 1_000,
      max: CONNECTIONS_MAX,
    });
    // A connection that breaks while it is idle; the next query gets another.
    this.#pool.on("error", () => undefined);
    return this.#pool;
  }
}
