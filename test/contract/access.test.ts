import { SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sections } from "../../schema/configuration.ts";
import { roles } from "../../schema/principal.ts";
import type { OperationId } from "../../schema/routes.ts";
import { TestServer } from "../support/server.ts";
import { idPlaces, meaningOf, overwritten, ownIdOf, type Parts, validCall, validCallWith, World } from "./calls.ts";
import { flawOf, operations } from "./document.ts";
import type { Answer } from "./wire.ts";

const NOBODY = {
  incident: "01a20c40-0000-7000-8000-000000000000",
  resource: "01a20c40-0000-7000-8000-000000000001",
  silence: "01a20c40-0000-7000-8000-000000000002",
  alert: "01a20c40-0000-7000-8000-000000000003",
  channel: "01a20c40-0000-7000-8000-000000000004",
  message: "01a20c40-0000-7000-8000-000000000005",
  source: "01a20c40-0000-7000-8000-000000000006",
  group: "01a20c40-0000-7000-8000-000000000007",
  hook: "01a20c40-0000-7000-8000-000000000008",
  delivery: "01a20c40-0000-7000-8000-000000000009",
  device: "01a20c40-0000-7000-8000-00000000000a",
  page: "01a20c40-0000-7000-8000-00000000000b",
};
/** In every text of the agency that is to stay unseen. */
const SECRET = "Zebra";
const OWNER = "proprietor";

let server: TestServer;
let owner: World;
let intruder: World;
let theirs: Readonly<
  Record<
    | ("incident" | "held" | "free" | "person" | "silence" | "alert" | "group" | "channel" | "message" | "source")
    | ("hook" | "delivery" | "device" | "page"),
    string
  >
>;
let before: readonly Answer[];

beforeAll(async () => {
  server = await TestServer.withArchive({ RATE_LIMIT_PER_SECOND: "0" });
  owner = await World.of(server, OWNER, { mark: SECRET });
  intruder = await World.of(server, "intruder");
  const { id, unitId } = await owner.incidentWithUnit();
  const place = { lat: 1, lon: 1 };
  const carrier = await owner.newResource("vehicles", { location: place });
  const person = await owner.newResource("personnel");
  await owner.done("attachResource", { path: { type: "personnel", id: person }, body: { carrierId: carrier } });
  await owner.newIncident({ location: place, parentId: id });
  await owner.done("linkIncident", { path: { id }, body: { incidentId: await owner.newIncident() } });
  const items = [{ code: SECRET, label: SECRET }];
  await owner.done("putDispositions", { body: { items } });
  await owner.done("putCapabilities", { body: { items } });
  // Beside the intruder's own, so that a list that is empty shows nothing by accident.
  await intruder.newIncident({ location: place });
  await intruder.newResource("vehicles", { location: place });
  const silence = await ownIdOf(owner, "silence");
  const alert = await owner.newAlert();
  const group = await owner.newAlertGroup();
  const [source, hook, delivery] = [
    await ownIdOf(owner, "source"),
    await ownIdOf(owner, "hook"),
    await owner.newDelivery(),
  ];
  await intruder.newAlert();
  const { id: channel, messageId: message } = await owner.channelWithMessage({ priority: "urgent" });
  const { id: page, deviceId: device } = await owner.pageAtDevice();
  theirs = {
    incident: id,
    held: unitId,
    free: carrier,
    person,
    silence,
    alert,
    group,
    channel,
    message,
    source,
    hook,
    delivery,
    device,
    page,
  };
  await server.reacted();
  before = await everythingOf(owner);
});
afterAll(() => server.stop());

/** All that the owner sees, in full: entities with their versions, their stories, and the configuration. */
async function everythingOf(world: World): Promise<Answer[]> {
  const query = { agencyId: world.agency };
  const lists = [
    await world.send("listIncidents", { path: {}, query: { ...query, limit: "500" } }),
    ...(await Promise.all(
      ["vehicles", "personnel", "equipment"].map((type) =>
        world.send("listResources", { path: { type }, query: { ...query, limit: "500", retired: "any" } }),
      ),
    )),
  ];
  const stories: Promise<Answer>[] = [];
  for (const { body } of lists) {
    for (const { id, type, incidentNumber } of body.items as { id: string; type: string; incidentNumber?: string }[]) {
      const path = { id, type };
      stories.push(
        world.send(incidentNumber === undefined ? "getResourceTimeline" : "getTimeline", { path, query: {} }),
      );
      stories.push(world.send(incidentNumber === undefined ? "getResource" : "getIncident", { path, query: {} }));
    }
  }
  const { body } = await world.send("listAlerts", { path: {}, query: { ...query, limit: "500" } });
  for (const { id } of body.items as { id: string }[]) {
    for (const operation of ["getAlert", "getAlertTimeline"] as const)
      stories.push(world.send(operation, { path: { id }, query: {} }));
  }
  const channels = await world.send("listChannels", { path: {}, query: { ...query, limit: "500" } });
  for (const { id } of channels.body.items) stories.push(world.send("listMessages", { path: { id }, query: {} }));
  const configured = [
    world.send("getConfiguration", { path: {}, query }),
    world.send("listSilences", { path: {}, query }),
    world.send("listAlertSources", { path: {}, query }),
    world.send("getConfigurationTimeline", { path: {}, query }),
  ];
  return [...lists, channels, ...(await Promise.all([...stories, ...configured]))];
}

