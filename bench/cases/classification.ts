import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { classify, compileRules } from "../../actors/classification/classify.ts";
import { said } from "../../actors/classification/said.ts";
import { TextClassifier } from "../../actors/classification/text-classifier.ts";
import { spokenCalls } from "../../commands/classifier/spoken.ts";
import type { ClassificationBatch, ClassificationResult } from "../../gateways/classification/batch.ts";
import { WorkerPool } from "../../runtime/workers/pool.ts";
import type { ClassifiableAlert, ClassificationDocument } from "../../schema/classification.ts";
import { textModel } from "../../schema/text-model.ts";
import type { BenchCase, BenchContext } from "../case.ts";
import { rounded } from "../load/statistics.ts";

const BATCHES = [1, 10, 50, 200, 1_000];
const RULES = 20;
const THREADS = 1;

/** What classifying costs where alerts come in, and what it costs there to have it done by others. */
export const classification: BenchCase = {
  name: "classification",
  describe:
    "Classification of alerts, inline and by worker threads, by batch size: time of the main thread and in all.",

  async run(context) {
    const model = textModel.parse(JSON.parse(readFileSync(join(context.root, "models/synthetic-calls.json"), "utf8")));
    const classifier = new TextClassifier(model);
    const compiled = compileRules(document);
    if ("flaws" in compiled) throw new Error(JSON.stringify(compiled.flaws));
    const count = context.quick ? 2_000 : 20_000;
    const alerts = alertsOf(count);
    const inlineUs: number[] = [];
    for (let round = 0; round <= context.rounds; round++) {
      const started = performance.now();
      for (const alert of alerts) classify(alert, said(alert), compiled, { rules: 1 }, classifier);
      // The first is the warm-up.
      if (round > 0) inlineUs.push(((performance.now() - started) * 1_000) / count);
    }
    const inline = median(inlineUs);
    context.progress(`inline: ${rounded(inline)} µs an alert`);
    const file = pathToFileURL(join(context.root, "dist/gateways/classification/worker.main.js"));
    const pool = new WorkerPool<ClassificationBatch, ClassificationResult>(file, {
      threads: THREADS,
      queueMax: 1_000,
      workerData: model,
    });
    const rows: (readonly [number, number, number])[] = [];
    try {
      for (const size of BATCHES) rows.push([size, ...(await batches(context, pool, alerts, size))]);
    } finally {
      await pool.stop();
    }
    return {
      tables: [
        {
          title: `Microseconds an alert: ${RULES} rules and the shipped text model`,
          columns: ["batch", "inline", "workers: main thread", "workers: elapsed"],
          rows: rows.map(([size, main, elapsed]) => [size, ...[inline, main, elapsed].map(rounded)]),
        },
      ],
      notes: [
        `One worker thread, four batches under way. "Main thread" is the CPU time that the thread which hands batches over still`,
        "spends on them: where it is not far below inline, workers take nothing off it.",
      ],
      notMeasured: ["More threads than one.", "Longer texts than a call's."],
      failures: [],
      measurements: { count, inlineUs, rows },
    };
  },
};

async function batches(
  context: BenchContext,
  pool: WorkerPool<ClassificationBatch, ClassificationResult>,
  alerts: readonly ClassifiableAlert[],
  size: number,
): Promise<readonly [main: number, elapsed: number]> {
  const main: number[] = [];
  const elapsed: number[] = [];
  for (let round = 0; round <= context.rounds; round++) {
    const startedMs = performance.now();
    const before = performance.eventLoopUtilization();
    let next = 0;
    const worker = async () => {
      while (next < alerts.length) {
        const part = alerts.slice(next, next + size);
        next += size;
        const verdicts = await pool.run({ agencyId: "default", revision: 1, document, alerts: part });
        if (verdicts.length !== part.length) throw new Error("a batch came back short");
      }
    };
    await Promise.all(Array.from({ length: 4 }, worker));
    const elapsedMs = performance.now() - startedMs;
    if (round === 0) continue;
    elapsed.push((elapsedMs * 1_000) / alerts.length);
    main.push((performance.eventLoopUtilization(before).active * 1_000) / alerts.length);
  }
  context.progress(`workers, batches of ${size}: ${rounded(median(elapsed))} µs an alert`);
  return [median(main), median(elapsed)];
}

const document: ClassificationDocument = {
  rules: Array.from({ length: RULES }, (_, index) => ({
    name: `rule ${index}`,
    when: `alert.type == "call" && alert.labels["line"] == "${index}" && alert.title.contains("fire")`,
    set: { priority: 1 },
  })),
};

function alertsOf(count: number): readonly ClassifiableAlert[] {
  return spokenCalls(count, 7).map(({ text }, index) => ({
    type: "call",
    severity: "medium",
    title: text.slice(0, 255),
    source: "phone",
    labels: { line: String(index % 40), district: String(index % 7) },
  }));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
