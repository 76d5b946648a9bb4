import { z } from "zod";
import { code, text, timestamp } from "./common.ts";
import { priority } from "./incident.ts";
import { agencyId } from "./principal.ts";

/** How an agency makes of an alert what it is: rules first, then, for what people say in their own words, a text model. */

export const CLASSIFICATION_RULES_MAX = 200;
const EXPRESSION_CHARACTERS_MAX = 1_000;

export const ruleSeverities = ["critical", "high", "medium", "low", "info"] as const;

const rule = z
  .strictObject({
    name: code.describe("told among an alert's reasons"),
    when: z
      .string()
      .min(1)
      .max(EXPRESSION_CHARACTERS_MAX)
      .describe("CEL, of `alert`; the rule holds where it is true")
      .meta({ examples: ['alert.type == "smoke" && alert.labels["floor"].startsWith("3")'] }),
    set: z
      .strictObject({
        category: code.optional(),
        severity: z.enum(ruleSeverities).optional(),
        priority: priority.optional(),
        incidentType: code.optional(),
      })
      .refine((set) => Object.keys(set).length > 0, "one field at least"),
  })
  .meta({ id: "ClassificationRule" });
export type ClassificationRule = Readonly<z.infer<typeof rule>>;

export const classificationDocument = z
  .strictObject({
    rules: z.array(rule).max(CLASSIFICATION_RULES_MAX).describe("of each field, the first rule that sets it wins"),
    model: z
      .strictObject({
        types: z.array(code).max(50).describe("types of alerts whose text the model reads; none: it is off"),
        minimumConfidence: z.number().min(0).max(1).describe("below it, the model's opinion is told and not followed"),
      })
      .optional()
      .describe('default: it reads alerts of the type "call", and is followed from a confidence of 0.6'),
  })
  .meta({ id: "ClassificationDocument" });
export type ClassificationDocument = Readonly<z.infer<typeof classificationDocument>>;

export const builtInClassification: ClassificationDocument = { rules: [] };
export const defaultModelUse: NonNullable<ClassificationDocument["model"]> = {
  types: ["call"],
  minimumConfidence: 0.6,
};

export const activeClassification = z
  .strictObject({
    agencyId,
    revision: z.number().int().min(0).describe("0: nothing was ever activated"),
    activatedAt: timestamp.nullable(),
    activatedBy: z.string().nullable(),
    comment: z.string().nullable(),
    document: classificationDocument,
  })
  .meta({ id: "ClassificationSettings" });

/** An alert as rules see it; what it does not say is empty. */
export const classifiableAlert = z
  .strictObject({
    type: code,
    severity: z.enum(ruleSeverities),
    title: text(255),
    description: text(16_384).nullable().optional(),
    source: text(48).optional(),
    deviceId: text(128).nullable().optional(),
    labels: z
      .record(z.string().max(100), text(1_024))
      .refine((labels) => Object.keys(labels).length <= 64, "at most 64 labels")
      .optional(),
  })
  .meta({ id: "ClassifiableAlert" });
export type ClassifiableAlert = Readonly<z.infer<typeof classifiableAlert>>;

export interface ClassificationCommand {
  readonly type: "activate";
  readonly document: ClassificationDocument;
  readonly comment: string | null;
}

export interface ClassificationEvent {
  readonly type: "classification.activated";
  readonly revision: number;
  readonly document: ClassificationDocument;
  readonly comment: string | null;
}