const shownIn = (answers: readonly Answer[]) => answers.map(({ status, text }) => ({ status, text }));

describe("what an agency has", () => {
  it("is seen by its own people: these tests could not fail otherwise", () => {
    expect(before.map(({ status }) => status)).toEqual(before.map(() => 200));
    expect(before.length).toBeGreaterThan(12);
    const [incidents, vehicles] = before;
    expect(incidents?.text).toContain(SECRET);
    expect(vehicles?.text).toContain(theirs.held);
    expect(before.slice(-3).map(({ text }) => text.includes(SECRET))).toEqual([true, true, true]);
  });
});

const byId = operations.map(({ id, route }) => [id, route] as const);

describe.each(byId)("%s", (id, route) => {
  const others = roles.filter((role) => !route.roles.includes(role));
  if (others.length > 0)
    it(`is forbidden to ${others.join(", ")}, and to all of them together`, async () => {
      const call = await callOnTheirs(id);
      for (const as of [...others.map((role) => [role]), others]) {
        const answer = await (await World.of(server, OWNER, { as })).send(id, call);
        expect({ as, status: answer.status, code: answer.body?.code }).toEqual({ as, status: 403, code: "forbidden" });
      }
    });

  it.each(route.roles)("is open to a %s", async (role) => {
    // The same person, whom what is made before belongs to.
    const claims = { sub: `team-${role}` };
    const call = await validCall(await World.of(server, `team-${role}`, { claims }), id);
    const answer = await (await World.of(server, `team-${role}`, { claims, as: [role] })).send(id, call);
    expect(answer.status, answer.text).toBe(route.status);
  });

  it("takes a token that is whole, signed, and has not expired", async () => {
    const call = await callOnTheirs(id);
    const claims = { sub: "a", agency: OWNER, roles: ["admin", ...route.roles] };
    const good = owner.authorization.replace("Bearer ", "");
    const [head = "", body = "", signature = ""] = good.split(".");
    const other = Buffer.from(JSON.stringify({ ...claims, sub: "other" })).toString("base64url");
    const stranger = new TextEncoder().encode("a secret that is somebody else's, and long enough");
    const tokens: Readonly<Record<string, string>> = {
      none: "",
      "an empty one": "Bearer ",
      garbage: "Bearer garbage",
      "another scheme": `Basic ${good}`,
      "two tokens": `Bearer ${good} ${good}`,
      "alg none": `Bearer ${new UnsecuredJWT(claims).encode()}`,
      "no signature": `Bearer ${head}.${body}.`,
      "another's claims under its signature": `Bearer ${head}.${other}.${signature}`,
      "a stranger's signature": `Bearer ${await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(stranger)}`,
      expired: `Bearer ${await server.tokenFor({ ...claims, exp: Math.floor(Date.now() / 1_000) - 60 })}`,
      "not yet valid": `Bearer ${await server.tokenFor({ ...claims, nbf: Math.floor(Date.now() / 1_000) + 600 })}`,
      "no agency": `Bearer ${await server.tokenFor({ sub: "a", roles: claims.roles })}`,
      "a role that there is not": `Bearer ${await server.tokenFor({ ...claims, roles: ["king"] })}`,
      "the system's own": `Bearer ${await server.tokenFor({ ...claims, sub: "system:deadline" })}`,
    };
    for (const [what, authorization] of Object.entries(tokens)) {
      const answer = await owner.send(id, call, { authorization });
      expect({ what, status: answer.status, code: answer.body?.code }).toEqual({
        what,
        status: 401,
        code: "unauthenticated",
      });
      expect(answer.text).not.toContain(SECRET);
    }
  });

  const places = idPlaces(id).filter(({ name }) => meaningOf(id, name) !== "agency");
  it.each(places.map((place) => [place.name, place] as const))(
    "tells another agency of an id in %s of its what it tells of one that there is not",
    async (_name, place) => {
      const kind = meaningOf(id, place.name) as keyof typeof NOBODY;
      const call = await validCallWith(intruder, id, place);
      const probes = kind === "resource" ? [theirs.held, theirs.free, theirs.person] : [theirs[kind]];
      const types = place.part === "path" && "type" in call.path ? ["vehicles", "personnel", "equipment"] : [undefined];
      const headers = [{}, { "if-match": '"1"' }, { "if-match": '"2"' }, { "if-match": '"999"' }];
      for (const more of route.method === "get" ? [{}] : headers) {
        for (const type of types) {
          const at: Parts = type === undefined ? call : { ...call, path: { ...call.path, type } };
          const ask = (wanted: string) => anonymous(intruder, id, overwritten(at, place, wanted), more, wanted);
          const nobody = await ask(NOBODY[kind]);
          for (const probe of probes) expect(await ask(probe), `${type} ${JSON.stringify(more)}`).toEqual(nobody);
          if (place.part === "path" && place.name === "id") expect(nobody.status).toBe(404);
          if (nobody.status === 200) expect(nobody.text).not.toContain(SECRET);
        }
      }
      // An id of its own is answered in another way: else the request never came as far as to look at it.
      if (place.part === "query" && !route.refusals.includes("not_found")) return;
      const own = await intruder.send(id, await validCallWith(intruder, id, place));
      expect(own.status, own.text).toBe(route.status);
    },
  );

  const agencies = idPlaces(id).filter(({ name, part }) => meaningOf(id, name) === "agency" && part !== "path");
  it.each(agencies.map((place) => [place.name, place] as const))(
    "tells another agency in %s what it tells of one that there is not",
    async (_name, place) => {
      const ask = async (agency: string) => {
        const call = overwritten(await validCallWith(intruder, id, place), place, agency);
        return anonymous(intruder, id, call, {}, agency);
      };
      const nobody = await ask("nobody-at-all");
      expect(await ask(OWNER)).toEqual(nobody);
      expect(nobody.text).not.toContain(SECRET);
    },
  );

  if (route.method === "get")
    it("shows another agency nothing of it", async () => {
      const call = await validCall(intruder, id);
      const answer = await intruder.send(id, call);
      expect(answer.status).toBe(route.status);
      expect(flawOf(id, answer)).toBeUndefined();
      for (const secret of [SECRET, `"${OWNER}"`, OWNER.toUpperCase(), ...Object.values(theirs)]) {
        expect(answer.text).not.toContain(secret);
      }
    });
});

