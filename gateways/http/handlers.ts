import type { z } from "zod";
import type { Board, View, Views } from "../../runtime/board.ts";
import type { Client } from "../../runtime/client.ts";
import type { Command, Reply } from "../../runtime/messages.ts";
import type { NumberDispenser } from "../../runtime/numbers.ts";
import type { Ports } from "../../runtime/ports/index.ts";
import type {
  assignUnits,
  closeIncident,
  createIncident,
  escalateIncident,
  IncidentCommand,
  patchIncident,
} from "../../schema/incident.ts";
import type { Principal } from "../../schema/principal.ts";
import type { createResource, Fix, LocationReceipt, Position, patchResourceStatus } from "../../schema/resource.ts";
import type { OperationId } from "../../schema/routes.ts";
import { type Address, isSafeToken, subjects } from "../../schema/subjects.ts";
import type { Answer } from "./exchange.ts";
import { type RequestIdentity, rememberCreation } from "./idempotency.ts";
import { ProblemError } from "./problem.ts";

/** What the handlers stand on; the composition root brings it together. */
export interface Services {
  readonly ports: Ports;
  readonly client: Client;
  readonly board: Board;
  readonly views: Views;
  readonly numbers: NumberDispenser;
}

/** A request that has been authenticated and validated. */
export interface Call {
  readonly principal: Principal;
  readonly requestId: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: validated by the route's own schema, whose type each handler names
  readonly body: any;
  // biome-ignore lint/suspicious/noExplicitAny: as the body
  readonly query: any;
  readonly identity: RequestIdentity | undefined;
  readonly expectedVersion: number | undefined;
  /** The list must show everything up to here. */
  readonly sequence: number | undefined;
}

type Handler = (services: Services, call: Call) => Promise<Answer>;

const BOARD_WAIT_MS = 2_000;

export const handlers: Readonly<Record<OperationId, Handler>> = {
  async createIncident(services, call) {
    const body: z.infer<typeof createIncident> = call.body;
    const agencyId = agencyFor(call.principal, body.agencyId);
    const make = async () => {
      const now = new Date(services.ports.clock.now());
      const year = now.getUTCFullYear();
      const number = await services.numbers.next(subjects.number(agencyId, year));
      const incidentNumber = `${agencyId.toUpperCase()}-${year}-${String(number).padStart(6, "0")}`;
      return { id: services.ports.ids.uuidV7(), incidentNumber };
    };
    const command = (incidentNumber: string): IncidentCommand => ({
      type: "create",
      agencyId,
      incidentNumber,
      fields: {
        type: body.type,
        category: body.category,
        priority: body.priority,
        title: body.title,
        description: body.description ?? null,
        location: body.location ?? null,
        address: body.address ?? null,
        parentId: body.parentId ?? null,
        metadata: body.metadata ?? {},
      },
      reportedById: call.principal.subject,
      sourceAlertId: null,
    });
    return created(
      services,
      call,
      "incident",
      make,
      ({ incidentNumber }) => command(incidentNumber),
      "/api/v1/incidents/",
    );
  },

  listIncidents: (services, call) => list(services, call, "incident", {}),
  getIncident: (services, call) => read(services, call, { kind: "incident", id: call.id }),

  async patchIncident(services, call) {
    const { status, unitId, reason, note, ...changes }: z.infer<typeof patchIncident> = call.body;
    const why = reason === undefined ? {} : { reason };
    if (status === "new" && !["supervisor", "admin"].some((role) => call.principal.roles.includes(role as "admin"))) {
      throw new ProblemError("forbidden", "to reopen an incident takes a supervisor");
    }
    const update: Extract<IncidentCommand, { type: "update" }> = {
      type: "update",
      changes: changes as Extract<IncidentCommand, { type: "update" }>["changes"],
      ...(note === undefined ? {} : { note }),
    };
    const transitions = {
      en_route: { type: "unitStatus", status: "en_route", ...(unitId === undefined ? {} : { unitId }), ...why },
      on_scene: { type: "unitStatus", status: "on_scene", ...(unitId === undefined ? {} : { unitId }), ...why },
      resolved: { type: "resolve", ...why },
      cancelled: { type: "cancel", ...why },
      new: { type: "reopen", ...why },
    } as const;
    if (status === undefined) return ask(services, call, "incident", update);
    const transition = transitions[status];
    const alone = Object.keys(changes).length === 0 && note === undefined;
    return ask(services, call, "incident", alone ? transition : { type: "patch", update, transition });
  },

  async assignUnits(services, call) {
    const { unitId, unitIds, unitType, replaces }: z.infer<typeof assignUnits> = call.body;
    const units = unitIds ?? [unitId!];
    return ask(services, call, "incident", {
      type: "assign",
      unitIds: units,
      unitType,
      ...(replaces === undefined ? {} : { replaces }),
    });
  },

  async escalateIncident(services, call) {
    const body: z.infer<typeof escalateIncident> = call.body;
    return ask(services, call, "incident", { type: "escalate", ...body });
  },

  async closeIncident(services, call) {
    const body: z.infer<typeof closeIncident> = call.body;
    return ask(services, call, "incident", { type: "close", ...body });
  },

  async getTimeline(services, call) {
    const address = { kind: "incident", id: call.id };
    orThrow(await services.client.read(address, call.principal, call.requestId));
    const { limit, cursor } = call.query as { limit: number; cursor?: string };
    const after = cursor === undefined ? 0 : Number(cursor);
    if (!Number.isSafeInteger(after) || after < 0) throw new ProblemError("invalid_query", "cursor: not one of ours");
    const entries = await services.client.history(address, after, limit + 1);
    const shown = entries.slice(0, limit);
    const items = shown.flatMap(({ sequence, envelope }) =>
      envelope.events.map(({ type, ...data }) => ({ sequence, at: envelope.at, type, by: envelope.by, data })),
    );
    const next = entries.length > limit ? String(shown[shown.length - 1]!.sequence) : null;
    return { status: 200, body: JSON.stringify({ items, next }) };
  },

  async createVehicle(services, call) {
    const body: z.infer<typeof createResource> = call.body;
    const command = {
      type: "create",
      agencyId: agencyFor(call.principal, body.agencyId),
      resourceType: "vehicles",
      callSign: body.callSign,
      name: body.name ?? null,
      capabilities: body.capabilities ?? [],
      location: body.location ?? null,
      status: body.status,
      metadata: body.metadata ?? {},
    };
    const make = async () => ({ id: services.ports.ids.uuidV7() });
    return created(services, call, "resource", make, () => command, "/api/v1/resources/vehicles/");
  },

  listVehicles: (services, call) => list(services, call, "resource", { type: "vehicles" }),
  getVehicle: (services, call) => read(services, call, { kind: "resource", id: call.id }),

  async patchVehicleStatus(services, call) {
    const body: z.infer<typeof patchResourceStatus> = call.body;
    return ask(services, call, "resource", { type: "setStatus", ...body });
  },

  async reportVehicleLocation(services, call) {
    const body: Fix | { readonly fixes: readonly Fix[] } = call.body;
    const now = new Date(services.ports.clock.now()).toISOString();
    const fixes: Position[] = ("fixes" in body ? body.fixes : [body]).map((fix) => ({ ...fix, at: fix.at ?? now }));
    const reply = orThrow(await send(services, call, "resource", { type: "reportFixes", fixes }));
    const { lastReport } = reply.state as { readonly lastReport: LocationReceipt };
    return { status: 202, headers: headersOf(reply), body: JSON.stringify(lastReport) };
  },
};

