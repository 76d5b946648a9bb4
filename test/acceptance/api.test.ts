import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RECENT_COMMANDS_MAX } from "../../runtime/recent-commands.ts";
import { smoke, TestServer } from "../support/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ RATE_LIMIT_PER_SECOND: "20" });
});
afterAll(() => server.stop());

const incidents = "/api/v1/incidents";
const vehicles = "/api/v1/resources/vehicles";

describe("a call", () => {
  it("becomes an incident, gets a unit, and closes", async () => {
    const made = await server.post(incidents, smoke);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ ...smoke, status: "new", version: 1, assignments: [], reportedById: "admin" });
    expect(made.body.incidentNumber).toMatch(/^DEFAULT-\d{4}-\d{6}$/);
    expect(made.headers.get("location")).toBe(`${incidents}/${made.body.id}`);
    expect(made.headers.get("etag")).toBe('"1"');
    const at = `${incidents}/${made.body.id}`;
    const unitId = await server.newVehicle("E01");

    expect((await server.post(`${at}/assign`, { unitId })).body).toMatchObject({ status: "assigned" });
    const moved = await server.patch(`${vehicles}/${unitId}/status`, { status: "en_route" });
    expect(moved.body).toMatchObject({ status: "en_route", incidentId: made.body.id, availability: "unavailable" });
    expect((await server.get(at)).body.status).toBe("en_route");
    expect((await server.patch(at, { status: "on_scene" })).body.status).toBe("on_scene");
    expect((await server.get(`${vehicles}/${unitId}`)).body.status).toBe("on_scene");
    await server.patch(`${vehicles}/${unitId}/status`, { status: "transporting" });
    expect((await server.get(at)).body.status).toBe("on_scene");
    expect((await server.patch(at, { status: "resolved" })).body).toMatchObject({ status: "resolved" });
    expect((await server.get(`${vehicles}/${unitId}`)).body).toMatchObject({ status: "available", incidentId: null });
    const closed = await server.post(`${at}/close`, { disposition: "fire out" });
    expect(closed.body).toMatchObject({ status: "closed", disposition: "fire out" });

    const { body: timeline } = await server.get(`${at}/timeline`);
    expect(timeline.items.map(({ type }: { type: string }) => type)).toEqual([
      "incident.created",
      "incident.assigned",
      "incident.status_changed",
      "incident.unit_status_changed",
      "incident.status_changed",
      "incident.unit_status_changed",
      "incident.status_changed",
      "incident.unit_status_changed",
      "incident.resolved",
      "incident.closed",
    ]);
    const first = await server.get(`${at}/timeline?limit=2`);
    const second = await server.get(`${at}/timeline?limit=500&cursor=${first.body.next}`);
    expect([...first.body.items, ...second.body.items]).toEqual(timeline.items);
  });

  it("may have its unit replaced, be cancelled, and be reopened by a supervisor", async () => {
    const at = `${incidents}/${await server.newIncident()}`;
    const [one, two] = [await server.newVehicle("R1"), await server.newVehicle("R2")];
    await server.post(`${at}/assign`, { unitIds: [one] });
    const replaced = await server.post(`${at}/assign`, { unitId: two, replaces: one });
    expect(replaced.body.assignments.map((a: { status: string }) => a.status)).toEqual(["cleared", "assigned"]);
    expect((await server.get(`${vehicles}/${one}`)).body.status).toBe("available");
    expect((await server.patch(at, { status: "cancelled", reason: "hoax" })).body.status).toBe("cancelled");
    expect((await server.get(`${vehicles}/${two}`)).body.incidentId).toBeNull();
    const token = await server.tokenFor({ sub: "d", agency: "default", roles: ["dispatcher"] });
    const asDispatcher = { authorization: `Bearer ${token}` };
    expect((await server.patch(at, { status: "new" }, asDispatcher)).status).toBe(403);
    expect((await server.patch(at, { status: "new" })).body.status).toBe("new");
  });

  it("may be changed, noted and escalated", async () => {
    const at = `${incidents}/${await server.newIncident()}`;
    expect((await server.patch(at, { title: "Chimney", note: "caller rang off" })).body.title).toBe("Chimney");
    expect((await server.post(`${at}/escalate`, { reason: "spreading" })).body.priority).toBe(1);
    expect(await server.post(`${at}/escalate`, { reason: "again" })).toMatchObject({
      status: 409,
      body: { code: "priority_at_limit" },
    });
  });
});

