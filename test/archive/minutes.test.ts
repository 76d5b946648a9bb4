import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addToMinutes } from "../../bridges/postgres/minutes.ts";
import { randomOf } from "../../runtime/sim/random.ts";
import { TestDatabase } from "../support/database.ts";
import { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

let database: TestDatabase;
let server: TestServer;

beforeAll(async () => {
  database = await TestDatabase.make();
  server = await TestServer.withArchive({ DATABASE_URL: database.url, RATE_LIMIT_PER_SECOND: "0" });
});
afterAll(async () => {
  await server?.stop();
  await database?.drop();
});

async function add(): Promise<void> {
  const client = new pg.Client({ connectionString: database.url, options: "-c search_path=tocsin_positions,public" });
  await client.connect();
  await addToMinutes(client).finally(() => client.end());
}

const LAST = "at, latitude, longitude, speed_mps, heading_degrees, accuracy_metres, sequence, ordinal";

/** All of them, as single positions say it. */
const ANEW = `
  select resource_id, minute, agency_id, fixes, refused, speed_max_mps, ${LAST} from (
    select resource_id, date_trunc('minute', at, 'UTC') as minute, min(agency_id) as agency_id, count(*)::integer as fixes,
           count(refused)::integer as refused, max(speed_mps) filter (where refused is null) as speed_max_mps
    from location_history group by 1, 2
  ) as counted left join (
    select distinct on (resource_id, date_trunc('minute', at, 'UTC')) resource_id, date_trunc('minute', at, 'UTC') as minute, ${LAST}
    from location_history where refused is null
    order by resource_id, date_trunc('minute', at, 'UTC'), at desc, sequence desc, ordinal desc
  ) as lasts using (resource_id, minute) order by resource_id, minute`;
const KEPT = `select resource_id, minute, agency_id, fixes, refused, speed_max_mps, ${LAST}
  from location_minutes order by resource_id, minute`;

describe("the minutes of positions", () => {
  it("are what all single positions say, whichever came first, each counted once; long steps are told from them", async () => {
    const random = randomOf(5);
    const vehicles = await Promise.all(["M1", "M2"].map((callSign) => server.newVehicle(callSign)));
    const startMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 7_200_000;
    const report = async (vehicle: string, fromSecond: number, count: number) => {
      const fixes = Array.from({ length: count }, (_, index) => ({
        lat: 37.7 + (fromSecond + index) / 1e7,
        // Some are far off, and refused.
        lon: random() < 0.2 ? 10 : -122.4,
        speedMps: Math.floor(random() * 30),
        at: new Date(startMs + (fromSecond + index * 7) * 1_000).toISOString(),
      }));
      expect((await server.post(`/api/v1/resources/vehicles/${vehicle}/location`, { fixes })).status).toBe(202);
    };
    for (const vehicle of vehicles) await report(vehicle, 0, 40);
    await server.archived();
    const path = (vehicle: string, more: string) =>
      `/api/v1/resources/vehicles/${vehicle}/track?refused=false&from=${new Date(startMs + 30_000).toISOString()}&${more}`;
    const tracks = async () => {
      const all = [];
      for (const vehicle of vehicles) {
        for (const resolution of [60, 120, 600]) {
          for (const to of [startMs + 250_000, startMs + 7_200_000]) {
            const more = `resolution=${resolution}&to=${new Date(to).toISOString()}`;
            all.push((await server.get(path(vehicle, more))).body.items);
          }
        }
      }
      return all;
    };
    const before = await tracks();
    expect(before.every((items) => items.length > 0)).toBe(true);
    await Promise.all([add(), add()]);
    expect(await database.rows(KEPT)).toEqual(await database.rows(ANEW));
    expect(await tracks()).toEqual(before);
    // Into minutes that are there already, and into new ones.
    await report(vehicles[0]!, 200, 40);
    await server.archived();
    const then = await tracks();
    expect(then).not.toEqual(before);
    await add();
    expect(await database.rows(KEPT)).toEqual(await database.rows(ANEW));
    expect(await tracks()).toEqual(then);
    // When single positions have gone, their minutes still tell.
    await database.rows("delete from location_history");
    const [whole] = (
      await server.get(path(vehicles[0]!, `resolution=60&to=${new Date(startMs + 240_000).toISOString()}`))
    ).body.items;
    expect(whole).toEqual(then[0][0]);
  });

  it("are added to by the projector itself", async () => {
    const vehicle = await server.newVehicle("M3");
    await server.post(`/api/v1/resources/vehicles/${vehicle}/location`, { lat: 1, lon: 2 });
    await until("its minute is there", async () => {
      const rows = await database.rows("select fixes from location_minutes where resource_id = $1", [vehicle]);
      return rows.length === 1 && rows[0]!["fixes"] === 1;
    });
  });
});
