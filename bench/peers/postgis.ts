import pg from "pg";
import type { PostgresTree } from "../../commands/postgres/programs.ts";
import { CAPABILITY, City } from "../load/city.ts";
import type { Cleanup } from "../load/cleanup.ts";
import type { Store } from "../load/finders.ts";
import { startPostgres } from "./postgres.ts";

/** PostgreSQL with PostGIS and the units of the city: an index of the places of those available, and commits that do not wait for the disk. */
export async function startPostgis(tree: PostgresTree, size: number, cleanup: Cleanup) {
  const folder = await cleanup.folder("postgis");
  const postgres = await startPostgres(folder, {
    tree,
    settings: { synchronous_commit: "off" },
    spawn: (...args) => cleanup.spawn(...args),
  });
  // Its own way to stop does not wait for connections, as SIGTERM would.
  cleanup.defer(() => postgres.stop());
  const client = new pg.Client(postgres.connection);
  // When it is stopped early, the case has failed already.
  client.on("error", () => undefined);
  await client.connect();
  const city = new City(size);
  await client.query(`
    CREATE EXTENSION postgis;
    CREATE TABLE units (id integer PRIMARY KEY, available boolean NOT NULL, capabilities text[] NOT NULL,
      at timestamptz NOT NULL, geog geography(Point, 4326) NOT NULL);`);
  await client.query(
    `INSERT INTO units SELECT id, available, CASE WHEN capable THEN ARRAY['${CAPABILITY}'] ELSE '{}' END, now(),
       ST_SetSRID(ST_MakePoint(lon, lat), 4326)::geography
     FROM unnest($1::int[], $2::bool[], $3::bool[], $4::float8[], $5::float8[]) AS u (id, available, capable, lon, lat)`,
    [
      city.units.map((_, unit) => unit),
      city.units.map(({ available }) => available),
      city.units.map(({ capable }) => capable),
      city.places.map(({ lon }) => lon),
      city.places.map(({ lat }) => lat),
    ],
  );
  await client.query("CREATE INDEX units_near ON units USING gist (geog) WHERE available");
  await client.query("VACUUM ANALYZE units");
  const { rows } = await client.query(
    "SELECT postgis_lib_version() AS postgis, current_setting('server_version') AS pg",
  );
  await client.end();
  const target: Store = { kind: "postgis", connection: postgres.connection };
  return {
    target,
    pids: [postgres.pid],
    settings: rows[0] as Readonly<Record<string, string>>,
    async stop() {
      await postgres.stop();
      await cleanup.remove(folder);
    },
  };
}
