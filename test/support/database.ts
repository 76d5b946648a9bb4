import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { PostgresServer } from "../../commands/postgres/server.ts";
import { silent } from "../../runtime/sim/process.ts";

/** An empty database on the server that the run is on; where none was named, on one of the package's own. */
export class TestDatabase {
  readonly url: string;
  /** Only where the server is our own. */
  readonly server: PostgresServer | undefined;
  readonly #drop: () => Promise<void>;

  private constructor(url: string, server: PostgresServer | undefined, drop: () => Promise<void>) {
    this.url = url;
    this.server = server;
    this.#drop = drop;
  }

  static async make(): Promise<TestDatabase> {
    const given = process.env["TEST_DATABASE_URL"];
    if (given === undefined) {
      const folder = mkdtempSync(join(tmpdir(), "tocsin-postgres-"));
      const server = new PostgresServer({ dataDir: folder }, silent);
      const drop = async () => {
        await server.stop();
        rmSync(folder, { recursive: true, force: true });
      };
      await server.start().catch(async (error) => {
        await drop();
        throw error;
      });
      return new TestDatabase(server.url, server, drop);
    }
    const name = `tocsin_${randomBytes(6).toString("hex")}`;
    await rowsAt(given, `create database ${name}`);
    const url = new URL(given);
    url.pathname = `/${name}`;
    return new TestDatabase(url.href, undefined, () =>
      rowsAt(given, `drop database ${name} with (force)`).then(() => {}),
    );
  }

  /** In the archive's schemas. */
  async rows<R = Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<readonly R[]> {
    return rowsAt<R>(this.url, text, values);
  }

  drop(): Promise<void> {
    return this.#drop();
  }
}

/** Of any database, in the archive's schemas. */
export async function rowsAt<R = Record<string, unknown>>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly R[]> {
  const client = new pg.Client({
    connectionString: url,
    options: "-c search_path=tocsin,tocsin_positions,tocsin_reports,public",
  });
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows as R[];
  } finally {
    await client.end();
  }
}