describe("what does not fit", () => {
  it("is 422 with every issue and its path", async () => {
    const { status, body, headers } = await server.post(incidents, { priority: 9, location: { lat: 91, lon: 0 } });
    expect(status).toBe(422);
    expect(headers.get("content-type")).toBe("application/problem+json");
    const paths = body.issues.map(({ path }: { path: string }) => path);
    expect(paths).toEqual(expect.arrayContaining(["type", "category", "title", "priority", "location.lat"]));
    expect(body.requestId).toBe(headers.get("x-request-id"));
  });

  it.each([
    ["nested by the hundred thousand", `{"a":${"[".repeat(400_000)}${"]".repeat(400_000)}}`, "at most 32 levels deep"],
    ["of a quarter of a million values", `{"a":[${"[1],".repeat(240_000)}1]}`, "at most 50000 values in all"],
    ["with a prototype", '{"__proto__":{"admin":true}}', "this is no name of a member"],
    ["that no database keeps", '{"a":"\\ud800"}', "half of a surrogate pair"],
    ["that is a list", "[]", "an object is expected"],
    ["of a megabyte", `{"a":"${"x".repeat(1_000_000)}"}`, "at most 16384 characters as JSON"],
  ])("is told the limit, and where: metadata %s", async (_what, metadata, message) => {
    const text = JSON.stringify({ ...smoke, metadata: 0 }).replace('"metadata":0', `"metadata":${metadata}`);
    const { status, body } = await server.post(incidents, text);
    expect(status).toBe(422);
    expect(body.issues).toEqual([
      { path: expect.stringMatching(/^metadata/), message: expect.stringContaining(message) },
    ]);
  });

  it("names the transitions that are allowed", async () => {
    const at = `${incidents}/${await server.newIncident()}`;
    expect(await server.patch(at, { status: "on_scene" })).toMatchObject({
      status: 400,
      body: { code: "transition_not_allowed", allowed: ["assigned", "cancelled"] },
    });
    expect(await server.post(`${at}/close`, { disposition: "x" })).toMatchObject({ status: 400 });
    expect((await server.get(at)).body.version).toBe(1);
  });

  it.each([
    ["malformed JSON", "{", 400, "malformed_json"],
    ["1 MiB and one byte", `"${"x".repeat(1_048_575)}"`, 413, "body_too_large"],
    ["nesting without end", "[".repeat(500_000), 400, "malformed_json"],
    ["an unknown field", { ...smoke, colour: "red" }, 422, "invalid_body"],
    [
      "metadata too deep",
      { ...smoke, metadata: JSON.parse(`${'{"a":'.repeat(9)}1${"}".repeat(9)}`) },
      422,
      "invalid_body",
    ],
  ])("is told so: %s", async (_name, body, status, code) => {
    expect(await server.post(incidents, body)).toMatchObject({ status, body: { code } });
  });

  it("is told so in headers, queries and paths, too", async () => {
    const at = `${incidents}/${await server.newIncident()}`;
    expect((await server.post(incidents, smoke, { "content-type": "text/plain" })).status).toBe(415);
    expect((await server.patch(at, { title: "x" }, { "if-match": "three" })).status).toBe(400);
    expect((await server.patch(at, { title: "x" }, { "if-match": '"7"' })).status).toBe(412);
    expect((await server.patch(at, { title: "y" }, { "if-match": '"1"' })).status).toBe(200);
    expect((await server.get(`${incidents}?limit=0`)).status).toBe(422);
    expect((await server.get(`${incidents}?limit=1&limit=2`)).status).toBe(422);
    expect((await server.get(`${incidents}/01a20c40-0000-7000-8000-000000000000`)).status).toBe(404);
    expect((await server.get(`${incidents}/nonsense`)).status).toBe(404);
    expect((await server.get("/nowhere")).status).toBe(404);
    expect(await server.request("DELETE", at)).toMatchObject({
      status: 405,
      body: { allowed: ["GET", "HEAD", "PATCH"] },
    });
    // Each method once, and none of the path that has a parameter where this one has a name.
    expect((await server.request("DELETE", "/api/v1/resources/nearby")).body.allowed).toEqual(["GET", "HEAD"]);
    expect((await server.request("DELETE", "/api/v1/resources/vehicles")).body.allowed).toEqual([
      "POST",
      "GET",
      "HEAD",
    ]);
    expect((await server.get("/api/v1/resources/cars")).body.detail).toBe(
      "no such type; there are personnel, vehicles, equipment",
    );
    expect((await server.get(`${at}?at=yesterday`)).body.issues).toEqual([
      { path: "at", message: expect.stringContaining("RFC 3339") },
    ]);
    expect((await server.get("/api/v1/resources/nearby?lat=1")).body.issues).toEqual([
      { path: "lon", message: "a number" },
    ]);
    expect((await server.post(incidents, smoke, { "idempotency-key": "a b" })).status).toBe(400);
    expect((await server.get(`${incidents}?cursor=a.b`)).status).toBe(422);
    expect((await server.get(incidents, { "tocsin-sequence": "x" })).status).toBe(400);
  });
});

