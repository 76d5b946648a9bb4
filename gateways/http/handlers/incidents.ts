import type { z } from "zod";
import type {
  assignUnits,
  closeIncident,
  createIncident,
  escalateIncident,
  IncidentCommand,
  patchIncident,
} from "../../../schema/incident.ts";
import type { incidentRoutes } from "../../../schema/routes/incidents.ts";
import { type Address, subjects } from "../../../schema/subjects.ts";
import { ProblemError } from "../problem.ts";
import { agencyFor, ask, type Call, created, type Handler, list, read, timeline } from "./call.ts";

const incident = ({ path }: Call): Address => ({ kind: "incident", id: path["id"]! });

export const incidentHandlers: Readonly<Record<keyof typeof incidentRoutes, Handler>> = {
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
  getIncident: (services, call) => read(services, call, incident(call)),

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
    if (status === undefined) return ask(services, call, incident(call), update);
    const transition = transitions[status];
    const alone = Object.keys(changes).length === 0 && note === undefined;
    return ask(services, call, incident(call), alone ? transition : { type: "patch", update, transition });
  },

  async assignUnits(services, call) {
    const { unitId, unitIds, unitType, replaces }: z.infer<typeof assignUnits> = call.body;
    const units = (unitIds ?? [unitId!]).map((id) => ({ unitId: id, unitType }));
    return ask(services, call, incident(call), {
      type: "assign",
      units,
      ...(replaces === undefined ? {} : { replaces }),
    });
  },

  async escalateIncident(services, call) {
    const body: z.infer<typeof escalateIncident> = call.body;
    return ask(services, call, incident(call), { type: "escalate", ...body });
  },

  async closeIncident(services, call) {
    const body: z.infer<typeof closeIncident> = call.body;
    return ask(services, call, incident(call), { type: "close", ...body });
  },

  getTimeline: (services, call) => timeline(services, call, incident(call)),
};
