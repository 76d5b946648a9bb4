import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runner } from "node-pg-migrate";
import type { Log } from "../../runtime/ports/index.ts";
import { type Database, schemas, withClient } from "./connection.ts";
import { featuresOf, installExtensions, type ServerFeatures } from "./extensions.ts";

/** The SQL files, which the build leaves where they are. */
function migrationsOf(part: keyof typeof schemas): string {
  let folder = new URL("./", import.meta.url);
  while (!existsSync(new URL("package.json", folder))) folder = new URL("../", folder);
  return fileURLToPath(new URL(`bridges/postgres/migrations/${part}`, folder));
}

/** Brings the schemas up to date, or makes them. Whoever comes at the same time waits, and finds it done. */
export async function migrate(
  database: Database,
  log: Log,
  history: string = schemas.history,
): Promise<ServerFeatures> {
  return withClient(database, "migration", async (client) => {
    // One lock for all that is made here: extensions cannot be installed twice at once either.
    await client.query("select pg_advisory_lock($1)", [LOCK]);
    await installExtensions(client, log);
    for (const [part, schema] of [
      ["history", history],
      ["positions", schemas.positions],
      ["reports", schemas.reports],
    ] as const) {
      await runner({
        dbClient: client,
        dir: migrationsOf(part),
        direction: "up",
        // Extensions have their types and functions in `public`.
        schema: [schema, "public"],
        createSchema: true,
        migrationsSchema: schema,
        migrationsTable: "migrations",
        singleTransaction: true,
        noLock: true,
        log: () => undefined,
      });
    }
    return featuresOf(client);
  });
}

const LOCK = 7_306_015_001;