/** On the owner's own entities where it is on any: what is let through by mistake would change them. */
async function callOnTheirs(id: OperationId): Promise<Parts> {
  const call = await validCall(await World.of(server, "elsewhere"), id);
  const path = { ...call.path };
  for (const name of Object.keys(path)) {
    const kind = name === "id" ? meaningOf(id, name) : "agency";
    if (kind !== "agency") path[name] = kind === "resource" ? theirs.free : theirs[kind];
    if (name === "type") path[name] = "vehicles";
  }
  return { ...call, path };
}

const UUID = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/gi;
const TIME = /\d{4}-\d{2}-\d{2}T[\d:.]+Z/g;
const NUMBER = /INTRUDER-\d{4}-\d{6}/g;

/** An answer without what differs from one entity of one's own to the next. */
async function anonymous(
  world: World,
  id: OperationId,
  call: Parts,
  headers: Readonly<Record<string, string>>,
  asked: string,
) {
  const answer = await world.send(id, call, { ...headers, "x-request-id": "asked" });
  const { date: _date, "tocsin-sequence": _sequence, location: _location, ...rest } = answer.headers;
  const text = answer.text.replaceAll(asked, "<asked>").replaceAll(UUID, "<id>").replaceAll(TIME, "<time>");
  const { "content-length": _length, ...shown } = rest;
  return { status: answer.status, headers: shown, text: text.replaceAll(NUMBER, "<number>") };
}

describe("lists", () => {
  const lists: readonly OperationId[] = [
    "listIncidents",
    "listResources",
    "nearbyResources",
    "availableResources",
    "listAlerts",
  ];
  it.each(lists)("of %s show one's own, and of another agency's nothing, whatever is asked for", async (id) => {
    const path = { type: "vehicles" };
    const near = { lat: "1", lon: "1", radius: "20000000" };
    const wide = id === "nearbyResources" ? { ...near, availability: "any" } : {};
    const own = await intruder.send(id, { path, query: { ...wide, limit: "500" } });
    expect(own.body.items.length, own.text).toBeGreaterThan(0);
    expect(own.text).not.toContain(SECRET);
    for (const query of [
      { agencyId: OWNER },
      { category: SECRET },
      id === "listResources" ? { callSign: SECRET } : id === "listAlerts" ? { type: SECRET } : near,
    ]) {
      const answer = await intruder.send(id, { path, query: { ...wide, ...query } });
      expect(answer.status, answer.text).toBe(200);
      expect(answer.text).not.toContain(SECRET);
      expect(answer.text).not.toContain(`"agencyId":"${OWNER}"`);
    }
    const asOwner = await owner.send(id, { path, query: { ...wide, agencyId: OWNER } });
    expect(asOwner.text).toContain(SECRET);
  });
});

