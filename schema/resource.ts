import { z } from "zod";
import {
  code,
  entityVersion,
  freeForm,
  isWholeNear,
  json,
  NEAR_NEEDS,
  near,
  numeric,
  oneOrMore,
  page,
  place,
  said,
  text,
  timestamp,
  uuid,
} from "./common.ts";
import { agencyId } from "./principal.ts";
import { isSpan, SPAN_NEEDS, span } from "./span.ts";

export const resourceTypes = ["personnel", "vehicles", "equipment"] as const;
export type ResourceType = (typeof resourceTypes)[number];

/** What each type may carry: a crew and its tools on a vehicle, tools on a person. */
export const carries: Readonly<Record<ResourceType, readonly ResourceType[]>> = {
  vehicles: ["personnel", "equipment"],
  personnel: ["equipment"],
  equipment: [],
};

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

/** What a resource may call itself while no incident holds it. */
export const freeStatuses = ["available", "returning", "out_of_service", "off_duty"] as const;

/** Derived from status, assignment and crew: may it be sent? */
export const availabilities = ["available", "conditional", "unavailable"] as const;
export type Availability = (typeof availabilities)[number];

const callSign = text(32)
  .min(1)
  .regex(/^\S(.*\S)?$/, "no blanks at either end")
  .meta({ examples: ["E01"] });
const status = z.enum(resourceStatuses);
const capabilities = z.array(code).max(50);
const minimumCrew = z
  .number()
  .int()
  .min(0)
  .max(50)
  .describe("a vehicle with fewer people aboard is not fully available");

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
    category: code.nullable().describe("what it is: engine, ambulance, paramedic, defibrillator; agency-defined"),
    capabilities: z.array(code),
    station: code.nullable(),
    home: place.nullable().describe("its base"),
    minimumCrew,
    status,
    statusCode: code.nullable().describe("the agency's own code of the status, where one was given"),
    statusReason: z.string().nullable(),
    statusSince: timestamp,
    statusOverdue: z.boolean().describe("it has been in this status for longer than the agency's threshold"),
    availability: z.enum(availabilities),
    availabilityReason: z.string().nullable().describe("why it is not simply available"),
    incidentId: uuid.nullable().describe("the incident that holds it"),
    carrier: z
      .strictObject({ id: uuid, type: z.enum(resourceTypes), since: timestamp })
      .nullable()
      .describe("the vehicle or person that it is with"),
    aboard: z
      .array(z.strictObject({ id: uuid, type: z.enum(resourceTypes), since: timestamp }))
      .describe("crew and equipment that are with it"),
    shift: z
      .strictObject({ since: timestamp, until: timestamp.nullable(), overdue: z.boolean() })
      .nullable()
      .describe("the shift it is on duty for"),
    location: position.nullable().describe("the last plausible position"),
    metadata: freeForm,
    retiredAt: timestamp.nullable(),
    version: entityVersion,
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: "Resource" });
export type Resource = z.infer<typeof resource>;

/** What may be changed by PATCH. `null` empties a field that may be empty. */
const editable = {
  callSign,
  name: text(255).nullable(),
  category: code.nullable(),
  capabilities,
  station: code.nullable(),
  home: place.nullable(),
  minimumCrew,
  metadata: freeForm,
};

export const createResource = z
  .strictObject({
    callSign,
    name: editable.name.optional(),
    category: editable.category.optional(),
    capabilities: capabilities.optional(),
    station: editable.station.optional(),
    home: editable.home.optional(),
    minimumCrew: minimumCrew.optional(),
    location: place.optional(),
    status: z.enum(["available", "out_of_service", "off_duty"]).default("available"),
    metadata: freeForm.optional(),
    agencyId: agencyId.optional().describe("only for a caller that acts for several agencies"),
  })
  .meta({ id: "CreateResource" });

export const patchResource = z
  .strictObject(editable)
  .partial()
  .refine((body) => Object.keys(body).length > 0, "nothing to change")
  .meta({ id: "PatchResource" });

export const retireResource = z.strictObject({ reason: said(1000) }).meta({ id: "RetireResource" });

export const patchResourceStatus = z
  .strictObject({
    status: code.describe(`one of ${resourceStatuses.join(", ")}, or a code that the agency has defined`),
    reason: text(1000).optional(),
  })
  .meta({ id: "PatchResourceStatus" });

export const attachResource = z
  .strictObject({
    carrierId: uuid.describe("the vehicle or person that it goes with"),
    carrierType: z.enum(["vehicles", "personnel"]).default("vehicles"),
  })
  .meta({ id: "AttachResource" });

export const changeShift = z
  .strictObject({
    onDuty: z.boolean(),
    until: timestamp.optional().describe("when the shift ends; it then goes off duty by itself, unless it is at work"),
  })
  .refine(({ onDuty, until }) => onDuty || until === undefined, "until: only for going on duty")
  .meta({ id: "ChangeShift" });

