import { z } from "zod";
import {
  code,
  entityVersion,
  freeForm,
  isWholeNear,
  limits,
  NEAR_NEEDS,
  near,
  oneOrMore,
  page,
  place,
  said,
  text,
  timestamp,
  uuid,
} from "./common.ts";
import { agencyId } from "./principal.ts";
import { type ResourceStatus, type ResourceType, resourceTypes, type StatusDetail } from "./resource.ts";
import type { Target } from "./routing/document.ts";

export const incidentStatuses = ["new", "assigned", "en_route", "on_scene", "resolved", "closed", "cancelled"] as const;
export type IncidentStatus = (typeof incidentStatuses)[number];

/** One unit on one incident. `cleared` is final: a unit sent again gets an assignment of its own. */
export const assignmentStatuses = ["assigned", "en_route", "on_scene", "cleared"] as const;
export type AssignmentStatus = (typeof assignmentStatuses)[number];

export const priority = z.number().int().min(1).max(5).describe("1 (highest) to 5");

const unitType = z.enum(resourceTypes);

/** How much is asked for: each level of a run card adds to the one before. */
export const ALARM_LEVELS_MAX = 10;
const alarmLevel = z.number().int().min(1).max(ALARM_LEVELS_MAX);

/** What is timed: call to first unit sent, sent to moving, moving to on scene. */
export const phases = ["dispatch", "turnout", "travel"] as const;
export type Phase = (typeof phases)[number];

/** What somebody has to be told of an incident: nobody is on it, its alarm is high, a phase is about to take too long. */
export const concerns = ["unassigned", "alarm", ...phases] as const;
export type Concern = (typeof concerns)[number];

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

const title = said(255);
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
    title: z.string(),
    description: description.nullable(),
    location: place.nullable(),
    address: freeForm.nullable(),
    assignments: z.array(assignment),
    alarmLevel: alarmLevel,
    atRisk: z.array(z.enum(phases)).describe("phases whose time target is in danger or missed"),
    parentId: uuid.nullable(),
    mergedIntoId: uuid.nullable().describe("the incident that this one is a duplicate of"),
    links: z.array(uuid).describe("related incidents"),
    sharedWith: z.array(agencyId).describe("agencies that may read it and assign their own units"),
    sourceAlertId: uuid.nullable(),
    reportedById: z.string().nullable(),
    metadata: freeForm,
    disposition: z.string().nullable(),
    version: entityVersion,
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
    priority: priority.optional().describe("default: what the agency says of the type, else 3"),
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
    note: said(4000).optional().describe("a remark for the timeline"),
  })
  .refine((body) => Object.keys(body).length > 0, "nothing to change")
  .meta({ id: "PatchIncident" });

export const assignUnits = z
  .strictObject({
    unitId: uuid.optional(),
    unitIds: z.array(uuid).min(1).max(limits.unitsPerAssign).optional(),
    auto: z.literal(true).optional().describe("the units that are recommended, as many as there are"),
    unitType: unitType.default("vehicles"),
    replaces: uuid.optional().describe("the unit on this incident that the new one replaces"),
  })
  .refine(
    (body) => [body.unitId, body.unitIds, body.auto].filter((given) => given !== undefined).length === 1,
    "one of unitId, unitIds and auto",
  )
  .refine((body) => new Set(body.unitIds).size === (body.unitIds?.length ?? 0), "a unit named twice")
  .meta({ id: "AssignUnits" });

export const escalateIncident = z
  .strictObject({ priority: priority.optional().describe("default: one step up"), reason: said(1000) })
  .meta({ id: "EscalateIncident" });

export const raiseAlarm = z
  .strictObject({ level: alarmLevel.optional().describe("default: one level up"), reason: said(1000) })
  .meta({ id: "RaiseAlarm" });

export const mergeIncident = z
  .strictObject({ duplicateId: uuid.describe("the incident that becomes a duplicate of this one") })
  .meta({ id: "MergeIncident" });

export const linkIncident = z.strictObject({ incidentId: uuid }).meta({ id: "LinkIncident" });

export const shareIncident = z.strictObject({ agencyId }).meta({ id: "ShareIncident" });

export const listedIncident = z
  .strictObject({ ...incident.shape, distance: z.number().optional().describe("metres, for a list around a point") })
  .meta({ id: "ListedIncident" });

export const incidentMoment = z.strictObject({
  at: z
    .union([timestamp, z.string().regex(/^\d{1,15}$/, "a sequence of the journal")])
    .optional()
    .describe("the incident as it was: a time (RFC 3339), or a sequence of the journal"),
});

export const closeIncident = z
  .strictObject({ disposition: said(100), note: text(4000).optional() })
  .meta({ id: "CloseIncident" });

