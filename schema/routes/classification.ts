import { z } from "zod";
import { activeClassification, classifiableAlert, classificationDocument, ruleSeverities } from "../classification.ts";
import { code, said } from "../common.ts";
import { priority } from "../incident.ts";
import { ofAgency } from "./configuration.ts";
import { anyone, dispatch, type Route, timeline, timelineQuery } from "./route.ts";

const path = "/api/v1/classification";
const tag = "classification";

export const classificationRoutes = {
  getClassification: {
    method: "get",
    path,
    summary: "By which rules alerts are classified",
    tag,
    roles: anyone,
    query: ofAgency,
    status: 200,
    answer: activeClassification,
    refusals: [],
  },
  activateClassification: {
    method: "put",
    path,
    summary: "Activate a document of rules; it holds for every alert that comes",
    tag,
    roles: ["admin"],
    query: ofAgency,
    body: z
      .strictObject({
        document: classificationDocument,
        comment: said(1_000).nullable().optional().describe("why, for whoever looks at the history"),
      })
      .meta({ id: "ActivateClassification" }),
    status: 200,
    answer: activeClassification,
    refusals: [],
  },
  getClassificationTimeline: {
    method: "get",
    path: `${path}/timeline`,
    summary: "Every activation, oldest first, with its document",
    tag,
    roles: anyone,
    query: z.strictObject({
      ...ofAgency.shape,
      ...timelineQuery.shape,
      limit: z.coerce.number().int().min(1).max(20).default(10).describe("activations a page"),
    }),
    status: 200,
    answer: timeline,
    refusals: [],
  },
  testClassification: {
    method: "post",
    path: `${path}/test`,
    summary: "What would be made of an alert, and why",
    tag,
    roles: dispatch,
    looksOnly: true,
    query: ofAgency,
    body: z
      .strictObject({
        alert: classifiableAlert,
        document: classificationDocument.optional().describe("a candidate; default: what is active"),
      })
      .meta({ id: "ClassificationTest" }),
    status: 200,
    answer: z
      .strictObject({
        category: code,
        severity: z.enum(ruleSeverities),
        priority,
        incidentType: code,
        reasons: z.array(z.string()).describe("in the order in which it was decided"),
        versions: z.record(z.string(), z.string()).describe("of the rules and the model that decided"),
      })
      .meta({ id: "ClassificationVerdict" }),
    refusals: [],
  },
} as const satisfies Record<string, Route>;
