import type { z } from "zod";
import type {
  attachResource,
  changeShift,
  createResource,
  Fix,
  LocationReport,
  Position,
  patchResource,
  patchResourceStatus,
  ResourceType,
  retireResource,
} from "../../../schema/resource.ts";
import type { resourceRoutes } from "../../../schema/routes/resources.ts";
import type { Address } from "../../../schema/subjects.ts";
import { ProblemError } from "../problem.ts";
import { availableResources, nearbyResources } from "./availability.ts";
import {
  agencyFor,
  ask,
  type Call,
  created,
  type Handler,
  list,
  orThrow,
  read,
  type Services,
  timeline,
} from "./call.ts";
import { checkResource, meantBy, ownerOf } from "./configured.ts";
import { reportLocations } from "./locations.ts";
import { positionLimits } from "./position-limits.ts";
import { track } from "./reports.ts";

export const resourceHandlers: Readonly<Record<keyof typeof resourceRoutes, Handler>> = {
  async createResource(services, call) {
    const { agencyId, location, status, ...fields }: z.infer<typeof createResource> = call.body;
    const resourceType = typeOf(call);
    const command = {
      type: "create",
      agencyId: agencyFor(call.principal, agencyId),
      resourceType,
      location: location ?? null,
      status,
      callSign: fields.callSign,
      name: fields.name ?? null,
      category: fields.category ?? null,
      capabilities: fields.capabilities ?? [],
      station: fields.station ?? null,
      home: fields.home ?? null,
      minimumCrew: fields.minimumCrew ?? 0,
      metadata: fields.metadata ?? {},
    };
    const make = async () => {
      checkResource(services, command.agencyId, resourceType, fields);
      return { id: services.ports.ids.uuidV7() };
    };
    return created(services, call, "resource", make, () => command, `/api/v1/resources/${resourceType}/`);
  },

  nearbyResources,
  availableResources,
  listResources: (services, call) => list(services, call, "resource", { type: typeOf(call) }),
  getTrack: async (services, call) => track(services, call, await resource(services, call)),
  getResource: async (services, call) => read(services, call, await resource(services, call)),

  async patchResource(services, call) {
    const changes: z.infer<typeof patchResource> = call.body;
    const address = await resource(services, call);
    checkResource(services, await ownerOf(services, call, address), typeOf(call), changes);
    return ask(services, call, address, { type: "update", changes });
  },

  async retireResource(services, call) {
    const body: z.infer<typeof retireResource> = call.body;
    return ask(services, call, await resource(services, call), { type: "retire", ...body });
  },

  async patchResourceStatus(services, call) {
    const { status, ...why }: z.infer<typeof patchResourceStatus> = call.body;
    const address = await resource(services, call);
    const meant = meantBy(services, await ownerOf(services, call, address), typeOf(call), status);
    return ask(services, call, address, { type: "setStatus", ...meant, ...why });
  },

  async changeShift(services, call) {
    const { onDuty, ...until }: z.infer<typeof changeShift> = call.body;
    const command = onDuty ? { type: "startShift", ...until } : { type: "endShift" };
    return ask(services, call, await resource(services, call), command);
  },

  async attachResource(services, call) {
    const body: z.infer<typeof attachResource> = call.body;
    return ask(services, call, await resource(services, call), { type: "attach", ...body });
  },

  detachResource: async (services, call) => ask(services, call, await resource(services, call), { type: "detach" }),

  getResourceTimeline: async (services, call) => timeline(services, call, await resource(services, call)),

  async reportLocation(services, call) {
    const body: Fix | { readonly fixes: readonly Fix[] } = call.body;
    const now = new Date(services.ports.clock.now()).toISOString();
    const fixes: Position[] = ("fixes" in body ? body.fixes : [body]).map((fix) => ({ ...fix, at: fix.at ?? now }));
    const id = call.path["id"]!;
    const limits = positionLimits(services, call.principal.agencies)(id);
    const report: LocationReport = { resourceType: typeOf(call), fixes, limits };
    const address = { kind: "resource", id };
    const reply = orThrow(await services.client.report(address, report, call.principal, call.requestId));
    return { status: 202, body: JSON.stringify(reply.state) };
  },
  reportLocations,
};

function typeOf({ path }: Call): ResourceType {
  return path["type"] as ResourceType;
}

/** The resource of a path. One that is of another type is not there: a type never changes. */
async function resource({ board, client }: Services, call: Call): Promise<Address> {
  const address = { kind: "resource", id: call.path["id"]! };
  const row = board.get(address);
  const known = row !== undefined && call.principal.agencies.includes(row.agency) ? row.state : undefined;
  const state = known ?? orThrow(await client.read(address, call.principal, call.requestId)).state;
  if ((state as { readonly resourceType: ResourceType }).resourceType === typeOf(call)) return address;
  throw new ProblemError("not_found", "no such resource");
}
