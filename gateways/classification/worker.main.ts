import { workerData } from "node:worker_threads";
import { type CompiledRules, classify, compileRules } from "../../actors/classification/classify.ts";
import { said } from "../../actors/classification/said.ts";
import { TextClassifier } from "../../actors/classification/text-classifier.ts";
import type { TextModel } from "../../schema/text-model.ts";
import type { ClassificationBatch, ClassificationResult } from "./batch.ts";

const classifier = workerData === null ? undefined : new TextClassifier(workerData as TextModel);

/** The rules of the batch before, which are nearly always those of this one. */
let last: { readonly agencyId: string; readonly revision: number; readonly compiled: CompiledRules } | undefined;

/** What a thread does with a batch. */
export default function run({ agencyId, revision, document, alerts }: ClassificationBatch): ClassificationResult {
  if (last?.agencyId !== agencyId || last.revision !== revision) {
    const compiled = compileRules(document);
    if ("flaws" in compiled) throw new Error("what is active was checked before it was");
    last = { agencyId, revision, compiled };
  }
  const { compiled } = last;
  return alerts.map((alert) => classify(alert, said(alert), compiled, { rules: revision }, classifier));
}
