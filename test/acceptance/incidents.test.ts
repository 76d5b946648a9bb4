import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

const at = (id: string, more = "") => `/api/v1/incidents/${id}${more}`;
const unitAt = (id: string, more = "") => `/api/v1/resources/vehicles/${id}${more}`;

/** The same requests by somebody else. */
async function as(agency: string, ...roles: string[]) {
  const authorization = `Bearer ${await server.tokenFor({ sub: `${agency}-${roles[0]}`, agency, roles })}`;
  return {
    get: (path: string) => server.get(path, { authorization }),
    post: (path: string, body: unknown) => server.post(path, body, { authorization }),
    patch: (path: string, body: unknown) => server.patch(path, body, { authorization }),
    delete: (path: string) => server.request("DELETE", path, undefined, { authorization }),
  };
}

const remove = (path: string) => server.request("DELETE", path);

async function typesOf(id: string): Promise<string[]> {
  const { body } = await server.get(at(id, "/timeline"));
  return body.items.map(({ type }: { type: string }) => type);
}

describe("the alarm level", () => {
  it("rises by a step or to a given one, never falls, and is on the timeline", async () => {
    const id = await server.newIncident();
    expect((await server.post(at(id, "/alarm"), { reason: "second floor" })).body).toMatchObject({ alarmLevel: 2 });
    expect((await server.post(at(id, "/alarm"), { level: 4, reason: "roof" })).body).toMatchObject({ alarmLevel: 4 });
    const lower = await server.post(at(id, "/alarm"), { level: 4, reason: "again" });
    expect(lower.body).toMatchObject({ status: 409, code: "alarm_at_limit", alarmLevel: 4 });
    expect((await server.post(at(id, "/alarm"), { level: 11, reason: "?" })).status).toBe(422);
    expect(await typesOf(id)).toEqual(["incident.created", "incident.alarm_raised", "incident.alarm_raised"]);
  });
});

describe("duplicates", () => {
  it.each([
    ["the older", 0, 1],
    ["the newer", 1, 0],
  ])("are merged into %s of two, and point to it", async (_which, keep, drop) => {
    const ids = [await server.newIncident(), await server.newIncident()];
    const [stays, goes] = [ids[keep]!, ids[drop]!];
    expect((await server.post(at(stays, "/merge"), { duplicateId: goes })).body).toMatchObject({
      id: stays,
      status: "new",
    });
    expect((await server.get(at(goes))).body).toMatchObject({
      status: "closed",
      disposition: "duplicate",
      mergedIntoId: stays,
    });
    expect(await typesOf(stays)).toEqual(["incident.created", "incident.merged"]);
    const again = await server.post(at(stays, "/merge"), { duplicateId: goes });
    expect(again.body).toMatchObject({ status: 409, code: "not_mergeable" });
    expect((await server.patch(at(goes), { status: "new" })).body).toMatchObject({ status: "new", mergedIntoId: null });
  });

  it("are refused while units work on them, and of themselves", async () => {
    const [stays, goes] = [await server.newIncident(), await server.newIncident()];
    const unitId = await server.newVehicle("M1");
    await server.post(at(goes, "/assign"), { unitId });
    const refused = await server.post(at(stays, "/merge"), { duplicateId: goes });
    expect(refused.body).toMatchObject({ status: 409, code: "units_assigned", unitIds: [unitId] });
    expect((await server.post(at(stays, "/merge"), { duplicateId: stays })).body).toMatchObject({
      code: "not_mergeable",
    });
    expect(await typesOf(stays)).toEqual(["incident.created"]);
  });
});

describe("parts of an incident", () => {
  it("name a parent that is there, and no circle", async () => {
    const parent = await server.newIncident();
    const child = await server.newIncident({ parentId: parent });
    expect((await server.get(`/api/v1/incidents?parentId=${parent}`)).body.items).toMatchObject([{ id: child }]);
    const nobody = "00000000-0000-7000-8000-000000000000";
    for (const [id, parentId] of [
      [parent, child],
      [parent, parent],
      [parent, nobody],
    ]) {
      const refused = await server.patch(at(id!), { parentId });
      expect(refused.body).toMatchObject({ status: 422, issues: [{ path: "parentId" }] });
    }
    const created = await server.post("/api/v1/incidents", { type: "a", category: "b", title: "c", parentId: nobody });
    expect(created.status).toBe(422);
    expect((await server.patch(at(child), { parentId: null })).body.parentId).toBeNull();
  });
});

describe("links", () => {
  it("are made and taken away on both sides at once", async () => {
    const [one, other] = [await server.newIncident(), await server.newIncident()];
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      expect((await server.post(at(from, "/links"), { incidentId: to })).body.links).toEqual([to]);
      expect((await server.get(at(to))).body.links).toEqual([from]);
      expect((await remove(at(to, `/links/${from}`))).body.links).toEqual([]);
      expect((await server.get(at(from))).body.links).toEqual([]);
    }
    expect((await server.post(at(one, "/links"), { incidentId: one })).body).toMatchObject({ code: "not_linkable" });
  });
});

