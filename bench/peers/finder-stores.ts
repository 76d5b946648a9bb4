import pg from "pg";
import { CAPABILITY, City, NEAREST, type NearQuery } from "../load/city.ts";
import {
  guessMetresOf,
  type Move,
  nearestCapableSql,
  nearestSql,
  openFinder,
  redisKeys,
  type Store,
} from "../load/finders.ts";
import { RedisConnection, type RedisValue } from "../load/redis-connection.ts";
import { describe, type Found, idsOf } from "./finder-units.ts";

/** What an application keeps in a store, and asks of it, to answer who is near with whole units. */
export interface FinderStore {
  nearest(query: NearQuery): Promise<readonly Found[]>;
  move(moves: readonly Omit<Move, "available" | "capable">[]): Promise<void>;
}

const LOAD_BATCH = 1_000;

export function openStore(store: Store, size: number): Promise<FinderStore> {
  return store.kind === "redis" ? openRedis(store.port, size) : openPostgis(store, size);
}

/** Places in sets, what else is known of a unit in a hash, and the time of its last fix in another: two round trips a question. */
async function openRedis(port: number, size: number): Promise<FinderStore> {
  const connection = await RedisConnection.open(port);
  const { units } = new City(size);
  const at = new Date().toISOString();
  const ids = idsOf(size);
  for (let from = 0; from < size; from += LOAD_BATCH) {
    const some = Array.from({ length: Math.min(LOAD_BATCH, size - from) }, (_, index) => from + index);
    await connection.sendAll([
      ["HSET", "units", ...some.flatMap((unit) => [String(unit), describe(ids[unit]!, unit, units[unit]!, at)])],
      ["HSET", "at", ...some.flatMap((unit) => [String(unit), at])],
    ]);
  }
  return {
    async nearest({ from, radiusMetres, capable }) {
      const key = capable ? `available:${CAPABILITY}` : "available";
      for (let radius = radiusMetres ?? guessMetresOf(size); ; radius *= 2) {
        const found = (await connection.send([
          ...["GEOSEARCH", key, "FROMLONLAT", String(from.lon), String(from.lat)],
          ...["BYRADIUS", String(radius), "m", "ASC", "COUNT", String(NEAREST), "WITHCOORD", "WITHDIST"],
        ])) as readonly [string, string, readonly [string, string]][];
        if (found.length < NEAREST && radiusMetres === undefined) continue;
        if (found.length === 0) return [];
        const names = found.map(([unit]) => unit);
        const [described, times] = (await connection.sendAll([
          ["HMGET", "units", ...names],
          ["HMGET", "at", ...names],
        ])) as readonly RedisValue[][];
        return found.map(([, metres, [lon, lat]], index) => ({
          described: described![index] as string,
          at: times![index] as string,
          ...{ lat: Number(lat), lon: Number(lon), distance: Number(metres) },
        }));
      }
    },
    async move(moves) {
      const now = new Date().toISOString();
      await connection.sendAll([
        ...moves.flatMap(({ unit, place }) =>
          redisKeys(units[unit]!).map((key) => ["GEOADD", key, String(place.lon), String(place.lat), String(unit)]),
        ),
        ["HSET", "at", ...moves.flatMap(({ unit }) => [String(unit), now])],
      ]);
    },
  };
}

/** Enough for as many as ask here at the same time. */
const CONNECTIONS = 8;

/** All in the row: one round trip a question. */
async function openPostgis(store: Extract<Store, { kind: "postgis" }>, size: number): Promise<FinderStore> {
  const pool = new pg.Pool({ ...store.connection, max: CONNECTIONS });
  // Its queries tell as well; without anybody who listens it would end the process.
  pool.on("error", () => undefined);
  const { units } = new City(size);
  const at = new Date().toISOString();
  const described = idsOf(size).map((id, unit) => describe(id, unit, units[unit]!, at));
  await pool.query("ALTER TABLE units ADD COLUMN described text");
  await pool.query(
    "UPDATE units SET described = given.described FROM unnest($1::int[], $2::text[]) AS given (id, described) WHERE units.id = given.id",
    [units.map((_, unit) => unit), described],
  );
  await pool.query("VACUUM FULL ANALYZE units");
  const mover = await openFinder(store, size);
  const columns = "described, ST_Y(geog::geometry), ST_X(geog::geometry), at";
  return {
    async nearest({ from, radiusMetres, capable }) {
      const { rows } = await pool.query<[string, number, number, Date, number]>({
        ...(capable ? nearestCapableSql(columns) : nearestSql(columns)),
        values: capable ? [from.lon, from.lat, CAPABILITY, radiusMetres] : [from.lon, from.lat],
        rowMode: "array",
      });
      return rows.map(([text, lat, lon, time, distance]) => ({
        ...{ described: text, lat, lon, distance },
        at: time.toISOString(),
      }));
    },
    move: (moves) => mover.move(moves.map((move) => ({ ...move, ...units[move.unit]! }))),
  };
}
