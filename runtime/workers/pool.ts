import { availableParallelism } from "node:os";
import { Piscina } from "piscina";

export interface PoolOptions {
  /** Fixed: threads that come and go cost more than they save. Default: one less than there are processors. */
  readonly threads?: number;
  /** Tasks that may wait; one more is refused. */
  readonly queueMax: number;
  /** What every thread is given when it starts. */
  readonly workerData?: unknown;
}

/** As much waits as may: nothing was begun, the same may be tried later. */
export class PoolFull extends Error {
  override name = "PoolFull";
}

/** Threads for what keeps a processor busy. What goes in and comes out is copied: batches, not crumbs. */
export class WorkerPool<Task, Result> {
  readonly #pool: Piscina;
  readonly #queueMax: number;

  /** @param file the module that a thread runs; its default export is called with each task */
  constructor(file: URL, { threads, queueMax, workerData }: PoolOptions) {
    const count = threads ?? Math.max(1, availableParallelism() - 1);
    this.#queueMax = queueMax;
    this.#pool = new Piscina({
      filename: file.href,
      minThreads: count,
      maxThreads: count,
      concurrentTasksPerWorker: 1,
      maxQueue: queueMax,
      workerData,
    });
  }

  get waiting(): number {
    return this.#pool.queueSize;
  }

  /** @throws PoolFull, and whatever the task throws */
  async run(task: Task): Promise<Result> {
    if (this.#pool.queueSize >= this.#queueMax) throw new PoolFull(`${this.#queueMax} tasks are waiting already`);
    return this.#pool.run(task);
  }

  /** Ends the threads once what they are at is done. */
  stop(): Promise<void> {
    return this.#pool.close();
  }
}
