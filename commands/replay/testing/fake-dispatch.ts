import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Just enough of the API for the replay's own tests: it keeps units and incidents, holds a unit by one incident at a time,
 * remembers Idempotency-Keys, and can be told to fail. It proves nothing about the real server.
 */
export interface FakeDispatch {
  readonly url: string;
  /** Writes done, in order: method, path without ids, and what they were about. */
  readonly log: readonly FakeWrite[];
  /** All requests that arrived, repeats too. */
  readonly requests: readonly { readonly method: string; readonly path: string; readonly key: string | undefined }[];
  readonly units: ReadonlyMap<string, FakeUnit>;
  readonly incidents: ReadonlyMap<string, FakeIncident>;
  /** Asked before each request is looked at: "drop" breaks the connection, a number answers with that status. */
  hinder: (request: { readonly method: string; readonly path: string; readonly count: number }) => Hindrance;
  close(): Promise<void>;
}

type Hindrance = "drop" | { readonly status: number; readonly retryAfter?: string } | undefined;

export interface FakeWrite {
  readonly action: string;
  readonly incidentId?: string | undefined;
  readonly callSign?: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface FakeUnit {
  readonly id: string;
  readonly callSign: string;
  incidentId: string | undefined;
}

export interface FakeIncident {
  readonly id: string;
  readonly body: Readonly<Record<string, unknown>>;
  status: string;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export const FAKE_TOKEN = "a-token";
const PAGE_ITEMS = 3;

const problem = (status: number, code: string): Answer => ({ status, body: { status, code, detail: `${code} here` } });

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>);
}

export async function startFakeDispatch(): Promise<FakeDispatch> {
  const log: FakeWrite[] = [];
  const requests: { method: string; path: string; key: string | undefined }[] = [];
  const units = new Map<string, FakeUnit>();
  const incidents = new Map<string, FakeIncident>();
  const answers = new Map<string, Answer>();

  const release = (incidentId: string) => {
    for (const unit of units.values()) if (unit.incidentId === incidentId) unit.incidentId = undefined;
  };

  const listUnits = (query: URLSearchParams): Answer => {
    const callSign = query.get("callSign");
    const all = [...units.values()].filter((unit) => callSign === null || unit.callSign === callSign);
    const from = Number(query.get("cursor") ?? 0);
    const next = from + PAGE_ITEMS < all.length ? String(from + PAGE_ITEMS) : null;
    return { status: 200, body: { items: all.slice(from, from + PAGE_ITEMS), next, complete: true } };
  };

  const createUnit = (body: Record<string, unknown>): Answer => {
    const callSign = String(body["callSign"]);
    if ([...units.values()].some((unit) => unit.callSign === callSign)) return problem(409, "already_exists");
    const unit: FakeUnit = { id: `unit-${units.size + 1}`, callSign, incidentId: undefined };
    units.set(unit.id, unit);
    log.push({ action: "createUnit", callSign, body });
    return { status: 201, body: unit };
  };

  const createIncident = (body: Record<string, unknown>): Answer => {
    const incident: FakeIncident = { id: `incident-${incidents.size + 1}`, body, status: "new" };
    incidents.set(incident.id, incident);
    log.push({ action: "create", incidentId: incident.id, body });
    return { status: 201, body: incident };
  };

  const assign = (incident: FakeIncident, body: Record<string, unknown>): Answer => {
    const unit = units.get(String(body["unitId"]));
    if (!unit) return problem(404, "not_found");
    if (unit.incidentId !== undefined) return problem(409, "unit_held");
    unit.incidentId = incident.id;
    incident.status = "assigned";
    log.push({ action: "assign", incidentId: incident.id, callSign: unit.callSign, body });
    return { status: 200, body: incident };
  };

  const patchIncident = (incident: FakeIncident, body: Record<string, unknown>): Answer => {
    const status = String(body["status"]);
    const unit = units.get(String(body["unitId"]));
    if (unit && unit.incidentId !== incident.id) return problem(409, "unit_not_assigned");
    incident.status = status;
    if (status === "resolved" || status === "cancelled") release(incident.id);
    log.push({ action: status, incidentId: incident.id, callSign: unit?.callSign, body });
    return { status: 200, body: incident };
  };

  const patchUnit = (unit: FakeUnit, body: Record<string, unknown>): Answer => {
    log.push({ action: String(body["status"]), incidentId: unit.incidentId, callSign: unit.callSign, body });
    if (body["status"] === "available") unit.incidentId = undefined;
    return { status: 200, body: unit };
  };

  const answer = (method: string, url: URL, body: Record<string, unknown>): Answer => {
    const [, , , collection = "", ...rest] = url.pathname.split("/");
    if (collection === "resources") {
      const [, id, action] = rest;
      if (id === undefined) return method === "GET" ? listUnits(url.searchParams) : createUnit(body);
      const unit = units.get(id);
      return unit && action === "status" ? patchUnit(unit, body) : problem(404, "not_found");
    }
    const [id, action] = rest;
    if (id === undefined) return createIncident(body);
    const incident = incidents.get(id);
    if (!incident) return problem(404, "not_found");
    if (action === "assign") return assign(incident, body);
    if (action === undefined) return patchIncident(incident, body);
    if (incident.status !== "resolved") return problem(400, "transition_not_allowed");
    incident.status = "closed";
    log.push({ action: "close", incidentId: id, body });
    return { status: 200, body: incident };
  };

  const fake = { hinder: (() => undefined) as FakeDispatch["hinder"] };
  const server: Server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://fake");
    const method = request.method ?? "GET";
    const key = request.headers["idempotency-key"] as string | undefined;
    const body = await readBody(request);
    requests.push({ method, path: url.pathname, key });
    const count = key === undefined ? 1 : requests.filter((earlier) => earlier.key === key).length;
    const hindrance = fake.hinder({ method, path: url.pathname, count });
    if (hindrance === "drop") {
      request.socket.destroy();
      return;
    }
    let reply: Answer;
    if (hindrance)
      reply = {
        ...problem(hindrance.status, "hindered"),
        headers: hindrance.retryAfter === undefined ? {} : { "retry-after": hindrance.retryAfter },
      };
    else if (request.headers.authorization !== `Bearer ${FAKE_TOKEN}`) reply = problem(401, "unauthenticated");
    else reply = (key !== undefined && answers.get(key)) || answer(method, url, body);
    if (key !== undefined && !hindrance) answers.set(key, reply);
    response.writeHead(reply.status, { "content-type": "application/json", ...reply.headers });
    response.end(JSON.stringify(reply.body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    log,
    requests,
    units,
    incidents,
    get hinder() {
      return fake.hinder;
    },
    set hinder(hinder) {
      fake.hinder = hinder;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