/** The agency a new entity belongs to. */
function agencyFor({ agencies }: Principal, wanted: string | undefined): string {
  const agency = wanted ?? agencies[0]!;
  if (!agencies.includes(agency))
    throw new ProblemError("forbidden", `this principal may not act for agency ${agency}`);
  return agency;
}

async function created<Made extends { readonly id: string }>(
  services: Services,
  call: Call,
  kind: string,
  make: () => Promise<Made>,
  command: (made: Made) => Command,
  location: string,
): Promise<Answer> {
  const { identity } = call;
  const { made, first } =
    identity === undefined
      ? { made: await make(), first: true }
      : await rememberCreation(services.ports, identity, make);
  const reply = orThrow(
    await services.client.ask({ kind, id: made.id }, command(made), {
      by: call.principal,
      requestId: call.requestId,
      fresh: first,
      ...identity,
    }),
  );
  return shown(services, kind, made.id, reply, 201, { location: location + made.id });
}

function send(services: Services, call: Call, kind: string, command: Command): Promise<Reply> {
  return services.client.ask({ kind, id: call.id }, command, {
    by: call.principal,
    requestId: call.requestId,
    ...call.identity,
    ...(call.expectedVersion === undefined ? {} : { expectedVersion: call.expectedVersion }),
  });
}

async function ask(services: Services, call: Call, kind: string, command: Command): Promise<Answer> {
  return shown(services, kind, call.id, orThrow(await send(services, call, kind, command)), 200);
}

async function read(services: Services, call: Call, address: Address): Promise<Answer> {
  const reply = orThrow(await services.client.read(address, call.principal, call.requestId));
  return shown(services, address.kind, address.id, reply, 200);
}

async function list(
  services: Services,
  call: Call,
  kind: string,
  fixed: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  if (call.sequence !== undefined && !(await services.board.waitFor(call.sequence, BOARD_WAIT_MS))) {
    throw new ProblemError("board_behind", `the list shows everything up to ${services.board.sequence} so far`);
  }
  const { limit, cursor, ...filters } = call.query as { limit: number; cursor?: string };
  if (cursor !== undefined && !isSafeToken(cursor)) throw new ProblemError("invalid_query", "cursor: not one of ours");
  const { items, next } = services.board.list({
    kind,
    agencies: call.principal.agencies,
    filters: { ...filters, ...fixed },
    limit,
    ...(cursor === undefined ? {} : { after: cursor }),
  });
  return { status: 200, body: JSON.stringify({ items, next, complete: true }) };
}

function orThrow(reply: Reply): Reply & { ok: true } {
  if (!reply.ok) throw new ProblemError(reply.code, reply.detail, reply.data);
  return reply;
}

function shown(
  { views }: Services,
  kind: string,
  id: string,
  reply: Reply & { ok: true },
  status: number,
  more: Readonly<Record<string, string>> = {},
): Answer {
  const view: View = views.get(kind)!;
  const body = JSON.stringify(view.present(id, reply.state, reply.version));
  return { status, headers: { ...headersOf(reply), ...more }, body };
}

function headersOf({ version, sequence }: Reply & { ok: true }): Readonly<Record<string, string>> {
  return { etag: `"${version}"`, "tocsin-sequence": String(sequence) };
}
