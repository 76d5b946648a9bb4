import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestServer } from "../support/server.ts";
import { recordsOf } from "../support/telemetry.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

const resources = "/api/v1/resources";
const incidents = "/api/v1/incidents";
const here = { lat: 48, lon: 11 };
/** Metres to the east of a place, about. */
const east = (metres: number, from = here) => ({
  lat: from.lat,
  lon: from.lon + metres / (111_195 * Math.cos(0.8378)),
});

async function unit(callSign: string, more: object = {}, type = "vehicles"): Promise<string> {
  const { body } = await server.post(`${resources}/${type}`, { callSign, ...more });
  return body.id;
}

interface Item {
  readonly callSign: string;
  readonly distance: number;
  readonly recommended?: boolean;
  readonly reason?: string;
}
const namesOf = (items: readonly Item[]) => items.map(({ callSign }) => callSign);

async function available(query: string): Promise<readonly Item[]> {
  const { body, status } = await server.get(`${resources}/available?${query}`);
  expect({ status, body }).toMatchObject({ status: 200 });
  return body.items;
}

describe("who is near and may be sent", () => {
  it("is answered nearest first, by radius, type, category and capabilities, crew and equipment included", async () => {
    await unit("N3", { location: east(3_000), capabilities: ["engine"], category: "engine" });
    const n1 = await unit("N1", { location: east(1_000) });
    await unit("N2", { location: east(2_000), status: "out_of_service" });
    await unit("N9", { location: east(9_000), capabilities: ["engine"] });
    await unit("P1", { location: east(500) }, "personnel");
    const medic = await unit("MEDIC", { capabilities: ["als"] }, "personnel");
    await server.post(`${resources}/personnel/${medic}/attach`, { carrierId: n1 });
    const around = `lat=${here.lat}&lon=${here.lon}`;

    const near = await available(`${around}&radius=5000&type=vehicles`);
    expect(namesOf(near)).toEqual(["N1", "N3"]);
    expect(near[0]!.distance).toBeGreaterThan(990);
    expect(near[0]!.distance).toBeLessThan(1_010);
    expect(namesOf(await available(`${around}&capabilities=engine`))).toEqual(["N3", "N9"]);
    expect(namesOf(await available(`${around}&capabilities=als`))).toEqual(["N1"]);
    expect(namesOf(await available(`${around}&category=engine`))).toEqual(["N3"]);
    expect(namesOf(await available(`${around}&limit=1`))).toEqual(["P1"]);
    expect(namesOf(await available("type=vehicles"))).toEqual(["N1", "N3", "N9"]);
    const nearby = await server.get(`${resources}/nearby?${around}&availability=any&type=vehicles`);
    expect(namesOf(nearby.body.items)).toEqual(["N1", "N2", "N3"]);
    expect((await server.get(`${resources}/nearby`)).status).toBe(422);
    expect((await server.get(`${resources}/available?lat=1`)).status).toBe(422);
  });

  it("follows the last plausible position at once, and forgets it when it is old", async () => {
    const id = await unit("MOVES", { location: { lat: 10, lon: 10 } });
    const report = (fixes: object[]) => server.post(`${resources}/vehicles/${id}/location`, { fixes });
    const soon = new Date(Date.now() + 3_000).toISOString();
    const moved = await report([
      { lat: 10.001, lon: 10, at: soon },
      { lat: 50, lon: 50, at: soon },
    ]);
    expect(moved.body).toEqual({ accepted: 1, refused: [{ index: 1, reason: "too_fast" }] });
    const [nearest] = await available("lat=10.001&lon=10&radius=10");
    expect(nearest).toMatchObject({ callSign: "MOVES", distance: 0 });
    expect((await server.get(`${resources}/vehicles/${id}`)).body).toMatchObject({
      location: { lat: 10.001, lon: 10 },
      version: 1,
    });
    const old = await unit("OLD");
    const halfAnHourAgo = new Date(Date.now() - 31 * 60_000).toISOString();
    await server.post(`${resources}/vehicles/${old}/location`, { lat: 20, lon: 20, at: halfAnHourAgo });
    expect(await available("lat=20&lon=20&radius=100")).toEqual([]);
    expect((await server.get(`${resources}/vehicles/${old}`)).body.location).toMatchObject({ lat: 20 });
  });

  it("keeps the last position over a restart of the board", async () => {
    const id = await unit("STAYS", { location: { lat: 30, lon: 30 } });
    await server.post(`${resources}/vehicles/${id}/location`, { lat: 30.0001, lon: 30 });
    const last = (await recordsOf(server.node.ports, id)).at(-1);
    expect(last).toMatchObject({ v: 1, by: "admin", fixes: [{ lat: 30.0001, lon: 30 }] });
  });

  it("reaches across the antimeridian and over the pole", async () => {
    await unit("WEST", { location: { lat: 0, lon: -179.999 } });
    await unit("POLE", { location: { lat: 89.999, lon: 180 } });
    expect(namesOf(await available("lat=0&lon=179.999&radius=300"))).toEqual(["WEST"]);
    expect(namesOf(await available("lat=89.999&lon=0&radius=300"))).toEqual(["POLE"]);
  });
});

