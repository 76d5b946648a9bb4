import { z } from "zod";
import { timestamp } from "./common.ts";
import type { ErrorCode } from "./errors.ts";
import {
  assignUnits,
  closeIncident,
  createIncident,
  escalateIncident,
  incident,
  incidentFilters,
  patchIncident,
} from "./incident.ts";
import type { Role } from "./principal.ts";
import {
  createResource,
  locationReceipt,
  patchResourceStatus,
  reportLocation,
  resource,
  resourceFilters,
} from "./resource.ts";

const listOf = <T extends z.ZodType>(item: T) =>
  z.strictObject({
    items: z.array(item),
    next: z.string().nullable().describe("`cursor` of the next page; null at the end"),
    complete: z.boolean().describe("false when older items could not be searched just now"),
  });

const timeline = z.strictObject({
  items: z.array(
    z.strictObject({
      sequence: z.number().int(),
      at: timestamp,
      type: z.string(),
      by: z.string(),
      data: z.record(z.string(), z.json()),
    }),
  ),
  next: z.string().nullable(),
});

const timelineQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100).describe("entries of the journal a page"),
  cursor: z.string().max(200).optional().describe("`next` of the page before"),
});

export interface Route {
  readonly method: "get" | "post" | "patch";
  /** Parameters in braces, as in OpenAPI. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  /** Who may; any principal with one of these roles. */
  readonly roles: readonly Role[];
  readonly body?: z.ZodType;
  readonly query?: z.ZodType;
  readonly status: 200 | 201 | 202;
  readonly answer: z.ZodType;
  /** Refusals beside those that every route may answer. */
  readonly refusals: readonly ErrorCode[];
}

const anyone: readonly Role[] = ["dispatcher", "responder", "supervisor", "admin"];
const dispatch: readonly Role[] = ["dispatcher", "supervisor", "admin"];
const crew: readonly Role[] = ["dispatcher", "responder", "supervisor", "admin", "device"];

/** Every operation there is: the gateway, the OpenAPI document and the tests are made from this table. */
export const routes = {
  createIncident: {
    method: "post",
    path: "/api/v1/incidents",
    summary: "Report an incident",
    tag: "incidents",
    roles: dispatch,
    body: createIncident,
    status: 201,
    answer: incident,
    refusals: ["idempotency_key_reused"],
  },
  listIncidents: {
    method: "get",
    path: "/api/v1/incidents",
    summary: "List incidents, newest first",
    tag: "incidents",
    roles: anyone,
    query: incidentFilters,
    status: 200,
    answer: listOf(incident),
    refusals: ["board_behind"],
  },
  getIncident: {
    method: "get",
    path: "/api/v1/incidents/{id}",
    summary: "One incident",
    tag: "incidents",
    roles: anyone,
    status: 200,
    answer: incident,
    refusals: ["not_found"],
  },
  patchIncident: {
    method: "patch",
    path: "/api/v1/incidents/{id}",
    summary: "Change fields or the status of an incident",
    tag: "incidents",
    roles: anyone,
    body: patchIncident,
    status: 200,
    answer: incident,
    refusals: ["not_found", "transition_not_allowed", "unit_not_assigned", "unit_ambiguous", "incident_final"],
  },
  assignUnits: {
    method: "post",
    path: "/api/v1/incidents/{id}/assign",
    summary: "Assign one or several units: all or none",
    tag: "incidents",
    roles: dispatch,
    body: assignUnits,
    status: 200,
    answer: incident,
    refusals: [
      "not_found",
      "transition_not_allowed",
      "unit_held",
      "unit_unavailable",
      "already_assigned",
      "limit_reached",
    ],
  },
  escalateIncident: {
    method: "post",
    path: "/api/v1/incidents/{id}/escalate",
    summary: "Raise the priority",
    tag: "incidents",
    roles: anyone,
    body: escalateIncident,
    status: 200,
    answer: incident,
    refusals: ["not_found", "incident_final", "priority_at_limit"],
  },
  getTimeline: {
    method: "get",
    path: "/api/v1/incidents/{id}/timeline",
    summary: "Everything that happened to an incident, oldest first",
    tag: "incidents",
    roles: anyone,
    query: timelineQuery,
    status: 200,
    answer: timeline,
    refusals: ["not_found"],
  },
  closeIncident: {
    method: "post",
    path: "/api/v1/incidents/{id}/close",
    summary: "Close a resolved incident",
    tag: "incidents",
    roles: dispatch,
    body: closeIncident,
    status: 200,
    answer: incident,
    refusals: ["not_found", "transition_not_allowed"],
  },
  createVehicle: {
    method: "post",
    path: "/api/v1/resources/vehicles",
    summary: "Register a vehicle",
    tag: "resources",
    roles: dispatch,
    body: createResource,
    status: 201,
    answer: resource,
    refusals: ["idempotency_key_reused"],
  },
  listVehicles: {
    method: "get",
    path: "/api/v1/resources/vehicles",
    summary: "List vehicles, newest first",
    tag: "resources",
    roles: anyone,
    query: resourceFilters,
    status: 200,
    answer: listOf(resource),
    refusals: ["board_behind"],
  },
  getVehicle: {
    method: "get",
    path: "/api/v1/resources/vehicles/{id}",
    summary: "One vehicle",
    tag: "resources",
    roles: anyone,
    status: 200,
    answer: resource,
    refusals: ["not_found"],
  },
  patchVehicleStatus: {
    method: "patch",
    path: "/api/v1/resources/vehicles/{id}/status",
    summary: "Set a vehicle's status; while it is held, this moves its assignment and the incident",
    tag: "resources",
    roles: crew,
    body: patchResourceStatus,
    status: 200,
    answer: resource,
    refusals: ["not_found", "transition_not_allowed", "unit_not_assigned"],
  },
  reportVehicleLocation: {
    method: "post",
    path: "/api/v1/resources/vehicles/{id}/location",
    summary: "Report one position fix or several",
    tag: "resources",
    roles: crew,
    body: reportLocation,
    status: 202,
    answer: locationReceipt,
    refusals: ["not_found"],
  },
} as const satisfies Record<string, Route>;

export type OperationId = keyof typeof routes;
