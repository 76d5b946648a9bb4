import { LRUCache } from "lru-cache";
import { activeRules } from "../../actors/classification/active.ts";
import { classify, type Verdict } from "../../actors/classification/classify.ts";
import { type ClassificationState, classification } from "../../actors/classification/definition.ts";
import { said } from "../../actors/classification/said.ts";
import type { TextClassifier } from "../../actors/classification/text-classifier.ts";
import type { Board } from "../../runtime/board.ts";
import type { Clock } from "../../runtime/ports/index.ts";
import { PoolFull } from "../../runtime/workers/pool.ts";
import type { ClassifiableAlert } from "../../schema/classification.ts";
import type { ClassificationBatch, ClassificationResult } from "./batch.ts";

/** Where batches are worked on; `WorkerPool` is one. */
export interface BatchWorker {
  run(batch: ClassificationBatch): Promise<ClassificationResult>;
}

/**
 * From this many on a batch goes to a worker: the main thread then spends a third of what it would spend on
 * classifying them itself, and less the more there are. Fewer cost as much to hand over, and wait longer. See
 * bench/results/README.md.
 */
const BATCH_MIN = 10;
const BATCH_MAX = 200;

/** Verdicts that are kept, each with what it is of. */
const KEPT_MAX = 10_000;
/** What is longer is seldom said twice, and would fill the memory. */
const KEPT_CHARACTERS = 1_000;

interface Waiting {
  readonly alert: ClassifiableAlert;
  readonly done: (verdict: Verdict) => void;
}

/**
 * Classifies alerts by their agency's rules as the board has them: a few at once here, many at once by a worker. A worker that
 * fails, or has too much to do, fails nobody: what it was given is done here. Devices say the same again and again: what was made
 * of that, to the letter and under the same rules, is known.
 */
export class AlertClassifier {
  readonly #board: Pick<Board, "get">;
  readonly #clock: Clock;
  readonly #classifier: TextClassifier | undefined;
  readonly #worker: BatchWorker | undefined;
  readonly #failed: (error: unknown) => void;
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #known = new LRUCache<string, Verdict>({ max: KEPT_MAX });
  #byWorkers = 0;

  /** @param failed is told of what a worker throws; not of too much to do */
  constructor(
    { board, clock, classifier }: { board: Pick<Board, "get">; clock: Clock; classifier: TextClassifier | undefined },
    worker: BatchWorker | undefined,
    failed: (error: unknown) => void,
  ) {
    this.#board = board;
    this.#clock = clock;
    this.#classifier = classifier;
    this.#worker = worker;
    this.#failed = failed;
  }

  get figures() {
    return { classifiedByWorkers: this.#byWorkers };
  }

  /** What comes in the same turn is looked at together. Never rejects. */
  classify(agencyId: string, alert: ClassifiableAlert): Verdict | Promise<Verdict> {
    const known = this.#known.get(keyOf(agencyId, this.#state(agencyId).revision, alert));
    if (known !== undefined) return known;
    return new Promise((done) => {
      const waiting = this.#waiting.get(agencyId);
      if (waiting !== undefined) {
        waiting.push({ alert, done });
        return;
      }
      this.#waiting.set(agencyId, [{ alert, done }]);
      this.#clock.soon(() => this.#take(agencyId));
    });
  }

  #take(agencyId: string): void {
    const waiting = this.#waiting.get(agencyId) ?? [];
    this.#waiting.delete(agencyId);
    for (let from = 0; from < waiting.length; from += BATCH_MAX) {
      const part = waiting.slice(from, from + BATCH_MAX);
      if (part.length < BATCH_MIN || this.#worker === undefined) this.#here(agencyId, part);
      else void this.#there(this.#worker, agencyId, part);
    }
  }

  #state(agencyId: string): ClassificationState {
    const row = this.#board.get({ kind: "classification", id: agencyId });
    return (row?.state as ClassificationState | undefined) ?? classification.initial;
  }

  #here(agencyId: string, part: readonly Waiting[]): void {
    const { revision, compiled } = activeRules(this.#state(agencyId));
    for (const { alert, done } of part) {
      const verdict = classify(alert, said(alert), compiled, { rules: revision }, this.#classifier);
      this.#keep(keyOf(agencyId, revision, alert), verdict);
      done(verdict);
    }
  }

  #keep(key: string, verdict: Verdict): void {
    if (key.length <= KEPT_CHARACTERS) this.#known.set(key, verdict);
  }

  async #there(worker: BatchWorker, agencyId: string, part: readonly Waiting[]): Promise<void> {
    const { revision, document } = this.#state(agencyId);
    try {
      const alerts = part.map(({ alert }) => alert);
      const verdicts = await worker.run({ agencyId, revision, document, alerts });
      this.#byWorkers += part.length;
      for (const [index, { alert, done }] of part.entries()) {
        this.#keep(keyOf(agencyId, revision, alert), verdicts[index]!);
        done(verdicts[index]!);
      }
    } catch (error) {
      if (!(error instanceof PoolFull)) this.#failed(error);
      this.#here(agencyId, part);
    }
  }
}

/** All that a verdict follows from, the model apart, which is the same for as long as a process lives. */
function keyOf(agencyId: string, revision: number, alert: ClassifiableAlert): string {
  return JSON.stringify([agencyId, revision, alert]);
}