describe("a token", () => {
  it.each([
    ["none", ""],
    ["of another scheme", "Basic YTpi"],
    ["that is none", "Bearer nonsense"],
    ["signed by nobody", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."],
  ])("is needed: %s", async (_name, authorization) => {
    const { status, headers } = await server.get(incidents, { authorization });
    expect(status).toBe(401);
    expect(headers.get("www-authenticate")).toBe("Bearer");
  });

  it("must be known claims, unexpired, and not the system's own", async () => {
    const as = async (claims: object) =>
      (await server.get(incidents, { authorization: `Bearer ${await server.tokenFor({ ...claims })}` })).status;
    expect(await as({ sub: "a", agency: "default", roles: ["king"] })).toBe(401);
    expect(await as({ sub: "a", agency: "default", roles: ["admin"], exp: 1 })).toBe(401);
    expect(await as({ sub: "system:deadline", agency: "default", roles: ["admin"] })).toBe(401);
    expect(await as({ sub: "a", agency: ["default", "b"], roles: ["admin"] })).toBe(200);
  });

  it("gives what its roles give", async () => {
    const token = await server.tokenFor({ sub: "r", agency: "default", roles: ["responder"] });
    expect((await server.post(incidents, smoke, { authorization: `Bearer ${token}` })).status).toBe(403);
  });

  it("shows nothing of another agency", async () => {
    const id = await server.newIncident();
    const unitId = await server.newVehicle("X1");
    const token = await server.tokenFor({ sub: "o", agency: "other", roles: ["admin"] });
    const asOther = { authorization: `Bearer ${token}` };
    expect((await server.get(`${incidents}/${id}`, asOther)).status).toBe(404);
    expect((await server.get(`${incidents}/${id}/timeline`, asOther)).status).toBe(404);
    expect((await server.patch(`${incidents}/${id}`, { title: "mine" }, asOther)).status).toBe(404);
    expect((await server.get(incidents, asOther)).body.items).toEqual([]);
    expect((await server.post(incidents, { ...smoke, agencyId: "default" }, asOther)).status).toBe(403);
    const theirs = await server.post(incidents, smoke, asOther);
    expect(theirs.body.incidentNumber).toMatch(/^OTHER-/);
    expect((await server.post(`${incidents}/${theirs.body.id}/assign`, { unitId }, asOther)).status).toBe(404);
  });

  it("is limited in its rate, unless it is the embedded admin's", async () => {
    const token = await server.tokenFor({ sub: "greedy", agency: "default", roles: ["dispatcher"] });
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => server.get(incidents, { authorization: `Bearer ${token}` })),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(5);
    expect(Number(refused[0]?.headers.get("retry-after"))).toBeGreaterThan(0);
    const asAdmin = await Promise.all(Array.from({ length: 60 }, () => server.get(incidents)));
    expect(asAdmin.every(({ status }) => status === 200)).toBe(true);
  });
});

