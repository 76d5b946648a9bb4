import pg from "pg";
import type { Place } from "../../runtime/places/place.ts";
import { AVAILABLE_SHARE, CAPABILITY, CITY_SQUARE_KM, NEAREST, type NearQuery, type Unit } from "./city.ts";
import { HttpConnection } from "./http-connection.ts";
import { RedisConnection, type RedisValue } from "./redis-connection.ts";

/** A running system, as plain data: it is handed to another thread. */
export type Target =
  | {
      /** Tocsin's API: Tocsin itself, or a peer that answers the same requests. */
      readonly kind: "http";
      readonly url: string;
      readonly token: string;
      readonly ids: readonly string[];
      /** How moves are sent: many units in a request, as a feed does, or each unit for itself, so many fixes at a time. */
      readonly reports: "feed" | number;
    }
  | { readonly kind: "redis"; readonly port: number }
  | { readonly kind: "postgis"; readonly connection: pg.ClientConfig };

export type Store = Exclude<Target, { readonly kind: "http" }>;

export interface Move extends Unit {
  readonly unit: number;
  readonly place: Place;
}

/** One connection to a system. */
export interface Finder {
  /** Units by their number, nearest first. */
  nearest(query: NearQuery): Promise<number[]>;
  move(moves: readonly Move[]): Promise<void>;
  close(): Promise<void>;
}

/** How many connections report moves, and how many moves go in one message. */
export function moversOf(target: Target): { readonly connections: number; readonly batch: number } {
  if (target.kind === "http" && target.reports !== "feed") return { connections: 128, batch: 1 };
  return { connections: target.kind === "redis" ? 1 : 2, batch: 100 };
}

/** @param size how many units there are */
export function openFinder(target: Target, size: number): Promise<Finder> {
  switch (target.kind) {
    case "http":
      return httpFinder(target);
    case "redis":
      return redisFinder(target, size);
    case "postgis":
      return postgisFinder(target);
  }
}

export const callSignOf = (unit: number) => `U${unit}`;

async function httpFinder({ url, token, ids, reports }: Extract<Target, { kind: "http" }>): Promise<Finder> {
  const connection = await HttpConnection.open(url, token);
  return {
    async nearest({ from, radiusMetres, capable }) {
      const restricted = `${radiusMetres === undefined ? "" : `&radius=${radiusMetres}`}${capable ? `&capabilities=${CAPABILITY}` : ""}`;
      const path = `/api/v1/resources/available?lat=${from.lat}&lon=${from.lon}&limit=${NEAREST}${restricted}`;
      const { items } = JSON.parse(await connection.expect(200, "GET", path)) as { items: { callSign: string }[] };
      return items.map(({ callSign }) => Number(callSign.slice(1)));
    },
    async move(moves) {
      const report = async (path: string, body: unknown) => {
        const receipt = await connection.expect(202, "POST", `/api/v1/resources/${path}`, body);
        if (!receipt.includes('"refused":[]')) throw new Error(`a fix was refused: ${receipt.slice(0, 300)}`);
      };
      if (reports === "feed") {
        await report("locations", {
          fixes: moves.map(({ unit, place }) => ({ type: "vehicles", id: ids[unit], ...place })),
        });
        return;
      }
      for (const { unit, place } of moves)
        await report(`vehicles/${ids[unit]}/location`, reports === 1 ? place : fixesAt(place, reports));
    },
    close: async () => connection.close(),
  };
}

/** Taken a millisecond apart, up to now. */
function fixesAt(place: Place, count: number) {
  const now = Date.now();
  const at = (index: number) => new Date(now - (count - 1 - index)).toISOString();
  return { fixes: Array.from({ length: count }, (_, index) => ({ ...place, at: at(index) })) };
}

/** Redis knows but keys: what is asked for has a set of its own. */
export function redisKeys({ available, capable }: Unit): readonly string[] {
  if (!available) return ["unavailable"];
  return capable ? ["available", `available:${CAPABILITY}`] : ["available"];
}

/** Redis looks at all within the radius before it takes the nearest: in this one there are 40 on the average. */
const EXPECTED = 40;

/** A radius for GEOSEARCH when the question has none. */
export function guessMetresOf(size: number): number {
  const perSquareKm = (size * AVAILABLE_SHARE) / CITY_SQUARE_KM;
  return Math.sqrt(EXPECTED / perSquareKm / Math.PI) * 1_000;
}

async function redisFinder({ port }: { readonly port: number }, size: number): Promise<Finder> {
  const connection = await RedisConnection.open(port);
  return {
    async nearest({ from, radiusMetres, capable }) {
      const key = capable ? `available:${CAPABILITY}` : "available";
      for (let radius = radiusMetres ?? guessMetresOf(size); ; radius *= 2) {
        const found = (await connection.send([
          ...["GEOSEARCH", key, "FROMLONLAT", String(from.lon), String(from.lat)],
          ...["BYRADIUS", String(radius), "m", "ASC", "COUNT", String(NEAREST), "WITHDIST"],
        ])) as readonly (readonly RedisValue[])[];
        if (found.length === NEAREST || radiusMetres !== undefined) return found.map(([unit]) => Number(unit));
      }
    },
    async move(moves) {
      await connection.sendAll(
        moves.flatMap(({ unit, place, ...is }) =>
          redisKeys(is).map((key) => ["GEOADD", key, String(place.lon), String(place.lat), String(unit)]),
        ),
      );
    },
    close: async () => connection.close(),
  };
}

const POINT = "ST_SetSRID(ST_MakePoint($1, $2), 4326)::geography";
/** @param columns what is wanted of a unit beside its distance, which comes last */
export const nearestSql = (columns: string) => ({
  name: "nearest",
  text: `SELECT ${columns}, geog <-> ${POINT} AS metres FROM units
    WHERE available AND at > now() - interval '30 minutes' ORDER BY geog <-> ${POINT} LIMIT ${NEAREST}`,
});
export const nearestCapableSql = (columns: string) => ({
  name: "nearest-capable",
  text: `SELECT ${columns}, geog <-> ${POINT} AS metres FROM units
    WHERE available AND at > now() - interval '30 minutes' AND capabilities @> ARRAY[$3] AND ST_DWithin(geog, ${POINT}, $4)
    ORDER BY geog <-> ${POINT} LIMIT ${NEAREST}`,
});
const moveSql = {
  name: "move",
  text: `UPDATE units SET geog = ST_SetSRID(ST_MakePoint(moved.lon, moved.lat), 4326)::geography, at = now()
    FROM unnest($1::int[], $2::float8[], $3::float8[]) AS moved (id, lon, lat) WHERE units.id = moved.id`,
};

async function postgisFinder({ connection }: Extract<Target, { kind: "postgis" }>): Promise<Finder> {
  const client = new pg.Client(connection);
  // Its queries tell as well; without anybody who listens it would end the process.
  client.on("error", () => undefined);
  await client.connect();
  return {
    async nearest({ from, radiusMetres, capable }) {
      const { rows } = await client.query<[number, number]>({
        ...(capable ? nearestCapableSql("id") : nearestSql("id")),
        values: capable ? [from.lon, from.lat, CAPABILITY, radiusMetres] : [from.lon, from.lat],
        rowMode: "array",
      });
      return rows.map(([unit]) => unit);
    },
    async move(moves) {
      const column = (of: (move: Move) => number) => moves.map(of);
      await client.query({
        ...moveSql,
        values: [column(({ unit }) => unit), column(({ place }) => place.lon), column(({ place }) => place.lat)],
      });
    },
    close: () => client.end(),
  };
}