/** A batch larger than this is a backlog: it is sent in several. */
export const FIXES_PER_BATCH = 500;

export const reportLocation = z
  .union([fix, z.strictObject({ fixes: z.array(fix).min(1).max(FIXES_PER_BATCH) })])
  .meta({ id: "ReportLocation" });

/** What a feed gathers of a large fleet in a second or so: more is sent in several requests. */
export const FIXES_PER_FEED = 1_000;

/** Fixes of many units at once, as the feed of a vehicle location system has them. */
export const reportLocations = z
  .strictObject({
    fixes: z
      .array(z.strictObject({ type: z.enum(resourceTypes), id: uuid, ...fix.shape }))
      .min(1)
      .max(FIXES_PER_FEED),
  })
  .meta({ id: "ReportLocations" });
export type ReportLocations = z.infer<typeof reportLocations>;

/** What became of a report of fixes. */
export const locationReceipt = z
  .strictObject({
    accepted: z.number().int(),
    refused: z.array(
      z.strictObject({
        index: z.number().int().describe("of the fix in the request"),
        reason: z.string().describe("why it did not move the unit, or the code of why it was not taken"),
      }),
    ),
  })
  .meta({ id: "LocationReceipt" });
export type LocationReceipt = z.infer<typeof locationReceipt>;

/** What a fix must keep within to be plausible; what is not said is as built in. */
export interface PositionLimits {
  readonly speedMaxKmh?: number | undefined;
  readonly accuracyMaxMetres?: number | undefined;
}

/** Fixes of one unit, as they reach it. */
export interface LocationReport {
  readonly resourceType: ResourceType;
  readonly fixes: readonly Position[];
  readonly limits?: PositionLimits | undefined;
}

export const resourceFilters = z.strictObject({
  ...page,
  status: oneOrMore(status).optional(),
  availability: oneOrMore(z.enum(availabilities)).optional(),
  callSign: z.string().max(32).optional(),
  category: oneOrMore(code).optional(),
  capability: code.optional(),
  station: code.optional(),
  carrierId: uuid.optional(),
  incidentId: uuid.optional(),
  agencyId: agencyId.optional(),
  retired: z.enum(["false", "true", "any"]).default("false").describe("whether what is retired is listed"),
});
export type ResourceFilters = z.infer<typeof resourceFilters>;

const matching = {
  type: oneOrMore(z.enum(resourceTypes)).optional(),
  category: oneOrMore(code).optional(),
  capabilities: oneOrMore(code).optional().describe("all of them; those of crew and equipment count"),
  agencyId: agencyId.optional(),
  limit: page.limit,
};

export const nearbyQuery = z.strictObject({
  ...matching,
  lat: numeric(-90, 90),
  lon: numeric(-180, 180),
  radius: near.radius.describe("metres; default: 5000"),
  availability: z
    .enum(["sendable", "any"])
    .default("sendable")
    .describe("sendable: available or conditional; any: also what is at work"),
});

export const availableQuery = z
  .strictObject({
    ...matching,
    ...near,
    incidentId: uuid.optional().describe("recommends for this incident: place and needs are then its own"),
  })
  .refine((query) => isWholeNear(query) || (query.incidentId !== undefined && query.lat === undefined), NEAR_NEEDS);

const located = z
  .strictObject({
    ...resource.shape,
    distance: z.number().nullable().describe("metres along the great circle"),
  })
  .meta({ id: "LocatedResource" });

export const nearbyAnswer = z.strictObject({ items: z.array(located), next: z.null(), complete: z.boolean() });

const requirement = {
  capabilities: z.array(code),
  types: z.array(z.enum(resourceTypes)),
  count: z.number().int(),
};

export const availableAnswer = z.strictObject({
  items: z.array(
    z.strictObject({
      ...located.shape,
      recommended: z.boolean().optional(),
      reason: z.string().optional().describe("why it is listed where it is"),
      travelSeconds: z
        .number()
        .nullable()
        .optional()
        .describe("how long it takes to get there, where travel times are configured; null: not known of this one"),
    }),
  ),
  next: z.null(),
  complete: z.boolean(),
  shortfalls: z
    .array(z.strictObject({ ...requirement, missing: z.number().int() }))
    .optional()
    .describe("what nobody can cover"),
  inputs: z
    .record(z.string(), json)
    .optional()
    .describe("the states this was made from: sequences of the journal, times of positions"),
});

/** More points than this are asked for page by page. */
const POINTS_PER_PAGE = 5_000;

