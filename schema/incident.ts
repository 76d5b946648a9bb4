import { z } from "zod";
import { code, freeForm, limits, oneOrMore, page, place, text, timestamp, uuid } from "./common.ts";
import { agencyId } from "./principal.ts";
import { type ResourceType, resourceTypes, type StatusDetail } from "./resource.ts";

export const incidentStatuses = ["new", "assigned", "en_route", "on_scene", "resolved", "closed", "cancelled"] as const;
export type IncidentStatus = (typeof incidentStatuses)[number];

/** One unit on one incident. `cleared` is final: a unit sent again gets an assignment of its own. */
export const assignmentStatuses = ["assigned", "en_route", "on_scene", "cleared"] as const;
export type AssignmentStatus = (typeof assignmentStatuses)[number];

export const priority = z.number().int().min(1).max(5).describe("1 (highest) to 5");

const unitType = z.enum(resourceTypes);

export const assignment = z.strictObject({
  unitId: uuid,
  unitType,
  status: z.enum(assignmentStatuses),
  assignedAt: timestamp,
  enRouteAt: timestamp.nullable(),
  onSceneAt: timestamp.nullable(),
  clearedAt: timestamp.nullable(),
});
export type Assignment = z.infer<typeof assignment>;

const title = text(255).min(1);
const description = text(16_384);

/** An incident as the API shows it. */
export const incident = z
  .strictObject({
    id: uuid,
    incidentNumber: z.string().describe("<AGENCY>-<YYYY>-<NNNNNN>, unique"),
    agencyId,
    type: code,
    category: code,
    priority,
    status: z.enum(incidentStatuses),
    title,
    description: description.nullable(),
    location: place.nullable(),
    address: freeForm.nullable(),
    assignments: z.array(assignment),
    parentId: uuid.nullable(),
    sourceAlertId: uuid.nullable(),
    reportedById: z.string().nullable(),
    metadata: freeForm,
    disposition: z.string().nullable(),
    version: z.number().int().positive(),
    createdAt: timestamp,
    updatedAt: timestamp,
    resolvedAt: timestamp.nullable(),
    closedAt: timestamp.nullable(),
  })
  .meta({ id: "Incident" });
export type Incident = z.infer<typeof incident>;

/** What may be changed by PATCH, besides the status. `null` empties a field that may be empty. */
const editable = {
  type: code,
  category: code,
  priority,
  title,
  description: description.nullable(),
  location: place.nullable(),
  address: freeForm.nullable(),
  parentId: uuid.nullable(),
  metadata: freeForm,
};

export const createIncident = z
  .strictObject({
    type: code,
    category: code,
    title,
    priority: priority.default(3),
    description: editable.description.optional(),
    location: editable.location.optional(),
    address: editable.address.optional(),
    parentId: editable.parentId.optional(),
    metadata: editable.metadata.optional(),
    agencyId: agencyId.optional().describe("only for a caller that acts for several agencies"),
  })
  .meta({ id: "CreateIncident" });

export const patchIncident = z
  .strictObject({
    ...z.strictObject(editable).partial().shape,
    status: z.enum(["en_route", "on_scene", "resolved", "cancelled", "new"]).optional().describe("`new` reopens"),
    unitId: uuid.optional().describe("which unit, where more than one is assigned"),
    reason: text(1000).optional(),
    note: text(4000).min(1).optional().describe("a remark for the timeline"),
  })
  .refine((body) => Object.keys(body).length > 0, "nothing to change")
  .meta({ id: "PatchIncident" });

export const assignUnits = z
  .strictObject({
    unitId: uuid.optional(),
    unitIds: z.array(uuid).min(1).max(limits.unitsPerAssign).optional(),
    unitType: unitType.default("vehicles"),
    replaces: uuid.optional().describe("the unit on this incident that the new one replaces"),
  })
  .refine((body) => (body.unitId === undefined) !== (body.unitIds === undefined), "either unitId or unitIds")
  .refine((body) => new Set(body.unitIds).size === (body.unitIds?.length ?? 0), "a unit named twice")
  .meta({ id: "AssignUnits" });

export const escalateIncident = z
  .strictObject({ priority: priority.optional().describe("default: one step up"), reason: text(1000).min(1) })
  .meta({ id: "EscalateIncident" });

