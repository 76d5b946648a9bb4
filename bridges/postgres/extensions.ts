import type pg from "pg";
import type { Log } from "../../runtime/ports/index.ts";

/** What the server offers, and we use. */
export interface ServerFeatures {
  readonly version: string;
  readonly timescaledb: string | null;
  /** TimescaleDB's licence: compression, policies and continuous aggregates need `timescale`. */
  readonly timescaleLicence: string | null;
  readonly postgis: string | null;
}

/** What is used where it is there; the first three are needed, unless PostGIS stands in for the last two of them. */
const WANTED = ["pg_trgm", "cube", "earthdistance", "postgis", "timescaledb"] as const;

/** Installs what is available and not yet there, as far as this user may. @throws when something is missing that is needed */
export async function installExtensions(client: pg.ClientBase, log: Log): Promise<void> {
  const { rows } = await client.query<{ name: string; installed: boolean }>(
    `select name, installed_version is not null as installed from pg_available_extensions where name = any($1)`,
    [WANTED],
  );
  const {
    rows: [{ preloaded }],
  } = await client.query(`select current_setting('shared_preload_libraries') as preloaded`);
  const found = new Set<string>();
  for (const name of WANTED) {
    const extension = rows.find((one) => one.name === name);
    if (extension === undefined) continue;
    // Without being preloaded it would end the connection.
    if (name === "timescaledb" && !extension.installed && !String(preloaded).includes(name)) continue;
    if (extension.installed || (await install(client, name, log))) found.add(name);
  }
  const places = found.has("postgis") || (found.has("cube") && found.has("earthdistance"));
  if (found.has("pg_trgm") && places) return;
  throw new Error(
    "the archive needs the extensions pg_trgm, and cube with earthdistance or postgis: have a superuser create them",
  );
}

async function install(client: pg.ClientBase, name: string, log: Log): Promise<boolean> {
  try {
    await client.query(`create extension if not exists ${name} with schema public cascade`);
    return true;
  } catch (error) {
    log.warn(
      { error, extension: name },
      "PostgreSQL has this extension, but it could not be installed: it is not used",
    );
    return false;
  }
}

export async function featuresOf(client: pg.ClientBase): Promise<ServerFeatures> {
  const { rows } = await client.query<{ extname: string; extversion: string }>(
    "select extname, extversion from pg_extension where extname in ('timescaledb', 'postgis')",
  );
  const { rows: settings } = await client.query(
    `select current_setting('server_version') as version, current_setting('timescaledb.license', true) as licence`,
  );
  const versionOf = (name: string) => rows.find(({ extname }) => extname === name)?.extversion ?? null;
  const timescaledb = versionOf("timescaledb");
  return {
    version: settings[0].version,
    timescaledb,
    timescaleLicence: timescaledb === null ? null : settings[0].licence,
    postgis: versionOf("postgis"),
  };
}
