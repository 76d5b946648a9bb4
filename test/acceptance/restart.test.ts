import { jetstreamManager } from "@nats-io/jetstream";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { stateKey } from "../../schema/subjects.ts";
import { smoke, TestServer } from "../support/server.ts";

const admin = { subject: "admin", agencies: ["default"], roles: ["admin"] } as const;

/** Stopped at the test's end, however that comes. */
async function started(...given: Parameters<typeof TestServer.start>): Promise<TestServer> {
  const server = await TestServer.start(...given);
  onTestFinished(() => server.stop());
  return server;
}

describe("a node", () => {
  it("keeps everything over a restart: entities, lists, numbers, first answers, deadlines", async () => {
    const before = await started();
    const id = await before.newIncident();
    const unitId = await before.newVehicle("E1");
    await before.post(`/api/v1/incidents/${id}/assign`, { unitId });
    const keyed = await before.post("/api/v1/incidents", smoke, { "idempotency-key": "k" });
    const patched = await before.patch(`/api/v1/incidents/${id}`, { title: "T" }, { "idempotency-key": "p" });
    const { dataDir } = before;
    await before.stop(true);

    const after = await started({}, dataDir);
    expect(after.token).toBe(before.token);
    expect((await after.get(`/api/v1/incidents/${id}`)).body).toEqual(patched.body);
    expect((await after.get(`/api/v1/resources/vehicles/${unitId}`)).body).toMatchObject({ incidentId: id });
    expect((await after.get("/api/v1/incidents")).body.items).toHaveLength(2);
    expect((await after.post("/api/v1/incidents", smoke, { "idempotency-key": "k" })).body).toEqual(keyed.body);
    const again = await after.patch(`/api/v1/incidents/${id}`, { title: "T" }, { "idempotency-key": "p" });
    expect(again.body).toEqual(patched.body);
    const next = await after.post("/api/v1/incidents", smoke);
    expect(next.body.incidentNumber > keyed.body.incidentNumber).toBe(true);
    // Every actor has its snapshot, and the checkpoint says so.
    expect(await after.node.ports.state.get(stateKey({ kind: "incident", id }))).toBeDefined();
    expect(Number((await after.node.ports.config.get("checkpoint-2"))?.value)).toBeGreaterThanOrEqual(5);
  });

  it("knows where each unit was last when all of its positions are too old to be kept, and starts without any", async () => {
    const before = await started();
    const [moved, still] = [await before.newVehicle("E1"), await before.newVehicle("E2")];
    await before.post(`/api/v1/resources/vehicles/${moved}/location`, { lat: 10, lon: 20, speedMps: 3 });
    const { location } = (await before.get(`/api/v1/resources/vehicles/${moved}`)).body;
    expect(location).toMatchObject({ lat: 10, lon: 20, speedMps: 3 });
    // As the stream itself does after its days.
    const streams = (await jetstreamManager(before.node.ports.connection.nc)).streams;
    expect((await streams.purge("LOCATIONS")).purged).toBe(1);
    const { dataDir } = before;
    await before.stop(true);

    const after = await started({}, dataDir);
    expect((await after.get(`/api/v1/resources/vehicles/${moved}`)).body.location).toEqual(location);
    expect((await after.get(`/api/v1/resources/vehicles/${still}`)).body.location).toBeNull();
    const [nearest] = (await after.get("/api/v1/resources/nearby?lat=10&lon=20&radius=1")).body.items;
    expect(nearest).toMatchObject({ id: moved, distance: 0 });
    const again = await after.post(`/api/v1/resources/vehicles/${moved}/location`, { ...location, at: location.at });
    expect(again.body).toEqual({ accepted: 0, refused: [{ index: 0, reason: "duplicate" }] });
  });

  it("asks for one agency's journal where it knows the agency: the server looks through all of them otherwise", async () => {
    const before = await started();
    const id = await before.newIncident();
    const { dataDir } = before;
    await before.stop(true);

    const after = await started({}, dataDir);
    const read = vi.spyOn(after.node.ports.journal, "read");
    expect((await after.get(`/api/v1/incidents/${id}`)).status).toBe(200);
    expect((await after.get(`/api/v1/incidents/${id}/timeline`)).status).toBe(200);
    const ofIt = read.mock.calls.map(([subject]) => subject).filter((subject) => subject.endsWith(id));
    expect([...new Set(ofIt)]).toEqual([`evt.default.incident.${id}`]);
    expect((await after.get(`/api/v1/incidents/01a20c40-0000-7000-8000-000000000000`)).status).toBe(404);
  });

  it("goes on from the last positions when their stream is gone and made anew", async () => {
    const before = await started();
    const id = await before.newVehicle("E1");
    const at = (secondsAgo: number) => new Date(Date.now() - secondsAgo * 1_000).toISOString();
    for (let step = 0; step < 5; step++)
      await before.post(`/api/v1/resources/vehicles/${id}/location`, {
        lat: 10 + step / 1e4,
        lon: 20,
        at: at(60 - step),
      });
    const { dataDir } = before;
    await (await jetstreamManager(before.node.ports.connection.nc)).streams.delete("LOCATIONS");
    await before.stop(true);

    const after = await started({}, dataDir);
    const place = async () => (await after.get(`/api/v1/resources/vehicles/${id}`)).body.location;
    expect(await place()).toMatchObject({ lat: 10.0004 });
    const moved = await after.post(`/api/v1/resources/vehicles/${id}/location`, { lat: 10.0005, lon: 20 });
    expect(moved.body).toEqual({ accepted: 1, refused: [] });
    expect(await place()).toMatchObject({ lat: 10.0005 });
  });

  it("refuses to run with another number of partitions than the cluster was made with", async () => {
    const before = await started({ PARTITIONS: "8" });
    const { dataDir } = before;
    await before.stop(true);
    await expect(TestServer.start({ PARTITIONS: "9" }, dataDir)).rejects.toThrow("made with 8 partitions");
  });

  it("refuses to listen beyond this machine without keys", async () => {
    await expect(TestServer.start({ HOST: "0.0.0.0" })).rejects.toThrow("JWT_SECRET_FILE or JWKS_URL");
  });

  it("buries a poisonous command, tells its sender, and serves everyone else", async () => {
    const server = await started();
    const id = await server.newIncident();
    const options = { by: admin, requestId: "r-1" };
    const reply = await server.node.client.ask({ kind: "incident", id }, { type: "nonsense" }, options);
    expect(reply).toMatchObject({ ok: false, code: "poison" });
    const [letter] = await server.node.ports.deadLetters.list(10);
    expect(letter).toMatchObject({ kind: "incident", id, requestId: "r-1" });
    expect(letter?.reason).toContain("knows no command nonsense");
    expect((await server.patch(`/api/v1/incidents/${id}`, { title: "alive" })).status).toBe(200);
    expect((await server.get("/health/ready")).body.ready).toBe(true);
  });
});
