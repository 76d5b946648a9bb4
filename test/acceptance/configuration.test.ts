import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sections } from "../../schema/configuration.ts";
import { smoke, TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

const path = "/api/v1/configuration";
const vehicles = "/api/v1/resources/vehicles";
const label = "L";

type Bearer = Readonly<Record<string, string>>;

async function as(agency: string | string[], ...roles: string[]): Promise<Bearer> {
  return { authorization: `Bearer ${await server.tokenFor({ sub: roles.join(), agency, roles })}` };
}

/** An agency of its own, with its admin; what one test configures does not bind another. */
async function newAgency(): Promise<{ id: string; admin: Bearer }> {
  const id = `agency-${Math.random().toString(36).slice(2, 10)}`;
  return { id, admin: await as(id, "admin") };
}

const put = (section: string, items: unknown, headers: Readonly<Record<string, string>>) =>
  server.request("PUT", `${path}/${section}`, { items }, headers);

describe("a configuration", () => {
  it("is there before anything is configured: empty, at version 0", async () => {
    const { id, admin } = await newAgency();
    const { status, body, headers } = await server.get(path, admin);
    const empty = Object.fromEntries(sections.map((section) => [section, []]));
    expect({ status, body }).toEqual({ status: 200, body: { agencyId: id, version: 0, updatedAt: null, ...empty } });
    expect(headers.get("etag")).toBe('"0"');
    expect((await server.get(`${path}/runCards`, admin)).body).toEqual({ items: [] });
    expect((await server.get(`${path}/timeline`, admin)).body).toEqual({ items: [], next: null });
    const same = await put("runCards", [], admin);
    expect(same).toMatchObject({ status: 200, body: { agencyId: id, version: 0 } });
    expect((await server.get(`${path}/nothing`, admin)).status).toBe(404);
  });

  it("is replaced section by section, and what was read may be sent back", async () => {
    const { id, admin } = await newAgency();
    const items = [{ code: "engine", label: "Engine" }];
    const first = await put("capabilities", items, admin);
    expect(first).toMatchObject({ status: 200, body: { agencyId: id, version: 1, capabilities: items, runCards: [] } });
    expect(first.headers.get("etag")).toBe('"1"');
    const runCards = [
      { incidentType: "*", alarms: [{ level: 1, requires: [{ capabilities: ["engine"], count: 2 }] }] },
      {
        incidentType: "fire",
        priorities: [1],
        alarms: [{ level: 1, requires: [{ capabilities: [], types: ["vehicles"], count: 3 }] }],
      },
    ];
    expect((await put("runCards", runCards, admin)).body).toMatchObject({ version: 2, capabilities: items, runCards });
    const read = await server.get(`${path}/runCards`, admin);
    expect(read.body).toEqual({ items: runCards });
    const back = await server.request("PUT", `${path}/runCards`, read.body, {
      ...admin,
      "if-match": read.headers.get("etag")!,
    });
    expect(back).toMatchObject({ status: 200, body: { version: 2 } });
  });

  it("has each section documented for itself", async () => {
    const { paths } = (await server.get("/openapi.json")).body;
    const { put } = paths[`${path}/runCards`];
    expect(put).toMatchObject({ operationId: "putRunCards", "x-roles": ["admin"] });
    expect(put.requestBody.content["application/json"].schema).toEqual({ $ref: "#/components/schemas/RunCards" });
    for (const section of sections) expect(Object.keys(paths[`${path}/${section}`])).toEqual(["get", "put"]);
  });

  it("is changed by admins alone, and read by whoever belongs to the agency", async () => {
    const { id } = await newAgency();
    for (const role of ["dispatcher", "responder", "supervisor"]) {
      const bearer = await as(id, role);
      expect((await put("dispositions", [{ code: "done", label }], bearer)).status).toBe(403);
      expect((await server.get(path, bearer)).status).toBe(200);
    }
    expect((await server.get(path, await as(id, "device"))).status).toBe(403);
    expect((await server.get(path, { authorization: "Bearer none" })).status).toBe(401);
  });

  it("is the agency's own", async () => {
    const one = await newAgency();
    const other = await newAgency();
    await put("dispositions", [{ code: "secret", label }], one.admin);
    for (const place of [path, `${path}/dispositions`, `${path}/timeline`]) {
      expect((await server.get(`${place}?agencyId=${one.id}`, other.admin)).status).toBe(403);
    }
    const foreign = await server.request("PUT", `${path}/dispositions?agencyId=${one.id}`, { items: [] }, other.admin);
    expect(foreign.status).toBe(403);
    expect((await server.get(path, other.admin)).body).toMatchObject({ agencyId: other.id, dispositions: [] });
    const both = await as([other.id, one.id], "admin");
    expect((await server.get(path, both)).body.agencyId).toBe(other.id);
    expect((await server.get(`${path}?agencyId=${one.id}`, both)).body.dispositions).toEqual([
      { code: "secret", label },
    ]);
    const changed = await server.request(
      "PUT",
      `${path}/capabilities?agencyId=${one.id}`,
      { items: [{ code: "x", label }] },
      both,
    );
    expect(changed.body).toMatchObject({ agencyId: one.id, version: 2 });
    expect((await server.get(path, other.admin)).body.version).toBe(0);
  });

  it("is not overwritten by who has read an older one, nor twice by who repeats himself", async () => {
    const { admin } = await newAgency();
    const etag = (await server.get(path, admin)).headers.get("etag")!;
    const first = await put("capabilities", [{ code: "a", label }], { ...admin, "if-match": etag });
    expect(first.status).toBe(200);
    const stale = await put("capabilities", [{ code: "b", label }], { ...admin, "if-match": etag });
    expect(stale).toMatchObject({ status: 412, body: { code: "version_mismatch", version: 1 } });

    const key = { ...admin, "idempotency-key": "k1" };
    const once = await put("capabilities", [{ code: "b", label }], key);
    await put("capabilities", [{ code: "c", label }], admin);
    const again = await put("capabilities", [{ code: "b", label }], key);
    expect(again.body).toEqual(once.body);
    expect((await server.get(path, admin)).body).toMatchObject({ version: 3, capabilities: [{ code: "c", label }] });
    expect((await put("capabilities", [], key)).body.code).toBe("idempotency_key_reused");
  });

  it("is refused where it does not fit, with every place", async () => {
    const { admin } = await newAgency();
    const wrong = await put(
      "incidentTypes",
      [
        { code: "a", label },
        { code: "a", label },
        { code: "b", label: 5 },
      ],
      admin,
    );
    expect(wrong).toMatchObject({ status: 422, body: { code: "invalid_body" } });
    expect(wrong.body.issues.map((issue: { path: string }) => issue.path)).toContain("items[2].label");
    await put("incidentTypes", [{ code: "fire", label }], admin);
    await put("capabilities", [{ code: "engine", label }], admin);
    const card = (incidentType: string, capability: string) => ({
      incidentType,
      alarms: [{ level: 1, requires: [{ capabilities: [capability], count: 1 }] }],
    });
    const lost = await put("runCards", [card("fire", "engine"), card("flood", "boat")], admin);
    expect(lost.status).toBe(422);
    expect(lost.body.issues.map((issue: { path: string }) => issue.path)).toEqual([
      "items[1].incidentType",
      "items[1].alarms[0].requires[0].capabilities[0]",
    ]);
    const ambiguous = await put("runCards", [card("fire", "engine"), card("fire", "engine")], admin);
    expect(ambiguous.body.issues).toMatchObject([
      { path: "items[1].incidentType", message: expect.stringContaining("ambiguous") },
    ]);
    await put("runCards", [card("fire", "engine")], admin);
    const needed = await put("capabilities", [{ code: "boat", label }], admin);
    expect(needed).toMatchObject({
      status: 422,
      body: { issues: [{ path: "items", message: expect.stringContaining("engine is missing") }] },
    });
    expect((await server.get(path, admin)).body).toMatchObject({
      version: 3,
      capabilities: [{ code: "engine", label }],
    });
  });

  it("tells who changed what from what to what and when, a page at a time, and its chain is whole", async () => {
    const { id, admin } = await newAgency();
    const [a, b] = [[{ code: "a", label }], [{ code: "b", label }]];
    await put("capabilities", a, admin);
    await put("dispositions", a, admin);
    await put("capabilities", b, admin);
    const { body } = await server.get(`${path}/timeline`, await as(id, "dispatcher"));
    const change = { type: "agency.configured", by: "admin", at: expect.stringMatching(/^\d{4}-.*Z$/) };
    expect(body).toMatchObject({
      items: [
        { ...change, data: { section: "capabilities", from: [], to: a } },
        { ...change, data: { section: "dispositions", from: [], to: a } },
        { ...change, data: { section: "capabilities", from: a, to: b } },
      ],
      next: null,
    });
    const first = await server.get(`${path}/timeline?limit=2`, admin);
    const second = await server.get(`${path}/timeline?limit=2&cursor=${first.body.next}`, admin);
    expect([...first.body.items, ...second.body.items]).toEqual(body.items);
    const audit = await server.get(`/api/v1/audit/verify?kind=agency&id=${id}`, admin);
    expect(audit.body).toMatchObject({ intact: true, verified: 3 });
  });
});

describe("what an agency has configured", () => {
  it("are the statuses its resources have, which are told when they last too long", async () => {
    const { id, admin } = await newAgency();
    const dispatcher = await as(id, "dispatcher");
    await put(
      "statuses",
      [
        { code: "fuelling", base: "out_of_service", label: "Fuelling", warnAfterSeconds: 1, types: ["vehicles"] },
        { code: "at hospital", base: "transporting", label: "At hospital" },
        { code: "returning", base: "returning", label: "Returning", warnAfterSeconds: 3_600 },
      ],
      admin,
    );
    const unit = (await server.post(vehicles, { callSign: "E1" }, dispatcher)).body.id;
    const become = (status: string, of = `${vehicles}/${unit}`) => server.patch(`${of}/status`, { status }, dispatcher);
    expect((await become("fuelling")).body).toMatchObject({
      status: "out_of_service",
      statusCode: "fuelling",
      availability: "unavailable",
      statusOverdue: false,
    });
    await expect
      .poll(async () => (await server.get(`${vehicles}/${unit}`, dispatcher)).body.statusOverdue, { timeout: 20_000 })
      .toBe(true);
    expect((await become("returning")).body).toMatchObject({
      status: "returning",
      statusCode: null,
      statusOverdue: false,
    });
    const { items } = (await server.get(`${vehicles}/${unit}/timeline`, dispatcher)).body;
    expect(items.at(-1)).toMatchObject({ data: { to: "returning", warnAfterMs: 3_600_000 } });

    const unheardOf = await become("dancing");
    expect(unheardOf).toMatchObject({ status: 422, body: { code: "invalid_body", issues: [{ path: "status" }] } });
    for (const known of ["available", "off_duty", "fuelling", "at hospital"]) {
      expect(unheardOf.body.issues[0].message).toContain(known);
    }
    const people = "/api/v1/resources/personnel";
    const person = (await server.post(people, { callSign: "P1" }, dispatcher)).body.id;
    const notTheirs = await become("fuelling", `${people}/${person}`);
    expect(notTheirs.status).toBe(422);
    expect(notTheirs.body.issues[0].message).not.toContain("off_duty, fuelling");

    const incident = (await server.post("/api/v1/incidents", smoke, dispatcher)).body.id;
    await server.post(`/api/v1/incidents/${incident}/assign`, { unitId: unit }, dispatcher);
    expect((await become("at hospital")).body).toMatchObject({ status: "transporting", statusCode: "at hospital" });
    expect((await server.get(`/api/v1/incidents/${incident}`, dispatcher)).body.status).toBe("on_scene");
  });

  it("are the statuses of the resource's own agency, whoever else may act for it; others learn nothing", async () => {
    const one = await newAgency();
    const other = await newAgency();
    await put("statuses", [{ code: "fuelling", base: "out_of_service", label }], one.admin);
    const unit = (await server.post(vehicles, { callSign: "E1" }, one.admin)).body.id;
    const both = await as([other.id, one.id], "dispatcher");
    const set = (status: string, by: Bearer) => server.patch(`${vehicles}/${unit}/status`, { status }, by);
    expect((await set("fuelling", both)).body).toMatchObject({ statusCode: "fuelling" });
    expect((await set("dancing", other.admin)).status).toBe(404);
    const foreign = await server.patch(`${vehicles}/${unit}`, { category: "dancing" }, other.admin);
    expect(foreign.status).toBe(404);
    const unit2 = (await server.post(vehicles, { callSign: "E1" }, other.admin)).body.id;
    expect((await server.patch(`${vehicles}/${unit2}/status`, { status: "fuelling" }, both)).status).toBe(422);
  });

  it("are the categories and capabilities its resources have", async () => {
    const { admin } = await newAgency();
    await put(
      "resourceCategories",
      [
        { code: "engine", type: "vehicles", label },
        { code: "medic", type: "personnel", label },
      ],
      admin,
    );
    await put("capabilities", [{ code: "pump", label }], admin);
    const wrong = await server.post(
      vehicles,
      { callSign: "E1", category: "medic", capabilities: ["pump", "boat"] },
      admin,
    );
    expect(wrong).toMatchObject({ status: 422, body: { issues: [{ path: "category" }, { path: "capabilities[1]" }] } });
    expect(wrong.body.issues[0].message).toContain("engine");
    const made = await server.post(vehicles, { callSign: "E1", category: "engine", capabilities: ["pump"] }, admin);
    expect(made.status).toBe(201);
    const at = `${vehicles}/${made.body.id}`;
    expect((await server.patch(at, { capabilities: ["boat"] }, admin)).body.issues).toMatchObject([
      { path: "capabilities[0]" },
    ]);
    expect((await server.patch(at, { category: "medic" }, admin)).status).toBe(422);
    expect((await server.patch(at, { category: null, capabilities: [], name: "N" }, admin)).status).toBe(200);
  });

  it("are the types, default priorities and dispositions of its incidents", async () => {
    const { admin } = await newAgency();
    const incidents = "/api/v1/incidents";
    const report = { type: "fire", category: "fire", title: "T" };
    expect((await server.post(incidents, report, admin)).body).toMatchObject({ priority: 3 });
    await put(
      "incidentTypes",
      [
        { code: "fire", label, priority: 1 },
        { code: "alarm", label },
      ],
      admin,
    );
    await put("dispositions", [{ code: "out", label }], admin);
    const wrong = await server.post(incidents, { ...report, type: "flood" }, admin);
    expect(wrong).toMatchObject({ status: 422, body: { issues: [{ path: "type" }] } });
    expect(wrong.body.issues[0].message).toContain("fire, alarm");
    expect((await server.post(incidents, { ...report, type: "alarm" }, admin)).body.priority).toBe(3);
    expect((await server.post(incidents, { ...report, priority: 4 }, admin)).body.priority).toBe(4);
    const key = { ...admin, "idempotency-key": "first" };
    const made = await server.post(incidents, report, key);
    expect(made.body.priority).toBe(1);
    const at = `${incidents}/${made.body.id}`;
    expect((await server.patch(at, { type: "flood" }, admin)).body.issues).toMatchObject([{ path: "type" }]);
    expect((await server.patch(at, { type: "alarm", title: "A" }, admin)).body).toMatchObject({ type: "alarm" });
    await server.patch(at, { status: "cancelled" }, admin);
    const resolved = (await server.post(incidents, report, admin)).body.id;
    const unit = (await server.post(vehicles, { callSign: "E1" }, admin)).body.id;
    await server.post(`${incidents}/${resolved}/assign`, { unitId: unit }, admin);
    await server.patch(`${incidents}/${resolved}`, { status: "resolved" }, admin);
    const close = (disposition: string) => server.post(`${incidents}/${resolved}/close`, { disposition }, admin);
    expect((await close("burnt down")).body.issues).toMatchObject([{ path: "disposition" }]);
    expect((await close("out")).body.status).toBe("closed");

    // A repetition is the first request again, whatever has been configured since.
    await put("incidentTypes", [{ code: "alarm", label }], admin);
    expect(await server.post(incidents, report, key)).toMatchObject({ status: 201, body: { id: made.body.id } });
    expect((await server.post(incidents, report, admin)).status).toBe(422);
  });
});

it("a configuration outlives a restart", async () => {
  const { admin } = await newAgency();
  await put("capabilities", [{ code: "pump", label }], admin);
  const before = await server.get(path, admin);
  await server.stop(true);
  server = await TestServer.start({}, server.dataDir);
  expect((await server.get(path, admin)).body).toEqual(before.body);
  const refused = await server.post(vehicles, { callSign: "E1", capabilities: ["boat"] }, admin);
  expect(refused.status).toBe(422);
});
