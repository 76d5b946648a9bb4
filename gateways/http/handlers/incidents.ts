import type { z } from "zod";
import type {
  assignUnits,
  closeIncident,
  createIncident,
  escalateIncident,
  IncidentCommand,
  incidentMoment,
  linkIncident,
  mergeIncident,
  Policy,
  patchIncident,
  raiseAlarm,
  shareIncident,
} from "../../../schema/incident.ts";
import type { incidentRoutes } from "../../../schema/routes/incidents.ts";
import type { Address } from "../../../schema/subjects.ts";
import type { Answer } from "../exchange.ts";
import { ProblemError } from "../problem.ts";
import { agencyFor, ask, type Call, created, type Handler, read, readPast, type Services, timeline } from "./call.ts";
import { checkDisposition, checkIncidentType, ownerOf, priorityFor } from "./configured.ts";
import { nextIncidentNumber } from "./incident-number.ts";
import { listIncidents } from "./incidents-list.ts";
import { checkParent } from "./parent.ts";
import { policyFor } from "./policy.ts";
import { recommendationFor } from "./recommending.ts";

const incident = ({ path }: Call): Address => ({ kind: "incident", id: path["id"]! });

export const incidentHandlers: Readonly<Record<keyof typeof incidentRoutes, Handler>> = {
  async createIncident(services, call) {
    const body: z.infer<typeof createIncident> = call.body;
    const agencyId = agencyFor(call.principal, body.agencyId);
    const make = async () => {
      checkIncidentType(services, agencyId, body.type);
      await checkParent(services, call, body.parentId);
      const incidentNumber = await nextIncidentNumber(services, agencyId);
      return { id: services.ports.ids.uuidV7(), incidentNumber };
    };
    const command = (incidentNumber: string): IncidentCommand => ({
      type: "create",
      agencyId,
      incidentNumber,
      fields: {
        type: body.type,
        category: body.category,
        priority: body.priority ?? priorityFor(services, agencyId, body.type),
        title: body.title,
        description: body.description ?? null,
        location: body.location ?? null,
        address: body.address ?? null,
        parentId: body.parentId ?? null,
        metadata: body.metadata ?? {},
      },
      reportedById: call.principal.subject,
      sourceAlertId: null,
      ...policyOf(services, agencyId, body.type),
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

  listIncidents,
  async getIncident(services, call) {
    const { at } = call.query as z.infer<typeof incidentMoment>;
    return at === undefined ? read(services, call, incident(call)) : readPast(services, call, incident(call), at);
  },

  async patchIncident(services, call) {
    const { status, unitId, reason, note, ...changes }: z.infer<typeof patchIncident> = call.body;
    const why = reason === undefined ? {} : { reason };
    if (status === "new" && !["supervisor", "admin"].some((role) => call.principal.roles.includes(role as "admin"))) {
      throw new ProblemError("forbidden", "to reopen an incident takes a supervisor");
    }
    const { type } = changes;
    await checkParent(services, call, changes.parentId, call.path["id"]);
    const agencyId = type === undefined ? undefined : await ownerOf(services, call, incident(call));
    if (type !== undefined && agencyId !== undefined) checkIncidentType(services, agencyId, type);
    const update: Extract<IncidentCommand, { type: "update" }> = {
      type: "update",
      changes: changes as Extract<IncidentCommand, { type: "update" }>["changes"],
      ...(note === undefined ? {} : { note }),
      ...(type === undefined || agencyId === undefined ? {} : policyOf(services, agencyId, type)),
    };
    const transitions = {
      en_route: { type: "unitStatus", status: "en_route", ...(unitId === undefined ? {} : { unitId }), ...why },
      on_scene: { type: "unitStatus", status: "on_scene", ...(unitId === undefined ? {} : { unitId }), ...why },
      resolved: { type: "resolve", ...why },
      cancelled: { type: "cancel", ...why },
      new: { type: "reopen", ...why },
    } as const;
    if (status === undefined) return ask(services, call, incident(call), update);
    const transition = transitions[status];
    const alone = Object.keys(changes).length === 0 && note === undefined;
    return ask(services, call, incident(call), alone ? transition : { type: "patch", update, transition });
  },

  async assignUnits(services, call) {
    const { unitId, unitIds, unitType, auto, replaces }: z.infer<typeof assignUnits> = call.body;
    const instead = replaces === undefined ? {} : { replaces };
    if (auto === true) return assignRecommended(services, call, instead);
    const units = (unitIds ?? [unitId!]).map((id) => ({ unitId: id, unitType }));
    return ask(services, call, incident(call), { type: "assign", units, ...instead });
  },

  async escalateIncident(services, call) {
    const body: z.infer<typeof escalateIncident> = call.body;
    return ask(services, call, incident(call), { type: "escalate", ...body });
  },

  async closeIncident(services, call) {
    const body: z.infer<typeof closeIncident> = call.body;
    checkDisposition(services, await ownerOf(services, call, incident(call)), body.disposition);
    return ask(services, call, incident(call), { type: "close", ...body });
  },

  getTimeline: (services, call) => timeline(services, call, incident(call)),

  async raiseAlarm(services, call) {
    const body: z.infer<typeof raiseAlarm> = call.body;
    return ask(services, call, incident(call), { type: "raiseAlarm", ...body });
  },

  async mergeIncident(services, call) {
    const body: z.infer<typeof mergeIncident> = call.body;
    return ask(services, call, incident(call), { type: "merge", ...body });
  },

  async linkIncident(services, call) {
    const body: z.infer<typeof linkIncident> = call.body;
    return ask(services, call, incident(call), { type: "link", ...body });
  },

  unlinkIncident: (services, call) =>
    ask(services, call, incident(call), { type: "unlink", incidentId: call.path["otherId"] }),

  async shareIncident(services, call) {
    const body: z.infer<typeof shareIncident> = call.body;
    return ask(services, call, incident(call), { type: "share", ...body });
  },

  unshareIncident: (services, call) =>
    ask(services, call, incident(call), { type: "unshare", agencyId: call.path["agency"] }),
};

function policyOf(services: Services, agencyId: string, type: string): { readonly policy?: Policy } {
  const policy = policyFor(services, agencyId, type);
  return policy === undefined ? {} : { policy };
}

/** Between the recommendation and the assignment others may take a unit: then it is made again, without it. */
const RECOMMEND_AGAIN = 4;

async function assignRecommended(services: Services, call: Call, instead: object): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const { candidates, picks, shortfalls, inputs } = await recommendationFor(services, call, incident(call).id, {
      wanted: {},
    });
    const chosen = candidates.filter(({ row }) => picks.has(row.id));
    const units = chosen.map(({ row, state }) => ({ unitId: row.id, unitType: state.resourceType }));
    const recommendation = { inputs, shortfalls };
    try {
      return await ask(services, call, incident(call), { type: "assign", units, recommendation, ...instead });
    } catch (error) {
      const taken = error instanceof ProblemError && ["unit_held", "unit_unavailable"].includes(error.problem.code);
      if (!taken || attempt === RECOMMEND_AGAIN) throw error;
    }
  }
}
