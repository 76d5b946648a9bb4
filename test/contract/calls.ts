import { createECDH, randomUUID } from "node:crypto";
import { z } from "zod";
import { limits } from "../../schema/common.ts";
import { type Role, roles } from "../../schema/principal.ts";
import { type OperationId, type Route, routes } from "../../schema/routes.ts";
import type { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { documented, resolved, type Schema } from "./document.ts";
import { type Answer, send } from "./wire.ts";

/** What makes a request of an operation. Parts of the path are written into it as they are. */
export interface Parts {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export const NAME = "Alpha";

/** An agency and somebody who acts for it, with whatever else a request may need. */
export class World {
  readonly server: TestServer;
  readonly agency: string;
  readonly authorization: string;
  /** Is in every text that it makes. */
  readonly mark: string;
  #made = 0;

  private constructor(server: TestServer, agency: string, authorization: string, mark: string) {
    this.server = server;
    this.agency = agency;
    this.authorization = authorization;
    this.mark = mark;
  }

  static async of(
    server: TestServer,
    agency: string,
    {
      as = roles,
      claims = {},
      mark = NAME,
    }: { as?: readonly Role[]; claims?: Readonly<Record<string, unknown>>; mark?: string } = {},
  ): Promise<World> {
    const token = await server.tokenFor({ sub: `${agency}-${as[0]}`, agency, roles: as, unlimited: true, ...claims });
    return new World(server, agency, `Bearer ${token}`, mark);
  }

  send(id: OperationId, parts: Parts, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const body = parts.body === undefined ? undefined : JSON.stringify(parts.body);
    return this.sendAs(id, { ...parts, query: new URLSearchParams(parts.query).toString(), body }, headers);
  }

  /** The same with a query and a body as they go over the wire. */
  sendAs(
    id: OperationId,
    { path, query, body }: { path: Parts["path"]; query: string; body?: string | Uint8Array | undefined },
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const route: Route = routes[id];
    const place = route.path.replace(/\{(\w+)\}/g, (_, name: string) => path[name] ?? "");
    return send(this.server.node.url, {
      method: route.method.toUpperCase(),
      path: query === "" ? place : `${place}?${query}`,
      headers: { authorization: this.authorization, "content-type": "application/json", ...headers },
      body,
    });
  }

  /** @throws when it is not done: what a test stands on has to be there */
  async done(id: OperationId, parts: Partial<Parts>): Promise<Answer["body"]> {
    const { status, body, text } = await this.send(id, { path: {}, query: {}, ...parts });
    if (status === routes[id].status) return body;
    throw new Error(`${id} was to prepare a test and answered ${status}: ${text.slice(0, 400)}`);
  }

  async newIncident(more: object = {}): Promise<string> {
    const body = { type: this.mark, category: this.mark, title: this.mark, ...more };
    return (await this.done("createIncident", { body })).id;
  }

  async newResource(type = "vehicles", more: object = {}): Promise<string> {
    const body = { callSign: `${this.mark} ${++this.#made}`, name: this.mark, ...more };
    return (await this.done("createResource", { path: { type }, body })).id;
  }

  /** It is there once the engine has made it. */
  async newAlert(more: object = {}): Promise<string> {
    const body = { type: this.mark, severity: "low", title: this.mark, dedupKey: randomUUID(), ...more };
    const { id } = await this.done("raiseAlerts", { body });
    await until(`alert ${id} is there`, async () => {
      const { status } = await this.send("getAlert", { path: { id }, query: {} });
      return status !== 404;
    });
    return id;
  }

  /** The group of an alert of its own: it is there once the alert was routed. */
  async newAlertGroup(): Promise<string> {
    const alertId = await this.newAlert();
    const groups = async () => {
      const { body } = await this.send("listAlertGroups", { path: {}, query: { limit: "500" } });
      return body.items as { id: string; alerts: { id: string }[] }[];
    };
    const has = ({ alerts }: { alerts: { id: string }[] }) => alerts.some(({ id }) => id === alertId);
    await until(`alert ${alertId} is in a group`, async () => (await groups()).some(has));
    return (await groups()).find(has)!.id;
  }

  /** Of an alert's notification to a webhook that there is not: it is given up at once. */
  async newDelivery(): Promise<string> {
    const failed = async () => {
      const { body } = await this.send("listDeliveries", { path: {}, query: { status: "failed", limit: "500" } });
      return (body.items as { id: string; to: string }[]).find(({ to }) => to === this.mark)?.id;
    };
    const known = await failed();
    if (known !== undefined) return known;
    const receivers = [{ name: NAME, targets: [{ kind: "webhook", to: this.mark }] }];
    const route = { receivers: [NAME], groupBy: ["..."], lifeSafety: true };
    await this.done("activateRouting", { body: { document: { route, receivers } } });
    // Of a type that no silence of other tests is about.
    await this.newAlert({ type: "told" });
    await until("its delivery is given up", async () => (await failed()) !== undefined);
    return (await failed())!;
  }

  async newChannel(more: object = {}): Promise<string> {
    return (await this.done("createChannel", { body: { kind: "team", name: this.mark, ...more } })).id;
  }

  async channelWithMessage(more: object = {}): Promise<{ readonly id: string; readonly messageId: string }> {
    const id = await this.newChannel();
    const message = await this.done("postMessage", { path: { id }, body: { body: this.mark, ...more } });
    return { id, messageId: message.id };
  }

  /** A call of a crew of one, who has a device. */
  async pageAtDevice(): Promise<{ readonly id: string; readonly deviceId: string }> {
    const [unitId, resource] = [await this.newResource(), await this.newResource("personnel")];
    await this.done("attachResource", { path: { type: "personnel", id: resource }, body: { carrierId: unitId } });
    const claims = { sub: `${this.agency}-crew-${this.#made}`, resource };
    const mate = await World.of(this.server, this.agency, { as: ["responder"], claims, mark: this.mark });
    const { id: deviceId } = await mate.done("registerDevice", { body: browser() });
    const incidentId = await this.newIncident();
    await this.done("assignUnits", { path: { id: incidentId }, body: { unitId } });
    const pages = async () => (await this.done("listPages", { query: { incidentId } })).items as { id: string }[];
    await until(`somebody is called to ${incidentId}`, async () => (await pages()).length === 1);
    return { id: (await pages())[0]!.id, deviceId };
  }

  async incidentWithUnit(): Promise<{ readonly id: string; readonly unitId: string }> {
    const [id, unitId] = [await this.newIncident(), await this.newResource()];
    await this.done("assignUnits", { path: { id }, body: { unitId } });
    return { id, unitId };
  }
}

type EntityKind =
  | "incident"
  | "resource"
  | "agency"
  | "silence"
  | "alert"
  | "group"
  | "channel"
  | "message"
  | "source"
  | "hook"
  | "delivery"
  | "device"
  | "page";

/** What the id in a field or parameter of this name is of. */
const meanings: Readonly<Record<string, EntityKind>> = {
  otherId: "incident",
  parentId: "incident",
  incidentId: "incident",
  duplicateId: "incident",
  unitId: "resource",
  unitIds: "resource",
  replaces: "resource",
  carrierId: "resource",
  messageId: "message",
  deviceId: "device",
  replyTo: "message",
  thread: "message",
  agencyId: "agency",
  agency: "agency",
};

/** What `{id}` is of, by where it stands. */
const owners: readonly (readonly [prefix: string, kind: Exclude<EntityKind, "agency">])[] = [
  ["/api/v1/routing/silences/{id}", "silence"],
  ["/api/v1/routing/groups/{id}", "group"],
  ["/api/v1/incidents/{id}", "incident"],
  ["/api/v1/resources/{type}/{id}", "resource"],
  ["/api/v1/resources/locations", "resource"],
  ["/api/v1/alerts/{id}", "alert"],
  ["/api/v1/channels/{id}", "channel"],
  ["/api/v1/sources/{id}", "source"],
  ["/api/v1/hooks/{id}", "hook"],
  ["/api/v1/deliveries/{id}", "delivery"],
  ["/api/v1/devices/{id}", "device"],
  ["/api/v1/pages/{id}", "page"],
];

export function meaningOf(id: OperationId, name: string): EntityKind {
  const { path } = routes[id];
  const kind = name === "id" ? owners.find(([prefix]) => path.startsWith(prefix))?.[1] : meanings[name];
  if (kind !== undefined) return kind;
  // The audit asks by kind and id.
  if (id === "verifyAudit" && name === "id") return "incident";
  throw new Error(
    `nobody knows what the id "${name}" of ${id} is of: add it to \`meanings\` or \`owners\` in calls.ts`,
  );
}

const routed = { route: { receivers: [NAME] }, receivers: [{ name: NAME, targets: [{ kind: "role", to: NAME }] }] };
let browsers = 0;
/** Each one of its own: a device is whose it was registered by last. */
const browser = () => ({
  kind: "webpush",
  endpoint: `https://push.invalid/${browsers++}`,
  keys: { p256dh: createECDH("prime256v1").generateKeys("base64url"), auth: "A".repeat(22) },
});
const silenced = { matchers: [`type="${NAME}"`], endsAt: "2099-01-01T00:00:00Z", comment: NAME };

type Recipe = (world: World) => Promise<Partial<Parts>>;

/** What takes more than the schema says: a state before, or one of several fields. Everything else is made from the schema. */
const recipes: Readonly<Partial<Record<OperationId, Recipe>>> = {
  patchIncident: async () => ({ body: { title: "Changed" } }),
  assignUnits: async (world) => ({ body: { unitId: await world.newResource() } }),
  async closeIncident(world) {
    const { id } = await world.incidentWithUnit();
    await world.done("patchIncident", { path: { id }, body: { status: "resolved" } });
    return { path: { id } };
  },
  async unlinkIncident(world) {
    const [id, otherId] = [await world.newIncident(), await world.newIncident()];
    await world.done("linkIncident", { path: { id }, body: { incidentId: otherId } });
    return { path: { id, otherId } };
  },
  async unshareIncident(world) {
    const [id, agency] = [await world.newIncident(), "partner"];
    await world.done("shareIncident", { path: { id }, body: { agencyId: agency } });
    return { path: { id, agency } };
  },
  reportLocations: async (world) => ({
    body: { fixes: [{ type: "vehicles", id: await world.newResource(), lat: 1, lon: 1 }] },
  }),
  patchResource: async () => ({ body: { name: "Changed" } }),
  patchResourceStatus: async () => ({ body: { status: "out_of_service" } }),
  attachResource: async (world) => ({
    path: { type: "personnel", id: await world.newResource("personnel") },
    body: { carrierId: await world.newResource() },
  }),
  async detachResource(world) {
    const [id, carrierId] = [await world.newResource("personnel"), await world.newResource()];
    await world.done("attachResource", { path: { type: "personnel", id }, body: { carrierId } });
    return { path: { type: "personnel", id } };
  },
  createHook: async (world) => ({ body: { name: world.mark, url: "http://127.0.0.1:1/" } }),
  patchHook: async () => ({ body: { enabled: false } }),
  patchAlertSource: async () => ({ body: { ratePerSecond: 5 } }),
  raiseAlerts: async (world) => ({ body: { type: world.mark, severity: "low", title: world.mark } }),
  async detachAlert(world) {
    const [id, incidentId] = [await world.newAlert(), await world.newIncident()];
    await world.done("attachAlert", { path: { id }, body: { incidentId } });
    return { path: { id } };
  },
  createChannel: async (world) => ({ body: { kind: "team", name: world.mark } }),
  changeMembers: async () => ({ body: { add: ["somebody"] } }),
  editMessage: async (world) => ({ path: await world.channelWithMessage() }),
  deleteMessage: async (world) => ({ path: await world.channelWithMessage() }),
  acknowledgeMessage: async (world) => ({ path: await world.channelWithMessage({ priority: "urgent" }) }),
  registerDevice: async () => ({ body: browser() }),
  confirmPage: async (world) => {
    const { id, deviceId } = await world.pageAtDevice();
    return { path: { id }, body: { deviceId, state: "seen" } };
  },
  putPushPreferences: async () => ({ body: { quietHours: null, messages: "all" } }),
  verifyAudit: async (world) => ({ query: { kind: "incident", id: await world.newIncident() } }),
  activateRouting: async () => ({ body: { document: routed } }),
  validateRouting: async () => ({ body: { document: routed } }),
  diffRouting: async () => ({ body: { document: routed } }),
  backtestRouting: async () => ({ body: { document: routed } }),
  getRoutingRevision: async () => ({ path: { revision: "0" } }),
  rollBackRouting: async () => ({ body: { revision: 0 } }),
  createSilence: async () => ({ body: silenced }),
  changeSilence: async () => ({ body: silenced }),
  activateClassification: async () => ({ body: { document: { rules: [] } } }),
  testClassification: async () => ({ body: { alert: { type: NAME, severity: "high", title: NAME } } }),
  putPositionLimits: async () => ({ body: { items: [{ category: "*", speedMaxKmh: 250 }] } }),
  putTimeTargets: async () => ({ body: { items: [{ incidentType: "*", phases: { dispatchSeconds: 60 } }] } }),
};

/** A request that is to succeed, on entities of its own. */
export async function validCall(world: World, id: OperationId): Promise<Parts> {
  const given = (await recipes[id]?.(world)) ?? {};
  const route: Route = routes[id];
  const query = route.query === undefined ? {} : (z.toJSONSchema(route.query, { io: "input" }) as Schema);
  return {
    path: given.path ?? (await examplePath(world, id)),
    query: given.query ?? ((await exampleOf(world, id, "", { type: "object", ...query })) as Record<string, string>),
    ...(route.body === undefined ? {} : { body: given.body ?? (await exampleBody(world, id)) }),
  };
}

async function examplePath(world: World, id: OperationId): Promise<Parts["path"]> {
  const path: Record<string, string> = {};
  for (const [, name = ""] of routes[id].path.matchAll(/\{(\w+)\}/g)) {
    path[name] = name === "type" ? "vehicles" : await ownIdOf(world, meaningOf(id, name));
  }
  return path;
}

export async function ownIdOf(world: World, kind: EntityKind): Promise<string> {
  switch (kind) {
    case "agency":
      return "partner";
    case "silence":
      return (await world.done("createSilence", { body: { ...silenced, comment: world.mark } })).id;
    case "alert":
      return world.newAlert();
    case "source":
      return (await world.done("createAlertSource", { body: { name: world.mark, format: "json" } })).id;
    case "hook":
      return (await world.done("createHook", { body: { name: world.mark, url: "http://127.0.0.1:1/" } })).id;
    case "delivery":
      return world.newDelivery();
    case "group":
      return world.newAlertGroup();
    case "device":
      return (await world.done("registerDevice", { body: browser() })).id;
    case "page":
      return (await world.pageAtDevice()).id;
    case "incident":
      return world.newIncident();
    case "resource":
      return world.newResource();
    case "channel":
      return world.newChannel();
    case "message":
      return (await world.channelWithMessage()).messageId;
  }
}

async function exampleBody(world: World, id: OperationId): Promise<unknown> {
  return exampleOf(world, id, "", documented(id).requestBody!.content["application/json"]!.schema);
}

/** What a string may look like; the first that fits is taken. */
const strings = [NAME, "1"];

/** Required fields alone, a list of one item each, the first of several ways. */
async function exampleOf(world: World, id: OperationId, name: string, schema: Schema): Promise<unknown> {
  const { type, properties = {}, required = [], items, anyOf, format, ...it } = resolved(schema);
  if (it.const !== undefined) return it.const;
  if (it.enum !== undefined) return it.enum[0];
  if (anyOf !== undefined) return exampleOf(world, id, name, anyOf[0]!);
  if (type === "object") {
    const made: Record<string, unknown> = {};
    for (const field of required) made[field] = await exampleOf(world, id, field, properties[field]!);
    return made;
  }
  if (type === "array" && items !== undefined) return [await exampleOf(world, id, name, items)];
  if (type === "boolean") return true;
  if (type === "integer" || type === "number") return Math.max(1, it.minimum ?? 1);
  if (format === "uuid" || name === "agencyId") return ownIdOf(world, meaningOf(id, name));
  if (format === "date-time") return "2030-01-01T00:00:00Z";
  const { pattern = "" } = resolved(schema) as { pattern?: string };
  const fitting = type === "string" ? strings.find((one) => new RegExp(pattern, "u").test(one)) : undefined;
  if (fitting !== undefined) return fitting;
  throw new Error(`no example for "${name}" of ${id}: add one to \`strings\`, or a recipe for ${id}, in calls.ts`);
}

/** A place of a request where an id may stand. */
export interface Place {
  readonly part: "path" | "query" | "body";
  readonly name: string;
  readonly many: boolean;
  /** The field of the body whose items have it. */
  readonly within?: string;
}

const AGENCY = /^agency(?:Id)?$/;

/** All of them, by the document: an id is a UUID, or an agency by its name. */
export function idPlaces(id: OperationId): readonly Place[] {
  const places: Place[] = [];
  for (const { in: part, name, schema } of documented(id).parameters) {
    if (part !== "header" && (isId(schema) || AGENCY.test(name))) places.push({ part, name, many: false });
  }
  const body = documented(id).requestBody?.content["application/json"]?.schema;
  for (const [name, schema] of Object.entries(body === undefined ? {} : fieldsOf(body))) {
    if (isId(schema) || AGENCY.test(name)) places.push({ part: "body", name, many: false });
    else if (schema.type === "array" && isId(schema.items!)) places.push({ part: "body", name, many: true });
    else if (schema.type === "array" && ids(schema.items!).length > 0)
      places.push(...ids(schema.items!).map((id) => ({ part: "body", name: id, many: false, within: name }) as const));
    else if (JSON.stringify(schema).includes('"format":"uuid"')) {
      throw new Error(`${id} has an id deep in its field "${name}": teach \`idPlaces\` in calls.ts to find it`);
    }
  }
  return places;
}

/** Names of the fields of an item that are ids, where nothing deeper is one. */
function ids(item: Schema): readonly string[] {
  const fields = Object.entries(fieldsOf(item));
  return fields.filter(([, schema]) => isId(schema)).map(([name]) => name);
}

export function fieldsOf(schema: Schema): Readonly<Record<string, Schema>> {
  const { properties = {}, anyOf = [] } = resolved(schema);
  return Object.assign({}, properties, ...anyOf.map(fieldsOf));
}

function isId(schema: Schema): boolean {
  const { format, anyOf = [] } = resolved(schema);
  return format === "uuid" || anyOf.some(isId);
}

/** Fields that mean something only with, or without, others. */
const companions: Readonly<Record<string, (world: World, body: object) => Promise<Partial<Parts>>>> = {
  async "patchIncident unitId"(world) {
    const { id, unitId } = await world.incidentWithUnit();
    return { path: { id }, body: { status: "en_route", unitId } };
  },
  "createChannel incidentId": async (world) => ({
    body: { kind: "incident", incidentId: await world.newIncident() },
  }),
  async "postMessage replyTo"(world) {
    const { id, messageId } = await world.channelWithMessage();
    return { path: { id }, body: { body: world.mark, replyTo: messageId } };
  },
  "assignUnits unitIds": async (world) => ({ body: { unitIds: [await world.newResource()] } }),
  async "assignUnits replaces"(world) {
    const { id, unitId } = await world.incidentWithUnit();
    return { path: { id }, body: { unitId: await world.newResource(), replaces: unitId } };
  },
};

/** A valid request, fresh each time, in which this place is filled: with an id of the world's own, until it is overwritten. */
export async function validCallWith(world: World, id: OperationId, place: Place): Promise<Parts> {
  const { part, name, many, within } = place;
  const call = { ...(await validCall(world, id)), ...(await companions[`${id} ${name}`]?.(world, {})) };
  // The items of a valid request are whole.
  if (within !== undefined) return call;
  const filled = (call[part] ?? {}) as Record<string, unknown>;
  if (filled[name] !== undefined) return call;
  const kind = meaningOf(id, name);
  const own = kind === "agency" ? world.agency : await ownIdOf(world, kind);
  return { ...call, [part]: { ...filled, [name]: many ? [own] : own } };
}

export function overwritten(call: Parts, { part, name, many, within }: Place, value: string): Parts {
  if (within !== undefined) {
    const body = call.body as Readonly<Record<string, readonly object[]>>;
    return { ...call, body: { ...body, [within]: body[within]!.map((item) => ({ ...item, [name]: value })) } };
  }
  return { ...call, [part]: { ...(call[part] as object), [name]: many ? [value] : value } };
}

export const TOO_LARGE = `"${"x".repeat(limits.bodyBytes)}"`;
