import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestServer } from "../support/server.ts";
import { recordsOf } from "../support/telemetry.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

const feed = "/api/v1/resources/locations";
const vehicle = (id: string) => `/api/v1/resources/vehicles/${id}`;
const now = Date.now();
const ago = (seconds: number) => new Date(now - seconds * 1_000).toISOString();

describe("fixes of many units in one request", () => {
  it("move each of them, and those that are refused are named by their index, each with its reason", async () => {
    const [a, b, retired] = [
      await server.newVehicle("FEED1"),
      await server.newVehicle("FEED2"),
      await server.newVehicle("FEED3"),
    ];
    await server.post(`${vehicle(retired)}/retire`, { reason: "sold" });
    const elsewhere = await server.tokenFor({ sub: "other", agency: "elsewhere", roles: ["dispatcher"] });
    const theirs = await server.post(
      "/api/v1/resources/vehicles",
      { callSign: "THEIRS" },
      { authorization: `Bearer ${elsewhere}` },
    );
    const nobody = "01a20c40-0000-7000-8000-000000000001";
    const fix = (id: string, lat: number, seconds: number, type = "vehicles") => ({
      ...{ type, id, lat, lon: 10 },
      ...{ at: ago(seconds), speedMps: 12.5 },
    });
    const { status, body } = await server.post(feed, {
      fixes: [
        fix(a, 20, 60),
        fix(b, 30, 60),
        fix(retired, 1, 60),
        fix(theirs.body.id, 1, 60),
        fix(nobody, 1, 60),
        fix(a, 20.001, 30),
        fix(b, 30, 60),
        fix(a, 1, 20, "equipment"),
        fix(a, 60, 10),
      ],
    });
    expect({ status, body }).toEqual({
      status: 202,
      body: {
        accepted: 3,
        refused: [
          { index: 2, reason: "retired" },
          { index: 3, reason: "not_found" },
          { index: 4, reason: "not_found" },
          { index: 6, reason: "duplicate" },
          { index: 7, reason: "not_found" },
          { index: 8, reason: "too_fast" },
        ],
      },
    });
    expect((await server.get(vehicle(a))).body.location).toMatchObject({ lat: 20.001, speedMps: 12.5 });
    expect((await server.get(vehicle(b))).body.location).toMatchObject({ lat: 30 });
    const { body: their } = await server.get(vehicle(theirs.body.id), { authorization: `Bearer ${elsewhere}` });
    expect(their.location).toBeNull();
  });

  it("are judged by the limits that their agency has set, for a category or for all others", async () => {
    const admin = {
      authorization: `Bearer ${await server.tokenFor({ sub: "a", agency: "harbour", roles: ["admin"] })}`,
    };
    const make = async (callSign: string, category?: string) =>
      (await server.post("/api/v1/resources/vehicles", { callSign, category }, admin)).body.id;
    const [boat, car, heli] = [await make("B1", "boat"), await make("C1"), await make("H1", "helicopter")];
    /** 400 m in 10 s: 144 km/h. */
    const step = async () => {
      const fixes = [0, 0.0036].flatMap((north, step) =>
        [boat, car, heli].map((id) => ({ type: "vehicles", id, lat: 54 + north, lon: 10, at: ago(60 - step * 10) })),
      );
      return (await server.post(feed, { fixes }, admin)).body;
    };
    const limits = [
      { category: "boat", speedMaxKmh: 100 },
      { category: "*", speedMaxKmh: 130 },
    ];
    const set = (items: object[]) => server.request("PUT", "/api/v1/configuration/positionLimits", { items }, admin);
    expect((await set([{ ...limits[0], speedMaxKmh: -1 }])).status).toBe(422);
    expect(await set(limits)).toMatchObject({ status: 200, body: { version: 1, positionLimits: limits } });
    expect(await step()).toEqual({
      accepted: 4,
      refused: [
        { index: 3, reason: "too_fast" },
        { index: 4, reason: "too_fast" },
      ],
    });
    const one = { lat: 54.0036, lon: 10, at: ago(50) };
    const alone = async (id: string) => (await server.post(`${vehicle(id)}/location`, one, admin)).body.refused;
    expect(await alone(car)).toEqual([{ index: 0, reason: "too_fast" }]);
    await set([]);
    expect(await alone(car)).toEqual([]);
  });

  it("may be a thousand, and the answer is not given before all of them are kept", async () => {
    const units = await Promise.all(Array.from({ length: 50 }, (_, index) => server.newVehicle(`CROWD${index}`)));
    const fixes = Array.from({ length: 1_000 }, (_, index) => ({
      ...{ type: "vehicles", id: units[index % 50]!, lat: 40 + Math.floor(index / 50) / 10_000, lon: 10 },
      at: ago(60 - Math.floor(index / 50)),
    }));
    const { status, body } = await server.post(feed, { fixes });
    expect({ status, body }).toEqual({ status: 202, body: { accepted: 1_000, refused: [] } });
    const kept = await Promise.all(
      units.map(async (id) => (await recordsOf(server.node.ports, id)).map(({ fixes }) => fixes.length)),
    );
    expect(kept).toEqual(units.map(() => [20]));
    expect((await server.post(feed, { fixes: [...fixes, fixes[0]] })).status).toBe(422);
    expect((await server.post(feed, { fixes: [] })).status).toBe(422);
  });
});
