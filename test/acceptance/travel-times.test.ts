import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestServer } from "../support/server.ts";

/** Speaks as a table service does: who is north of the river takes the bridge, and half an hour. */
const RIVER_LAT = 48;
let roads: Server;
let asked = 0;
let works = true;
let server: TestServer;

beforeAll(async () => {
  roads = createServer((request, response) => {
    asked += 1;
    if (!works) {
      response.writeHead(503).end();
      return;
    }
    const [, places = ""] = /\/table\/v1\/driving\/([^?]+)/.exec(request.url ?? "") ?? [];
    const from = places.split(";").slice(0, -1);
    const seconds = from.map((place) => {
      const lat = Number(place.split(",")[1]);
      return [lat > RIVER_LAT + 0.5 ? null : lat > RIVER_LAT ? 1_800 : 240];
    });
    response.writeHead(200).end(JSON.stringify({ code: "Ok", durations: seconds }));
  });
  await new Promise<void>((resolve) => roads.listen(0, "127.0.0.1", resolve));
  const { port } = roads.address() as { port: number };
  server = await TestServer.start({ TRAVEL_TIME_URL: `http://127.0.0.1:${port}/table/v1/driving` });
});
afterAll(async () => {
  await server.stop();
  roads.close();
});

const resources = "/api/v1/resources";

async function unit(callSign: string, lat: number, more: object = {}) {
  const { body } = await server.post(`${resources}/vehicles`, { callSign, location: { lat, lon: 11 }, ...more });
  return body.id as string;
}

describe("with a provider of travel times", () => {
  it("who is there first is recommended, not who is nearest, and why is said and kept", async () => {
    await unit("ACROSS", RIVER_LAT + 0.001);
    const same = await unit("SAME", RIVER_LAT - 0.05);
    await unit("CUT-OFF", RIVER_LAT + 0.6);
    await unit("HELI", RIVER_LAT - 0.3, { category: "helicopter" });
    const id = await server.newIncident({ location: { lat: RIVER_LAT - 0.001, lon: 11 } });
    const { body } = await server.get(`${resources}/available?incidentId=${id}`);
    const shown = body.items.map(({ callSign, travelSeconds, recommended }: Record<string, unknown>) => ({
      ...{ callSign, recommended },
      travelSeconds: travelSeconds === null ? null : Math.round((travelSeconds as number) / 10) * 10,
    }));
    expect(shown).toEqual([
      { callSign: "SAME", travelSeconds: 240, recommended: true },
      { callSign: "HELI", travelSeconds: 550, recommended: false },
      { callSign: "ACROSS", travelSeconds: 1_800, recommended: false },
      { callSign: "CUT-OFF", travelSeconds: null, recommended: false },
    ]);
    expect(body.items[0].reason).toMatch(/^there in 240 s, \d+ m away, number 1; covers/);
    expect(body.inputs.units[0]).toMatchObject({ id: same, travelSeconds: 240 });

    const sent = await server.post(`/api/v1/incidents/${id}/assign`, { auto: true });
    expect(sent.body.assignments.map(({ unitId }: { unitId: string }) => unitId)).toEqual([same]);
    const { items } = (await server.get(`/api/v1/incidents/${id}/timeline`)).body;
    const recommended = items.find(({ type }: { type: string }) => type === "incident.recommended");
    expect(recommended.data.recommendation.inputs.units[0]).toMatchObject({ id: same, travelSeconds: 240 });
  });

  it("who is nearest is recommended while it fails, at once, and that is said", async () => {
    works = false;
    const id = await server.newIncident({ location: { lat: RIVER_LAT + 0.002, lon: 11 } });
    const before = asked;
    for (let time = 0; time < 3; time++) {
      const { status, body } = await server.get(`${resources}/available?incidentId=${id}`);
      expect(status).toBe(200);
      expect(body.items[0]).toMatchObject({ callSign: "ACROSS", recommended: true });
      expect(body.items[0]).not.toHaveProperty("travelSeconds");
      expect(body.inputs.travelTimesMissing).toMatch(/^travel times/);
    }
    expect(asked).toBe(before + 1);
  });
});
