import { z } from "zod";
import { timestamp, uuid } from "./common.ts";
import { phases } from "./incident.ts";
import { agencyId } from "./principal.ts";
import { resourceStatuses, resourceTypes } from "./resource.ts";
import { isSpan, SPAN_NEEDS, span } from "./span.ts";

const common = {
  ...span,
  agencyId: agencyId.optional().describe("one of the caller's; default: all of them"),
  format: z.enum(["json", "csv"]).default("json").describe("csv also by Accept: text/csv"),
};

export const responseTimesQuery = z
  .strictObject({ ...common, by: z.enum(["all", "type", "priority"]).default("all").describe("a row for each") })
  .refine(isSpan, SPAN_NEEDS);
export const unitHoursQuery = z
  .strictObject({ ...common, by: z.enum(["unit", "type"]).default("unit").describe("a row for each, and its status") })
  .refine(isSpan, SPAN_NEEDS);
export const callVolumeQuery = z
  .strictObject({ ...common, by: z.enum(["hour", "day"]).default("hour").describe("UTC") })
  .refine(isSpan, SPAN_NEEDS);

const reportOf = <T extends z.ZodType>(item: T) =>
  z.strictObject({ from: timestamp, to: timestamp, items: z.array(item) });

const milliseconds = z.number().nullable();

export const responseTimes = reportOf(
  z.strictObject({
    group: z.string().describe("the type or priority, or `all`"),
    phase: z.enum(phases).describe("dispatch: call to first unit sent; turnout and travel: of each unit"),
    count: z.number().int(),
    p50Ms: milliseconds,
    p90Ms: milliseconds,
    p95Ms: milliseconds,
    targetMs: milliseconds.describe("the largest time target among them"),
    withinTarget: z.number().nullable().describe("share of those with a target that kept it, 0 to 1"),
  }),
);
export const unitHours = reportOf(
  z.strictObject({
    resourceId: uuid.nullable().describe("null for a whole type"),
    callSign: z.string().nullable(),
    type: z.enum(resourceTypes),
    status: z.enum(resourceStatuses),
    hours: z.number(),
  }),
);
export const callVolume = reportOf(
  z.strictObject({ start: timestamp.describe("of the hour or day"), type: z.string(), count: z.number().int() }),
);

export type ReportName = "responseTimes" | "unitHours" | "callVolume";
