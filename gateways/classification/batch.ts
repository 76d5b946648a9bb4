import type { Verdict } from "../../actors/classification/classify.ts";
import type { ClassifiableAlert, ClassificationDocument } from "../../schema/classification.ts";

/** Alerts of one agency, to be classified together. */
export interface ClassificationBatch {
  readonly agencyId: string;
  readonly revision: number;
  readonly document: ClassificationDocument;
  readonly alerts: readonly ClassifiableAlert[];
}

/** One for each, in their order. */
export type ClassificationResult = readonly Verdict[];