describe("what another agency has configured", () => {
  it("is not told in any section, nor its story, nor whether its chain is whole", async () => {
    for (const section of ["", ...sections.map((name) => `/${name}`), "/timeline"]) {
      const path = `/api/v1/configuration${section}?agencyId=${OWNER}`;
      expect((await server.get(path, { authorization: intruder.authorization })).status).toBe(403);
      expect((await server.get(path, { authorization: owner.authorization })).status).toBe(200);
    }
    for (const [kind, id] of Object.entries({ agency: OWNER, incident: theirs.incident, resource: theirs.free })) {
      const query = { kind, id };
      expect((await intruder.send("verifyAudit", { path: {}, query })).status).toBe(404);
      expect((await owner.send("verifyAudit", { path: {}, query })).body).toMatchObject({ kind, id, intact: true });
    }
  });
});

describe("an incident that another agency has shared", () => {
  /** What a guest may do with it: read it, and send its own units. Whatever else there is or will be is the owner's. */
  const GUEST_MAY: ReadonlySet<OperationId> = new Set(["getIncident", "getTimeline", "assignUnits"]);
  const onIncidents = byId.filter(([id]) => idPlaces(id).some(isTheIncident));
  let sharer: World;
  let guest: World;
  let shared: string;
  let held: string;

  beforeAll(async () => {
    sharer = await World.of(server, "sharer", { mark: SECRET });
    guest = await World.of(server, "guest");
    ({ id: shared, unitId: held } = await sharer.incidentWithUnit());
    await sharer.done("shareIncident", { path: { id: shared }, body: { agencyId: guest.agency } });
  });

  function isTheIncident({ part, name }: ReturnType<typeof idPlaces>[number]): boolean {
    return part === "path" && name === "id";
  }
  const callOn = async (id: OperationId, incident: string) => {
    const place = idPlaces(id).find(isTheIncident)!;
    return overwritten(await validCallWith(guest, id, place), place, incident);
  };
  const theirsNow = async () => (await sharer.send("getIncident", { path: { id: shared }, query: {} })).text;

  it.each(onIncidents.filter(([id]) => meaningOf(id, "id") === "incident"))(
    "gives a guest by %s what a guest may have, and no more",
    async (id, route) => {
      const was = await theirsNow();
      const answer = await guest.send(id, await callOn(id, shared));
      if (GUEST_MAY.has(id)) expect({ id, status: answer.status }).toEqual({ id, status: route.status });
      else {
        expect({ id, status: answer.status, code: answer.body.code }).toEqual({ id, status: 403, code: "forbidden" });
        expect(await theirsNow()).toBe(was);
      }
    },
  );

  it.each(onIncidents.filter(([id]) => meaningOf(id, "id") === "resource"))(
    "does not show or give by %s the owner's unit that is on it",
    async (id) => {
      const type = { type: "vehicles" };
      const ask = async (unit: string) => {
        const call = await callOn(id, unit);
        return anonymous(guest, id, { ...call, path: { ...call.path, ...type } }, {}, unit);
      };
      expect(await ask(held)).toEqual(await ask(NOBODY.resource));
    },
  );

  it("does not give its owner's units to the guest, nor the guest's to the owner", async () => {
    const unitId = await guest.newResource();
    for (const [world, unit] of [
      [guest, await sharer.newResource()],
      [sharer, unitId],
    ] as const) {
      const answer = await world.send("assignUnits", { path: { id: shared }, query: {}, body: { unitId: unit } });
      expect({ status: answer.status, code: answer.body.code }).toEqual({ status: 404, code: "not_found" });
    }
  });

  it("is as one that there is not, by every operation, once it is shared no more", async () => {
    const other = await sharer.newIncident();
    await sharer.done("shareIncident", { path: { id: other }, body: { agencyId: guest.agency } });
    await sharer.done("unshareIncident", { path: { id: other, agency: guest.agency } });
    for (const [id] of onIncidents.filter(([id]) => meaningOf(id, "id") === "incident")) {
      const ask = async (incident: string) => anonymous(guest, id, await callOn(id, incident), {}, incident);
      const answer = await ask(other);
      expect({ id, ...answer }).toEqual({ id, ...(await ask(NOBODY.incident)) });
      expect(answer.status).toBe(404);
    }
  });
});

it("after all of it, nothing of the agency has changed, to the byte", async () => {
  expect(shownIn(await everythingOf(owner))).toEqual(shownIn(before));
});