describe("a repeated request", () => {
  it("gets the first answer, also when the entity has changed since", async () => {
    const key = { "idempotency-key": "create-1" };
    const first = await server.post(incidents, smoke, key);
    await server.patch(`${incidents}/${first.body.id}`, { title: "changed" });
    const again = await server.post(incidents, smoke, key);
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
    expect(await server.post(incidents, { ...smoke, title: "other" }, key)).toMatchObject({
      status: 422,
      body: { code: "idempotency_key_reused" },
    });
    const at = `${incidents}/${first.body.id}`;
    const patched = await server.patch(at, { title: "again" }, { "idempotency-key": "p" });
    expect((await server.patch(at, { title: "again" }, { "idempotency-key": "p" })).body).toEqual(patched.body);
    expect((await server.patch(at, { title: "no" }, { "idempotency-key": "p" })).status).toBe(422);
  });

  it("gets it a day long, however much has happened to the entity since", async () => {
    const created = await server.post(incidents, smoke, { "idempotency-key": "busy" });
    const at = `${incidents}/${created.body.id}`;
    const noted = { note: "said once" };
    const key = { "idempotency-key": "note-1" };
    const first = await server.patch(at, noted, key);
    for (let n = 0; n <= RECENT_COMMANDS_MAX; n++) await server.patch(at, { title: `T${n}` });
    expect((await server.patch(at, noted, key)).body).toEqual(first.body);
    expect((await server.patch(at, { note: "said otherwise" }, key)).status).toBe(422);
    expect((await server.post(incidents, smoke, { "idempotency-key": "busy" })).body).toEqual(created.body);
    // One that is new is done, and known from then on.
    const other = { "idempotency-key": "note-2" };
    const second = await server.patch(at, noted, other);
    for (let n = 0; n <= RECENT_COMMANDS_MAX; n++) await server.patch(at, { title: `U${n}` });
    expect((await server.patch(at, noted, other)).body).toEqual(second.body);
    const { body } = await server.get(`${at}/timeline?limit=500`);
    expect(body.items.filter(({ type }: { type: string }) => type === "incident.noted")).toHaveLength(2);
  });
});

describe("a thousand dispatchers who want one unit", () => {
  it("exactly one gets it, the others learn who holds it, and all stories agree", { timeout: 120_000 }, async () => {
    const unitId = await server.newVehicle("HOT");
    const ids = await Promise.all(Array.from({ length: 1_000 }, () => server.newIncident()));
    const answers = await Promise.all(ids.map((id) => server.post(`${incidents}/${id}/assign`, { unitId })));
    const winners = answers.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    const holder = winners[0]?.body.id;
    const losers = answers.filter(({ status }) => status === 409);
    expect(losers).toHaveLength(999);
    expect(new Set(losers.map(({ body }) => `${body.code} ${body.holder}`))).toEqual(new Set([`unit_held ${holder}`]));
    expect((await server.get(`${vehicles}/${unitId}`)).body).toMatchObject({ status: "assigned", incidentId: holder });
    const assigned = await server.get(`${incidents}?unitId=${unitId}&limit=500`);
    expect(assigned.body.items.map(({ id }: { id: string }) => id)).toEqual([holder]);
    const told = async (of: string, type: string) => {
      const { items } = (await server.get(`${of}/timeline?limit=500`)).body;
      return items.filter((item: { type: string }) => item.type === type).map(({ data }: { data: object }) => data);
    };
    const winner = [expect.objectContaining({ incidentId: holder })];
    expect(await told(`${vehicles}/${unitId}`, "resource.assigned")).toEqual(winner);
    expect(await told(`${incidents}/${holder}`, "incident.assigned")).toEqual([expect.objectContaining({ unitId })]);
    const loser = ids.find((id) => id !== holder)!;
    expect(await told(`${incidents}/${loser}`, "incident.assigned")).toEqual([]);
  });
});

