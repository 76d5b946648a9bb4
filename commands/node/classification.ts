import { existsSync } from "node:fs";
import type { TextClassifier } from "../../actors/classification/text-classifier.ts";
import type { Classify } from "../../bridges/alerts/reports.ts";
import type { ClassificationBatch, ClassificationResult } from "../../gateways/classification/batch.ts";
import { AlertClassifier } from "../../gateways/classification/classifier.ts";
import type { Board } from "../../runtime/board.ts";
import type { Ports } from "../../runtime/ports/index.ts";
import { WorkerPool } from "../../runtime/workers/pool.ts";

/** Batches that may wait for the threads; one more is done by the main thread. */
const QUEUE_MAX = 64;

export interface Classification {
  readonly classify: Classify;
  readonly figures: { readonly classifiedByWorkers: number };
  stop(): Promise<void>;
}

/** Classification of alerts as they come. Threads are started for the first batch: a quiet centre has none. */
export function classificationOf(
  board: Board,
  { clock, log }: Pick<Ports, "clock" | "log">,
  classifier: TextClassifier | undefined,
): Classification {
  let pool: WorkerPool<ClassificationBatch, ClassificationResult> | undefined;
  const run = (batch: ClassificationBatch) => {
    pool ??= new WorkerPool(workerFile(), { queueMax: QUEUE_MAX, workerData: classifier?.model ?? null });
    return pool.run(batch);
  };
  const alerts = new AlertClassifier({ board, clock, classifier }, { run }, (error) =>
    log.warn({ error }, "a worker failed to classify; the main thread has done it"),
  );
  return {
    classify({ type, severity, title, description, deviceId, labels }, { agencyId, source }) {
      return alerts.classify(agencyId, { type, severity, title, description, deviceId, labels, source: source.name });
    },
    get figures() {
      return alerts.figures;
    },
    stop: async () => pool?.stop(),
  };
}

/** A thread runs what was built, also where this is run from its source. */
function workerFile(): URL {
  const beside = new URL("../../gateways/classification/worker.main.js", import.meta.url);
  return existsSync(beside) ? beside : new URL("../../dist/gateways/classification/worker.main.js", import.meta.url);
}