export const closeIncident = z
  .strictObject({ disposition: text(100).min(1), note: text(4000).optional() })
  .meta({ id: "CloseIncident" });

export const incidentFilters = z.strictObject({
  ...page,
  status: oneOrMore(z.enum(incidentStatuses)).optional(),
  priority: oneOrMore(
    z
      .string()
      .regex(/^[1-5]$/, "1 to 5")
      .transform(Number),
  ).optional(),
  type: oneOrMore(code).optional(),
  category: oneOrMore(code).optional(),
  agencyId: agencyId.optional(),
  unitId: uuid.optional().describe("with this unit assigned and not cleared"),
  parentId: uuid.optional(),
  incidentNumber: z.string().max(50).optional(),
  createdAfter: timestamp.optional(),
  createdBefore: timestamp.optional(),
});
export type IncidentFilters = z.infer<typeof incidentFilters>;

/** What may be asked of an incident's actor. Ids and numbers are made before, so that deciding stays pure. */
export type IncidentCommand =
  | {
      readonly type: "create";
      readonly agencyId: string;
      readonly incidentNumber: string;
      readonly fields: IncidentFields;
      readonly reportedById: string | null;
      readonly sourceAlertId: string | null;
    }
  | { readonly type: "update"; readonly changes: Partial<IncidentFields>; readonly note?: string }
  /** A change of fields and a transition in one: both are accepted or neither is. */
  | {
      readonly type: "patch";
      readonly update: Extract<IncidentCommand, { type: "update" }>;
      readonly transition: Extract<IncidentCommand, { type: "unitStatus" | "resolve" | "cancel" | "reopen" }>;
    }
  | {
      readonly type: "assign";
      readonly units: readonly { readonly unitId: string; readonly unitType: ResourceType }[];
      readonly replaces?: string;
    }
  | {
      readonly type: "unitStatus";
      readonly unitId?: string;
      readonly status: Exclude<AssignmentStatus, "assigned">;
      /** What the unit itself says it is now, where that is finer than its assignment. */
      readonly unitSays?: string;
      /** Passed on to the unit as it is. */
      readonly detail?: StatusDetail;
      readonly reason?: string;
    }
  | { readonly type: "resolve"; readonly reason?: string }
  | { readonly type: "cancel"; readonly reason?: string }
  | { readonly type: "reopen"; readonly reason?: string }
  | { readonly type: "escalate"; readonly priority?: number; readonly reason: string }
  /** Sent by a deadline alone; `due` is the moment it was set for. */
  | { readonly type: "autoEscalate"; readonly due: string }
  | { readonly type: "close"; readonly disposition: string; readonly note?: string };

/** The fields that a person enters. */
export interface IncidentFields {
  readonly type: string;
  readonly category: string;
  readonly priority: number;
  readonly title: string;
  readonly description: string | null;
  readonly location: { readonly lat: number; readonly lon: number } | null;
  readonly address: Readonly<Record<string, unknown>> | null;
  readonly parentId: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What has happened to an incident. */
export type IncidentEvent =
  | {
      readonly type: "incident.created";
      readonly incidentNumber: string;
      readonly agencyId: string;
      readonly fields: IncidentFields;
      readonly reportedById: string | null;
      readonly sourceAlertId: string | null;
    }
  | {
      readonly type: "incident.updated";
      readonly changes: Partial<IncidentFields>;
      readonly was: Partial<IncidentFields>;
    }
  | { readonly type: "incident.noted"; readonly note: string }
  | {
      readonly type: "incident.assigned";
      readonly unitId: string;
      readonly unitType: ResourceType;
      readonly replaces?: string;
    }
  | {
      readonly type: "incident.unit_status_changed";
      readonly unitId: string;
      readonly from: AssignmentStatus;
      readonly to: AssignmentStatus;
      readonly unitSays?: string;
      readonly reason?: string;
    }
  | { readonly type: "incident.status_changed"; readonly from: IncidentStatus; readonly to: IncidentStatus }
  | {
      readonly type: "incident.escalated";
      readonly from: number;
      readonly to: number;
      readonly reason: string;
    }
  | { readonly type: "incident.resolved"; readonly reason?: string }
  | { readonly type: "incident.cancelled"; readonly reason?: string }
  | { readonly type: "incident.reopened"; readonly reason?: string }
  | { readonly type: "incident.closed"; readonly disposition: string; readonly note?: string };
