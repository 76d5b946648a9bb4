import type { Socket } from "node:net";
import pg from "pg";

/** Where the archive's tables are. */
export const schemas = { history: "tocsin", positions: "tocsin_positions", reports: "tocsin_reports" } as const;

export type Database = pg.ClientConfig;

const CONNECT_TIMEOUT_MS = 5_000;
/** A goodbye that is not answered by then never will be. */
const END_TIMEOUT_MS = 1_000;

/** What every connection of ours has; a server that is gone without a word is noticed. */
export function connectionTo(database: Database, purpose: string): Database {
  return {
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    ...database,
    application_name: `tocsin ${purpose}`,
  };
}

/** Names are looked for in these schemas, then where extensions usually are. */
export function searchPath(...names: readonly string[]): string {
  return `set search_path to ${names.map((name) => pg.escapeIdentifier(name)).join(", ")}, public`;
}

/** Where the database is said to be, none answers, or none that lets us in. It says where, without the password. */
export class DatabaseUnreachable extends Error {
  override name = "DatabaseUnreachable";

  constructor({ host, port, database = "of no name" }: pg.Client, cause: unknown) {
    const { message, code } = cause as { readonly message: string; readonly code?: string };
    super(`no PostgreSQL lets us in at ${host}:${port}, database ${database}: ${message || code}`, { cause });
  }
}

/** A connection for one task. What breaks it makes the next query fail; nothing is thrown past the task. */
export async function withClient<T>(
  database: Database,
  purpose: string,
  task: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(connectionTo(database, purpose));
  client.on("error", () => undefined);
  try {
    await client.connect().catch((cause) => {
      throw new DatabaseUnreachable(client, cause);
    });
    return await task(client);
  } finally {
    const socket = client.connection.stream as Socket;
    socket.setTimeout(END_TIMEOUT_MS, () => socket.destroy());
    await client.end().catch(() => undefined);
  }
}

/** All of it, or nothing. */
export async function inTransaction<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query("begin");
  try {
    const result = await work();
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}

/** All of it, or nothing of it, within a transaction that goes on. */
export async function inSavepoint(client: pg.ClientBase, work: () => Promise<void>): Promise<void> {
  await client.query("savepoint work");
  try {
    await work();
    await client.query("release savepoint work");
  } catch (error) {
    await client.query("rollback to savepoint work; release savepoint work").catch(() => undefined);
    throw error;
  }
}

/** SQLSTATE classes 22 (data exception) and 23 (integrity): the same values would be refused again. */
export function isDataError(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === "string" && /^2[23]/.test(code);
}
