import { z } from "zod";
import { code, freeForm, page, place, text, timestamp, uuid } from "./common.ts";
import { agencyId } from "./principal.ts";

export const resourceTypes = ["vehicles"] as const;
export type ResourceType = (typeof resourceTypes)[number];

export const resourceStatuses = [
  "available",
  "assigned",
  "en_route",
  "on_scene",
  "transporting",
  "returning",
  "out_of_service",
  "off_duty",
] as const;
export type ResourceStatus = (typeof resourceStatuses)[number];

/** Derived from status and assignment: may it be sent? */
export const availabilities = ["available", "conditional", "unavailable"] as const;
export type Availability = (typeof availabilities)[number];

const callSign = text(32)
  .min(1)
  .regex(/^\S(.*\S)?$/, "no blanks at either end");
const status = z.enum(resourceStatuses);

export const fix = z
  .strictObject({
    lat: place.shape.lat,
    lon: place.shape.lon,
    at: timestamp.optional().describe("when the position was taken; default: now"),
    speedMps: z.number().min(0).max(1000).optional(),
    headingDegrees: z.number().min(0).max(360).optional(),
    accuracyMetres: z.number().min(0).max(1_000_000).optional(),
  })
  .meta({ id: "Fix" });
export type Fix = z.infer<typeof fix>;

export const position = z.strictObject({ ...fix.shape, at: timestamp });
export type Position = z.infer<typeof position>;

/** A resource as the API shows it. */
export const resource = z
  .strictObject({
    id: uuid,
    agencyId,
    type: z.enum(resourceTypes),
    callSign,
    name: z.string().nullable(),
    capabilities: z.array(code),
    status,
    availability: z.enum(availabilities),
    statusReason: z.string().nullable(),
    statusSince: timestamp,
    incidentId: uuid.nullable().describe("the incident that holds it"),
    location: position.nullable().describe("the last plausible position"),
    metadata: freeForm,
    version: z.number().int().positive(),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: "Resource" });
export type Resource = z.infer<typeof resource>;

export const createResource = z
  .strictObject({
    callSign,
    name: text(255).optional(),
    capabilities: z.array(code).max(50).optional(),
    location: place.optional(),
    status: z.enum(["available", "out_of_service", "off_duty"]).default("available"),
    metadata: freeForm.optional(),
    agencyId: agencyId.optional().describe("only for a caller that acts for several agencies"),
  })
  .meta({ id: "CreateResource" });

export const patchResourceStatus = z
  .strictObject({ status, reason: text(1000).optional() })
  .meta({ id: "PatchResourceStatus" });

/** A batch larger than this is a backlog: it is sent in several. */
const FIXES_PER_BATCH = 500;

export const reportLocation = z
  .union([fix, z.strictObject({ fixes: z.array(fix).min(1).max(FIXES_PER_BATCH) })])
  .meta({ id: "ReportLocation" });

/** What became of a report of fixes. */
export const locationReceipt = z
  .strictObject({
    accepted: z.number().int(),
    refused: z.array(z.strictObject({ index: z.number().int(), reason: z.string() })),
  })
  .meta({ id: "LocationReceipt" });
export type LocationReceipt = z.infer<typeof locationReceipt>;

export const resourceFilters = z.strictObject({
  ...page,
  status: z
    .string()
    .transform((list) => list.split(","))
    .pipe(z.array(status).min(1).max(20))
    .optional()
    .describe("one value, or several separated by commas"),
  callSign: z.string().max(32).optional(),
  capability: code.optional(),
  agencyId: agencyId.optional(),
});
export type ResourceFilters = z.infer<typeof resourceFilters>;

export type ResourceCommand =
  | {
      readonly type: "create";
      readonly agencyId: string;
      readonly resourceType: ResourceType;
      readonly callSign: string;
      readonly name: string | null;
      readonly capabilities: readonly string[];
      readonly location: { readonly lat: number; readonly lon: number } | null;
      readonly status: ResourceStatus;
      readonly metadata: Readonly<Record<string, unknown>>;
    }
  | { readonly type: "setStatus"; readonly status: ResourceStatus; readonly reason?: string }
  | { readonly type: "reportFixes"; readonly fixes: readonly Position[] }
  /** Joins an incident; only ever part of an incident's own commit. */
  | { readonly type: "hold"; readonly incidentId: string; readonly resourceType: ResourceType }
  /** Follows its assignment; only ever part of an incident's own commit. */
  | {
      readonly type: "follow";
      readonly incidentId: string;
      readonly status: "en_route" | "on_scene" | "transporting";
    }
  /** Leaves its incident; only ever part of an incident's own commit. */
  | { readonly type: "release"; readonly incidentId: string; readonly status?: ResourceStatus };

export type ResourceEvent =
  | {
      readonly type: "resource.created";
      readonly agencyId: string;
      readonly resourceType: ResourceType;
      readonly callSign: string;
      readonly name: string | null;
      readonly capabilities: readonly string[];
      readonly location: { readonly lat: number; readonly lon: number } | null;
      readonly status: ResourceStatus;
      readonly metadata: Readonly<Record<string, unknown>>;
    }
  | {
      readonly type: "resource.status_changed";
      readonly from: ResourceStatus;
      readonly to: ResourceStatus;
      readonly reason?: string;
    }
  | { readonly type: "resource.assigned"; readonly incidentId: string }
  | { readonly type: "resource.released"; readonly incidentId: string }
  | ({ readonly type: "resource.location_updated"; readonly position: Position } & LocationReceipt)
  | ({ readonly type: "resource.location_refused" } & LocationReceipt);
