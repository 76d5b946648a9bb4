import pg from "pg";
import {
  type AlertReportRow,
  type AlertReportsQuery,
  type Archive,
  type Archived,
  type ArchivedIncidentsQuery,
  type ArchivedQuery,
  ArchiveUnavailable,
  type FoundMessages,
  type FoundMessagesQuery,
  type ReportQuery,
  type TrackPoint,
  type TrackQuery,
} from "../../runtime/archive.ts";
import { connectionTo, type Database, isDataError, schemas, searchPath } from "./connection.ts";
import { alertReportsQuery, alertsQuery } from "./queries/alerts.ts";
import { channelsQuery } from "./queries/channels.ts";
import { incidentsQuery } from "./queries/incidents.ts";
import { messagesQuery, newestMessageQuery } from "./queries/messages.ts";
import { departedPagesQuery } from "./queries/pages.ts";
import { reportQuery } from "./queries/reports.ts";
import { pointOf, trackQuery } from "./queries/track.ts";

const CONNECTIONS = 6;
/** Who asks for more than this can give in time has asked for too much. */
const STATEMENT_TIMEOUT_MS = 10_000;
/** Dispatchers' lists must not wait for a database that does not answer. */
const CONNECT_TIMEOUT_MS = 1_500;

/** Asks the archive. It never changes anything, and gives up in time. */
export class ArchiveReader implements Archive {
  readonly #database: () => Database | undefined;
  #pool: pg.Pool | undefined;

  /** @param database undefined while it is not known yet where it is */
  constructor(database: () => Database | undefined) {
    this.#database = database;
  }

  incidents(query: ArchivedIncidentsQuery): Promise<Archived> {
    return this.#list(incidentsQuery(query));
  }

  alerts(query: ArchivedQuery): Promise<Archived> {
    return this.#list(alertsQuery(query));
  }

  departedPages(query: ArchivedQuery): Promise<Archived> {
    return this.#list(departedPagesQuery(query));
  }

  channels(query: ArchivedQuery): Promise<Archived> {
    return this.#list(channelsQuery(query));
  }

  alertReports(query: AlertReportsQuery): Promise<readonly AlertReportRow[]> {
    const { text, values } = alertReportsQuery(query);
    return this.#rows(text, values);
  }

  async #list({ text, values }: { text: string; values: unknown[] }): Promise<Archived> {
    // The checkpoint first: what is written between the two is found twice rather than not at all.
    const [checkpoint] = await this.#rows<{ sequence: string }>(
      "select sequence from checkpoint where feed = 'events'",
    );
    const rows = await this.#rows<{ id: string; version: number; state: string; distance?: number }>(text, values);
    return {
      upTo: Number(checkpoint?.sequence ?? 0),
      rows: rows.map(({ id, version, state, distance }) => ({
        id,
        version,
        state: JSON.parse(state),
        ...(distance === undefined ? {} : { distanceMetres: distance }),
      })),
    };
  }

  async track(query: TrackQuery): Promise<readonly TrackPoint[]> {
    const { text, values } = trackQuery(query);
    const rows = await this.#rows<Parameters<typeof pointOf>[0]>(text, values);
    return rows.map((row) => pointOf(row, query.resolutionSeconds));
  }

  async messages(query: FoundMessagesQuery): Promise<FoundMessages> {
    // How far it is first: what is written between the two is found twice rather than not at all.
    const [channel] = await this.#rows<{ message_count: number }>(newestMessageQuery, [query.channelId]);
    const { text, values } = messagesQuery(query);
    const rows = await this.#rows<{ number: number }>(text, values);
    return { newest: channel?.message_count ?? 0, numbers: rows.map(({ number }) => number) };
  }

  async report(name: string, query: ReportQuery): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const { text, values } = reportQuery(name, query);
    return this.#rows(text, values);
  }

  async close(): Promise<void> {
    await this.#pool?.end();
  }

  /** @throws ArchiveUnavailable for whatever is not the fault of the statement */
  async #rows<R>(text: string, values: readonly unknown[] = []): Promise<readonly R[]> {
    try {
      const { rows } = await this.#connections().query(text, [...values]);
      return rows as R[];
    } catch (error) {
      if (error instanceof ArchiveUnavailable || !isOurs(error)) {
        throw new ArchiveUnavailable(error instanceof Error ? error.message : String(error), { cause: error });
      }
      throw error;
    }
  }

  #connections(): pg.Pool {
    if (this.#pool !== undefined) return this.#pool;
    const database = this.#database();
    if (database === undefined) throw new ArchiveUnavailable("the archive has not come up yet");
    const path = searchPath(schemas.history, schemas.positions, schemas.reports);
    const settings = `${path}; set statement_timeout = ${STATEMENT_TIMEOUT_MS}; set default_transaction_read_only = on`;
    const pool = new pg.Pool({
      ...connectionTo(database, "reader"),
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      max: CONNECTIONS,
      query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
      // It is waited for, which its type does not say yet.
      onConnect: (client) => client.query(settings) as unknown as undefined,
    });
    // An idle connection that breaks is replaced when it is needed.
    pool.on("error", () => undefined);
    this.#pool = pool;
    return pool;
  }
}

/** A statement that is wrong, or a value that does not fit, is a defect of ours; missing tables are only not there yet. */
function isOurs(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  if (code === "42P01" || code === "3F000") return false;
  return isDataError(error) || (typeof code === "string" && code.startsWith("42"));
}