describe("an incident shared with another agency", () => {
  it("is seen by it, worked on by its own units, and otherwise the owner's", async () => {
    const guest = await as("guest", "supervisor");
    const id = await server.newIncident({ title: "Shared" });
    const ours = await server.newVehicle("OURS");
    expect((await guest.get(at(id))).status).toBe(404);
    expect((await server.post(at(id, "/shares"), { agencyId: "guest" })).body.sharedWith).toEqual(["guest"]);
    expect((await guest.get(at(id))).body).toMatchObject({ id, agencyId: "default" });
    expect((await guest.get("/api/v1/incidents")).body.items).toMatchObject([{ id }]);
    expect((await guest.get(at(id, "/timeline"))).status).toBe(200);

    const theirs = (await guest.post("/api/v1/resources/vehicles", { callSign: "THEIRS" })).body.id;
    expect((await guest.post(at(id, "/assign"), { unitId: theirs })).status).toBe(200);
    expect((await guest.post(at(id, "/assign"), { unitId: ours })).status).toBe(404);
    await server.post(at(id, "/assign"), { unitId: ours });
    expect((await guest.patch(unitAt(theirs, "/status"), { status: "en_route" })).body.status).toBe("en_route");
    expect((await guest.patch(at(id), { status: "on_scene", unitId: ours })).status).toBe(404);

    const refused: Answer[] = [
      await guest.patch(at(id), { title: "Mine" }),
      await guest.post(at(id, "/escalate"), { reason: "x" }),
      await guest.post(at(id, "/shares"), { agencyId: "third" }),
      await guest.patch(at(id), { status: "resolved" }),
      await guest.post(at(id, "/alarm"), { reason: "x" }),
    ];
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    const denied = await guest.post(at(id, "/close"), { disposition: "x" });
    expect(denied.status).toBe(403);

    // Revoked: out of sight, but the crew at work there can still say where it is, and the owner can still free it.
    await remove(at(id, "/shares/guest"));
    expect((await guest.get(at(id))).status).toBe(404);
    expect((await guest.get("/api/v1/incidents")).body.items).toEqual([]);
    expect((await guest.patch(unitAt(theirs, "/status"), { status: "on_scene" })).body.status).toBe("on_scene");
    expect((await server.patch(at(id), { status: "resolved" })).body.status).toBe("resolved");
    expect((await guest.get(unitAt(theirs))).body).toMatchObject({ status: "available", incidentId: null });
    expect(await typesOf(id)).toContain("incident.unshared");
  });

  it("is not to be linked or merged by the guest with its own", async () => {
    const guest = await as("guest", "dispatcher");
    const id = await server.newIncident();
    await server.post(at(id, "/shares"), { agencyId: "guest" });
    const theirs = (await guest.post("/api/v1/incidents", { type: "a", category: "b", title: "c" })).body.id;
    for (const [on, body] of [
      [at(id, "/merge"), { duplicateId: theirs }],
      [at(theirs, "/merge"), { duplicateId: id }],
      [at(id, "/links"), { incidentId: theirs }],
      [at(theirs, "/links"), { incidentId: id }],
    ] as const)
      expect((await guest.post(on, body)).status).toBe(403);
    expect((await guest.get(at(theirs))).body).toMatchObject({ status: "new", links: [] });
  });
});

describe("the past", () => {
  it("is shown as it was, by time and by sequence of the journal", async () => {
    const id = await server.newIncident({ title: "First" });
    const states: { body: Answer["body"]; sequence: string; at: string }[] = [];
    const keep = ({ body, headers }: Answer) =>
      states.push({ body, sequence: headers.get("tocsin-sequence")!, at: body.updatedAt });
    keep(await server.get(at(id)));
    keep(await server.patch(at(id), { title: "Second" }));
    const unitId = await server.newVehicle("PAST");
    keep(await server.post(at(id, "/assign"), { unitId }));
    keep(await server.patch(at(id), { status: "cancelled" }));
    expect(new Set(states.map(({ at }) => at)).size).toBe(states.length);
    for (const { body, sequence, at: time } of states) {
      expect((await server.get(at(id, `?at=${sequence}`))).body).toEqual(body);
      expect((await server.get(at(id, `?at=${time}`))).body).toEqual(body);
    }
    expect((await server.get(at(id, "?at=2001-01-01T00:00:00Z"))).status).toBe(404);
    expect((await server.get(at(id, "?at=yesterday"))).status).toBe(422);
  });

  it("is checked along its hash chain, by supervisors of its own agency", async () => {
    const id = await server.newIncident();
    await server.patch(at(id), { title: "Changed" });
    const path = `/api/v1/audit/verify?kind=incident&id=${id}`;
    expect((await server.get(path)).body).toEqual({ kind: "incident", id, intact: true, verified: 2, firstBad: null });
    expect((await (await as("default", "dispatcher")).get(path)).status).toBe(403);
    expect((await (await as("guest", "admin")).get(path)).status).toBe(404);
    const { sequence } = (await server.get(at(id, "/timeline"))).body.items[1];
    const { journal } = server.node.ports;
    const forged = JSON.stringify({
      ...JSON.parse((await journal.read(`evt.*.incident.${id}`, sequence - 1, 1))[0]!.payload),
      version: 3,
      prev: "AAAA",
    });
    await journal.append([{ subject: `evt.default.incident.${id}`, payload: forged, expectedSequence: sequence }]);
    const { body } = await server.get(path);
    expect(body).toMatchObject({ intact: false, verified: 2 });
    expect(body.firstBad).toMatchObject({
      sequence: expect.any(Number),
      problem: expect.stringContaining("hash chain"),
    });
  });
});