export const trackQuery = z
  .strictObject({
    ...span,
    resolution: z.coerce
      .number()
      .int()
      .min(1)
      .max(86_400)
      .optional()
      .describe("seconds: one position in each, the last; left out: every fix"),
    refused: z.enum(["true", "false"]).default("true").describe("whether fixes that moved nobody are among them"),
    limit: z.coerce.number().int().min(1).max(POINTS_PER_PAGE).default(1_000).describe("positions a page"),
    cursor: page.cursor,
  })
  .refine(isSpan, SPAN_NEEDS);

export const track = z.strictObject({
  items: z.array(z.strictObject({ ...position.shape, refused: z.string().optional().describe("why it moved nobody") })),
  next: z.string().nullable(),
});

/** The fields that a person enters. */
export interface ResourceFields {
  readonly callSign: string;
  readonly name: string | null;
  readonly category: string | null;
  readonly capabilities: readonly string[];
  readonly station: string | null;
  readonly home: { readonly lat: number; readonly lon: number } | null;
  readonly minimumCrew: number;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What an agency's own status code adds to the base status. */
export interface StatusDetail {
  readonly code?: string;
  /** Longer than this in the status is worth a warning. */
  readonly warnAfterMs?: number;
}

interface Joining {
  readonly memberId: string;
  readonly memberType: ResourceType;
  readonly carrierType: ResourceType;
}

export type ResourceCommand =
  | ({
      readonly type: "create";
      readonly agencyId: string;
      readonly resourceType: ResourceType;
      readonly location: { readonly lat: number; readonly lon: number } | null;
      readonly status: ResourceStatus;
    } & ResourceFields)
  | { readonly type: "update"; readonly changes: Partial<ResourceFields> }
  | { readonly type: "retire"; readonly reason: string }
  | ({ readonly type: "setStatus"; readonly status: ResourceStatus; readonly reason?: string } & StatusDetail)
  | { readonly type: "startShift"; readonly until?: string }
  | { readonly type: "endShift" }
  /** Sent by deadlines alone; `due` is the moment they were set for. */
  | { readonly type: "shiftOver"; readonly due: string }
  | { readonly type: "statusOverdue"; readonly due: string }
  | { readonly type: "attach"; readonly carrierId: string; readonly carrierType: ResourceType }
  | { readonly type: "detach" }
  /** The carrier's and the member's part of attach and detach: whichever leads, the other follows. */
  | ({ readonly type: "takeAboard" } & Joining)
  | ({ readonly type: "receiveMember" } & Joining)
  | { readonly type: "joinCarrier"; readonly carrierId: string; readonly carrierType: ResourceType }
  | { readonly type: "letGo"; readonly memberId: string }
  | { readonly type: "leaveCarrier"; readonly carrierId: string }
  | { readonly type: "loseMember"; readonly memberId: string }
  /** Joins an incident; only ever part of an incident's own commit. */
  | ({ readonly type: "hold"; readonly incidentId: string; readonly resourceType: ResourceType } & StatusDetail)
  /** Follows its assignment; only ever part of an incident's own commit. */
  | ({
      readonly type: "follow";
      readonly incidentId: string;
      readonly status: "en_route" | "on_scene" | "transporting";
    } & StatusDetail)
  /** Leaves its incident; only ever part of an incident's own commit. */
  | ({ readonly type: "release"; readonly incidentId: string; readonly status?: ResourceStatus } & StatusDetail);

export type ResourceEvent =
  | ({
      readonly type: "resource.created";
      readonly agencyId: string;
      readonly resourceType: ResourceType;
      readonly location: { readonly lat: number; readonly lon: number } | null;
      readonly status: ResourceStatus;
    } & ResourceFields)
  | {
      readonly type: "resource.updated";
      readonly changes: Partial<ResourceFields>;
      readonly was: Partial<ResourceFields>;
    }
  | { readonly type: "resource.retired"; readonly reason: string }
  | ({
      readonly type: "resource.status_changed";
      readonly from: ResourceStatus;
      readonly to: ResourceStatus;
      readonly reason?: string;
    } & StatusDetail)
  | { readonly type: "resource.status_overdue"; readonly status: ResourceStatus; readonly since: string }
  | { readonly type: "resource.shift_started"; readonly until: string | null }
  | { readonly type: "resource.shift_ended" }
  | { readonly type: "resource.shift_overdue"; readonly until: string }
  | { readonly type: "resource.attached"; readonly carrierId: string; readonly carrierType: ResourceType }
  | { readonly type: "resource.detached"; readonly carrierId: string }
  | { readonly type: "resource.member_attached"; readonly memberId: string; readonly memberType: ResourceType }
  | { readonly type: "resource.member_detached"; readonly memberId: string }
  | { readonly type: "resource.assigned"; readonly incidentId: string }
  | { readonly type: "resource.released"; readonly incidentId: string }
  | ({ readonly type: "resource.location_updated"; readonly position: Position } & LocationReceipt)
  | ({ readonly type: "resource.location_refused" } & LocationReceipt);
