import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type ClassificationState, classification } from "../../actors/classification/definition.ts";
import { TextClassifier } from "../../actors/classification/text-classifier.ts";
import type { Board } from "../../runtime/board.ts";
import { systemClock } from "../../runtime/ports/system.ts";
import { PoolFull, WorkerPool } from "../../runtime/workers/pool.ts";
import type { ClassifiableAlert } from "../../schema/classification.ts";
import { textModel } from "../../schema/text-model.ts";
import type { ClassificationBatch, ClassificationResult } from "./batch.ts";
import { AlertClassifier, type BatchWorker } from "./classifier.ts";

const root = new URL("../../", import.meta.url);
const model = textModel.parse(JSON.parse(readFileSync(new URL("models/synthetic-calls.json", root), "utf8")));
const rules = [{ name: "gas", when: 'alert.title.contains("gas")', set: { severity: "critical" as const } }];
const state = { ...classification.initial, agencyId: "metro", revision: 3, document: { rules } };
const rowsOf = (states: Readonly<Record<string, ClassificationState>>): Pick<Board, "get"> => ({
  get({ id }) {
    const state = states[id];
    return state && { id, agency: id, state, version: 1, sequence: 1 };
  },
});
const board = rowsOf({ metro: state });

function classifierWith(worker: BatchWorker | undefined, failed: (error: unknown) => void = () => undefined) {
  return new AlertClassifier({ board, clock: systemClock, classifier: new TextClassifier(model) }, worker, failed);
}

const alerts = (count: number): ClassifiableAlert[] =>
  Array.from({ length: count }, (_, n) => ({
    type: "call",
    severity: "low",
    title: n % 2 === 0 ? `I smell gas at number ${n}` : `the house at number ${n} is on fire, flames from the roof`,
  }));

const all = (classifier: AlertClassifier, count: number) =>
  Promise.all(alerts(count).map((alert) => classifier.classify("metro", alert)));

it("few alerts are classified where they are, many by a worker, and nobody can tell by the answers", async () => {
  const file = new URL("dist/gateways/classification/worker.main.js", root);
  const pool = new WorkerPool<ClassificationBatch, ClassificationResult>(file, {
    threads: 1,
    queueMax: 10,
    workerData: model,
  });
  try {
    const classifier = classifierWith(pool);
    const few = await all(classifier, 9);
    expect(classifier.figures.classifiedByWorkers).toBe(0);
    const many = await all(classifier, 450);
    // Nine of them are known.
    expect(classifier.figures.classifiedByWorkers).toBe(441);
    expect(many).toEqual(await all(classifierWith(undefined), 450));
    expect(many.slice(0, 9)).toEqual(few);
    expect(few[0]).toMatchObject({
      incidentType: "gas_leak_natural_and_lp_gases",
      severity: "critical",
      versions: { rules: "3", model: expect.stringContaining("synthetic calls") },
    });
  } finally {
    await pool.stop();
  }
});

it("what a worker fails at, or has no room for, is done here, and only the failure is told", async () => {
  for (const [error, told] of [
    [new Error("a thread died"), 1],
    [new PoolFull("full"), 0],
  ] as const) {
    const failures: unknown[] = [];
    const classifier = classifierWith({ run: () => Promise.reject(error) }, (one) => failures.push(one));
    expect(await all(classifier, 20)).toEqual(await all(classifierWith(undefined), 20));
    expect(failures).toHaveLength(told);
  }
});

it("what was said to the letter under the same rules is known, until other rules are active", async () => {
  const states: Record<string, ClassificationState> = { metro: state, rural: { ...state, agencyId: "rural" } };
  const changing = rowsOf(states);
  const asked: ClassificationBatch[] = [];
  const classifier = new AlertClassifier(
    { board: changing, clock: systemClock, classifier: undefined },
    {
      async run(batch) {
        asked.push(batch);
        const made = new AlertClassifier(
          { board: changing, clock: systemClock, classifier: undefined },
          undefined,
          () => undefined,
        );
        return Promise.all(batch.alerts.map((alert) => made.classify(batch.agencyId, alert)));
      },
    },
    () => undefined,
  );
  const first = await all(classifier, 20);
  expect(await all(classifier, 20)).toEqual(first);
  expect(asked, "the second time nobody is asked").toHaveLength(1);

  const [gas] = alerts(1);
  const otherwise = [
    { ...gas!, title: `${gas!.title}!` },
    { ...gas!, description: "" },
    { ...gas!, labels: { line: "1" } },
    { ...gas!, source: "panel" },
    { ...gas!, deviceId: "1" },
  ];
  for (const alert of otherwise) expect(classifier.classify("metro", alert), "not known").toBeInstanceOf(Promise);
  expect(classifier.classify("rural", gas!), "another agency's rules").toBeInstanceOf(Promise);
  expect(classifier.classify("metro", gas!)).toEqual(first[0]);

  const document = { rules: [{ ...rules[0]!, set: { severity: "high" as const } }] };
  states["metro"] = { ...state, revision: 4, document };
  expect(await classifier.classify("metro", gas!)).toMatchObject({ severity: "high", versions: { rules: "4" } });
  expect(first[0]).toMatchObject({ severity: "critical", versions: { rules: "3" } });
});

it("what is long is not kept", async () => {
  const classifier = classifierWith(undefined);
  const [alert] = alerts(1);
  const long = { ...alert!, description: "x".repeat(1_000) };
  await classifier.classify("metro", long);
  expect(classifier.classify("metro", long)).toBeInstanceOf(Promise);
});

it("a pool takes so many tasks at most, and refuses what is beyond", async () => {
  const file = new URL("dist/gateways/classification/worker.main.js", root);
  const pool = new WorkerPool<ClassificationBatch, ClassificationResult>(file, {
    threads: 1,
    queueMax: 2,
    workerData: model,
  });
  try {
    const batch = { agencyId: "metro", revision: 3, document: { rules }, alerts: alerts(500) };
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => pool.run(batch)));
    const refused = outcomes.filter((one) => one.status === "rejected" && one.reason instanceof PoolFull);
    expect(refused.length).toBeGreaterThan(0);
    expect(outcomes.length - refused.length).toBeGreaterThanOrEqual(3);
    expect(await pool.run({ ...batch, alerts: alerts(2) })).toHaveLength(2);
  } finally {
    await pool.stop();
  }
});
