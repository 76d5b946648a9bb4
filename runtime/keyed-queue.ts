/** Runs what has the same key one after the other, and the rest side by side. */
export class KeyedQueue {
  readonly #last = new Map<string, Promise<void>>();

  /** Resolves once the task is done. A task must not throw. */
  run(key: string, task: () => Promise<void>): Promise<void> {
    const before = this.#last.get(key);
    const done = before === undefined ? task() : before.then(task);
    this.#last.set(key, done);
    void done.then(() => {
      if (this.#last.get(key) === done) this.#last.delete(key);
    });
    return done;
  }

  /** Resolves once nothing is left of what there is by then. */
  async quiet(): Promise<void> {
    while (this.#last.size > 0) await Promise.all(this.#last.values());
  }
}
