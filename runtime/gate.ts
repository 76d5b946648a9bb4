/** Lets so many through at once, the others in the order in which they came. */
export class Gate {
  readonly #most: number;
  #inside = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  async pass<T>(action: () => Promise<T>): Promise<T> {
    // Who leaves hands his place on: nobody who comes meanwhile takes it.
    if (this.#inside >= this.#most) await new Promise<void>((enter) => this.#waiting.push(enter));
    else this.#inside += 1;
    try {
      return await action();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#inside -= 1;
      else next();
    }
  }
}