describe("lists", () => {
  it("are filtered, paged, newest first, and show one's own write", async () => {
    const made: string[] = [];
    for (let n = 0; n < 5; n++) made.unshift(await server.newIncident({ type: "paged", priority: 5 }));
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page: { body: { items: { id: string }[]; next: string | null; complete: boolean } } = await server.get(
        `${incidents}?type=paged&limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`,
      );
      seen.push(...page.body.items.map(({ id }) => id));
      cursor = page.body.next;
    }
    expect(seen).toEqual(made);
    const { headers } = await server.patch(`${incidents}/${made[0]}`, { category: "own" });
    const list = await server.get(`${incidents}?category=own&priority=5,4&status=new`, {
      "tocsin-sequence": headers.get("tocsin-sequence")!,
    });
    expect(list.body.items).toHaveLength(1);
    expect((await server.get(incidents, { "tocsin-sequence": "999999999" })).status).toBe(503);
    await server.newVehicle("LISTED");
    expect((await server.get(`${vehicles}?callSign=LISTED&status=available`)).body.items).toHaveLength(1);
  });
});

describe("positions", () => {
  it("move a unit when they are plausible, and are refused with a reason when not", async () => {
    const at = `${vehicles}/${await server.newVehicle("GPS")}`;
    const now = Date.now();
    const fix = (lat: number, agoMs: number) => ({ lat, lon: 0, at: new Date(now - agoMs).toISOString() });
    const batch = {
      fixes: [
        fix(10, 60_000),
        fix(10, 60_000),
        fix(50, 30_000),
        fix(10.001, 90_000),
        fix(10.001, 1_000),
        fix(10, -60_000),
      ],
    };
    const { status, body } = await server.post(`${at}/location`, batch);
    expect(status).toBe(202);
    expect(body).toEqual({
      accepted: 2,
      refused: [
        { index: 1, reason: "duplicate" },
        { index: 2, reason: "too_fast" },
        { index: 3, reason: "older_than_last" },
        { index: 5, reason: "in_future" },
      ],
    });
    expect((await server.get(at)).body.location.lat).toBe(10.001);
  });
});

describe("what an operator asks", () => {
  it("is answered without a token: health, metrics, the API's document and its page", async () => {
    expect((await server.get("/health/live")).status).toBe(200);
    expect((await server.get("/health/ready")).body).toMatchObject({
      ready: true,
      durability: "sync",
      partitionsOwned: 64,
    });
    const { body: metrics } = await server.get("/metrics");
    expect(metrics).toMatch(/tocsin_http_requests_total\{operation="createIncident",status="201"\} \d+/);
    expect(metrics).toMatch(/tocsin_commits \d+/);
    expect((await server.get("/openapi.json")).body.openapi).toBe("3.1.0");
    const page = await server.get("/docs");
    expect(page.body).toContain("swagger-ui-bundle.js");
    expect(page.body).not.toMatch(/https?:/);
    expect((await server.get("/docs/swagger-ui-bundle.js")).status).toBe(200);
  });
});

describe("a body that is not UTF-8", () => {
  it("is refused, and nothing of it is kept", async () => {
    const body = Buffer.concat([
      Buffer.from('{"type":"a","category":"b","title":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]);
    const response = await fetch(server.node.url + incidents, {
      method: "POST",
      headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" },
      body,
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "malformed_json" });
  });
});
