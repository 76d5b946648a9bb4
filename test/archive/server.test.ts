import pg from "pg";
import { describe, expect, it } from "vitest";

const { DATABASE_SERVER: name = "", TEST_DATABASE_URL: url } = process.env;

const EXTENSIONS: Readonly<Record<string, readonly string[]>> = {
  postgis: ["postgis", "earthdistance", "pg_trgm"],
  timescale: ["timescaledb", "postgis", "earthdistance", "pg_trgm"],
};

// So that a run on another server is one. `npm run test:postgis` and `npm run test:timescale` set the variables.
describe.runIf(name in EXTENSIONS)("the database server that the tests were asked to run on", () => {
  it("has what it is there for", async () => {
    const client = new pg.Client(url);
    await client.connect();
    try {
      const { rows } = await client.query<{ name: string }>("SELECT name FROM pg_available_extensions");
      expect(rows.map((row) => row.name)).toEqual(expect.arrayContaining([...EXTENSIONS[name]!]));
      const { rows: loaded } = await client.query("SHOW shared_preload_libraries");
      expect(loaded[0].shared_preload_libraries.includes("timescaledb")).toBe(name === "timescale");
    } finally {
      await client.end();
    }
  });
});