describe("a recommendation", () => {
  const place = { lat: -33, lon: 151 };

  it("names the nearest that may be sent, why each ranks where it does, and what it was made from", async () => {
    const far = await unit("FAR", { location: east(2_000, place) });
    await unit("NEAR", { location: east(500, place) });
    const incident = await server.newIncident({ location: place });
    const { body } = await server.get(`${resources}/available?incidentId=${incident}&radius=10000`);
    expect(namesOf(body.items)).toEqual(["NEAR", "FAR"]);
    expect(body.items.map(({ recommended }: Item) => recommended)).toEqual([true, false]);
    expect(body.items[0].reason).toMatch(/m away, number 1; covers vehicles/);
    expect(body.shortfalls).toEqual([]);
    expect(body.inputs).toMatchObject({
      incident: { id: incident, version: 1 },
      units: [expect.objectContaining({ version: 1, sequence: expect.any(Number) }), { id: far }],
    });
  });

  it("is taken by auto, kept on the timeline, given again to who repeats it, and refused when there is nobody", async () => {
    const incident = await server.newIncident({ location: place });
    const key = { "idempotency-key": "auto-1" };
    const sent = await server.post(`${incidents}/${incident}/assign`, { auto: true }, key);
    expect(sent.body.assignments).toHaveLength(1);
    const again = await server.post(`${incidents}/${incident}/assign`, { auto: true }, key);
    expect(again.body).toEqual(sent.body);
    const { items } = (await server.get(`${incidents}/${incident}/timeline`)).body;
    expect(items[1]).toMatchObject({ type: "incident.recommended", data: { recommendation: { shortfalls: [] } } });
    // One vehicle is what is needed, and one is there.
    const more = await server.post(`${incidents}/${incident}/assign`, { auto: true });
    expect(more.body).toMatchObject({ status: 409, code: "nothing_recommended" });
    expect((await server.post(`${incidents}/${incident}/assign`, {})).status).toBe(422);
  });
});

describe("incidents in a place", () => {
  it("are found around a point, in a box and in a polygon, with the other filters, a page at a time", async () => {
    const ids: string[] = [];
    for (const [index, lon] of [179.99, -179.99, -179.9, 170].entries())
      ids.push(
        await server.newIncident({ location: { lat: -17, lon }, priority: 1 + (index % 2), title: `Fiji ${index}` }),
      );
    const [a, b, c] = ids;
    const listed = async (query: string) => (await server.get(`${incidents}?${query}`)).body;
    const idsOf = (body: { items: { id: string }[] }) => body.items.map(({ id }) => id);

    const near = await listed("lat=-17&lon=-179.99&radius=20000");
    expect(idsOf(near)).toEqual([b, a, c]);
    expect(near.items[0].distance).toBe(0);
    expect(idsOf(await listed("lat=-17&lon=-179.99&radius=20000&priority=1"))).toEqual([a, c]);
    const first = await listed("lat=-17&lon=-179.99&radius=20000&limit=2");
    expect(idsOf(first)).toEqual([b, a]);
    expect(idsOf(await listed(`lat=-17&lon=-179.99&radius=20000&limit=2&cursor=${first.next}`))).toEqual([c]);
    expect(idsOf(await listed("bbox=179,-18,-179,-16"))).toEqual([c, b, a]);
    expect(idsOf(await listed("polygon=179,-18 -179.95,-18 -179.95,-16 179,-16"))).toEqual([b, a]);
    const page = await listed("bbox=179,-18,-179,-16&limit=2");
    expect(idsOf(await listed(`bbox=179,-18,-179,-16&limit=2&cursor=${page.next}`))).toEqual([a]);
    await server.patch(`${incidents}/${a}`, { location: null });
    expect(idsOf(await listed("bbox=179,-18,-179,-16"))).toEqual([c, b]);
  });

  it.each([
    ["bbox=1,2,3", 422],
    ["bbox=1,50,2,40", 422],
    ["polygon=0,0 1,1", 422],
    ["lat=91&lon=0", 422],
    ["lat=1&lon=1&bbox=0,0,1,1", 422],
    ["lat=1&lon=1&cursor=x", 422],
    ["radius=5", 422],
  ])("are refused for %s", async (query, status) => {
    expect((await server.get(`${incidents}?${query}`)).status).toBe(status);
  });
});