export const incidentFilters = z
  .strictObject({
    ...page,
    q: text(200)
      .optional()
      .describe("words, all of which are in number, title, description or address; without case and accents"),
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
    ...near,
    bbox: z
      .string()
      .regex(/^-?[\d.]+(?:,-?[\d.]+){3}$/, "west,south,east,north in degrees")
      .optional()
      .describe("west,south,east,north in degrees; west above east goes across the antimeridian"),
    polygon: z
      .string()
      .max(8_000)
      .regex(/^-?[\d.]+,-?[\d.]+(?: -?[\d.]+,-?[\d.]+){2,}$/, "lon,lat lon,lat lon,lat …")
      .optional()
      .describe("a ring of places, lon,lat lon,lat …, edges straight on the map"),
  })
  .refine(isWholeNear, NEAR_NEEDS);
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
      readonly policy?: Policy;
    }
  | {
      readonly type: "update";
      readonly changes: Partial<IncidentFields>;
      readonly note?: string;
      /** With a type or priority that changes: the rules that then hold. */
      readonly policy?: Policy;
    }
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
      /** What the choice was made from, where the system made it. */
      readonly recommendation?: Readonly<Record<string, unknown>>;
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
  /** Sent by the system alone: to one that is over, and to which nothing has happened since before that time. */
  | { readonly type: "archive"; readonly before: string }
  | { readonly type: "restore" }
  | { readonly type: "escalate"; readonly priority?: number; readonly reason: string }
  /** Sent by a deadline alone; `due` is the moment it was set for. */
  | { readonly type: "autoEscalate"; readonly due: string }
  | { readonly type: "atRisk"; readonly phase: Phase; readonly due: string }
  | { readonly type: "raiseAlarm"; readonly level?: number; readonly reason: string }
  | { readonly type: "share"; readonly agencyId: string }
  | { readonly type: "unshare"; readonly agencyId: string }
  /** Asked of the incident that stays; the one with the lower id leads, and the other follows. */
  | { readonly type: "merge"; readonly duplicateId: string }
  | { readonly type: "leadAsDuplicate"; readonly of: string }
  | { readonly type: "followAsDuplicate"; readonly of: string }
  | { readonly type: "takeDuplicate"; readonly duplicateId: string }
  | { readonly type: "link"; readonly incidentId: string }
  | { readonly type: "unlink"; readonly incidentId: string }
  /** The other incident's part of link and unlink. */
  | { readonly type: "linkedBy"; readonly incidentId: string }
  | { readonly type: "unlinkedBy"; readonly incidentId: string }
  /** Whom the system would send, for the timeline. */
  | { readonly type: "recommend"; readonly recommendation: Readonly<Record<string, unknown>> }
  /** The incident's part of what happens to its alerts. */
  | { readonly type: "attachAlert"; readonly alertId: string; readonly agencyId: string; readonly title: string }
  | { readonly type: "detachAlert"; readonly alertId: string }
  | {
      readonly type: "noteAlert";
      readonly alertId: string;
      readonly title: string;
      readonly what: "updated" | "resolved" | "dismissed";
      readonly reason?: string;
    }
  | { readonly type: "close"; readonly disposition: string; readonly note?: string };

/** What an agency's configuration says for an incident's type, by priority; kept with the incident it was made for. */
export interface Policy {
  readonly escalation?: Readonly<Record<number, EscalationRule>>;
  readonly targets?: Readonly<Record<number, TimeTargets>>;
  /** Longer than this in a status is worth a warning, for the units that work on it. */
  readonly statusWarningsMs?: Partial<Readonly<Record<ResourceStatus, number>>>;
}

export interface EscalationRule {
  readonly unassignedMs: number;
  readonly action: "raise_priority" | "notify_supervisor" | "both" | "raise_alarm";
  readonly notifyAtAlarmLevel?: number;
  /** Default: the supervisors. */
  readonly notify?: readonly Target[];
}

/** How long each phase may take, and from which part of it on it is at risk. */
export type TimeTargets = { readonly [P in Phase as `${P}Ms`]?: number } & {
  readonly atRiskPercent: number;
  /** Default: the supervisors. */
  readonly notify?: readonly Target[];
};

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
      readonly policy?: Policy;
    }
  | {
      readonly type: "incident.updated";
      readonly changes: Partial<IncidentFields>;
      readonly was: Partial<IncidentFields>;
      readonly policy?: Policy;
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
  | { readonly type: "incident.recommended"; readonly recommendation: Readonly<Record<string, unknown>> }
  | { readonly type: "incident.alarm_raised"; readonly from: number; readonly to: number; readonly reason: string }
  /** With the alarm level that is why, where it is. Events of before anybody was called name no targets. */
  | {
      readonly type: "incident.supervisor_notified";
      readonly reason: string;
      readonly alarmLevel?: number;
      readonly targets?: readonly Target[];
    }
  | {
      readonly type: "sla.at_risk";
      readonly phase: Phase;
      readonly since: string;
      readonly targetMs: number;
      readonly targets?: readonly Target[];
    }
  | { readonly type: "incident.shared"; readonly agencyId: string }
  | { readonly type: "incident.unshared"; readonly agencyId: string }
  | { readonly type: "incident.merged"; readonly duplicateId: string }
  | { readonly type: "incident.merged_into"; readonly into: string }
  | { readonly type: "incident.alert_attached"; readonly alertId: string; readonly title: string }
  | { readonly type: "incident.alert_detached"; readonly alertId: string }
  | {
      readonly type: "incident.alert_noted";
      readonly alertId: string;
      readonly title: string;
      readonly what: "updated" | "resolved" | "dismissed";
      readonly reason?: string;
    }
  | { readonly type: "incident.linked"; readonly incidentId: string }
  | { readonly type: "incident.unlinked"; readonly incidentId: string }
  | { readonly type: "incident.resolved"; readonly reason?: string }
  | { readonly type: "incident.cancelled"; readonly reason?: string }
  | { readonly type: "incident.reopened"; readonly reason?: string }
  /** What came before it is in the archive alone, soon or already. Whatever else happens brings the incident back. */
  | { readonly type: "incident.archived" }
  | { readonly type: "incident.restored" }
  | { readonly type: "incident.closed"; readonly disposition: string; readonly note?: string };
