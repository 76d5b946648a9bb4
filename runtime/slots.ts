import type { Clock } from "./ports/index.ts";

/** How many may be at it now, and how long a place stays empty once somebody has left it. */
export interface Room {
  readonly places: number;
  readonly pauseMs: number;
}

/** Lets in as many as there is room for at the moment, the others in the order in which they came. */
export class Slots {
  readonly #clock: Pick<Clock, "after">;
  readonly #room: () => Room;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  /** @param room asked whenever somebody comes or goes; there is always a place for one */
  constructor(clock: Pick<Clock, "after">, room: () => Room) {
    this.#clock = clock;
    this.#room = room;
  }

  async run<T>(action: () => Promise<T>): Promise<T> {
    if (this.#waiting.length === 0 && this.#isFree) this.#inside += 1;
    else await new Promise<void>((enter) => this.#waiting.push(enter));
    try {
      return await action();
    } finally {
      const { pauseMs } = this.#room();
      // The place is kept meanwhile: who comes in the pause waits, too.
      if (pauseMs > 0) this.#clock.after(pauseMs, () => this.#leave());
      else this.#leave();
    }
  }

  get #isFree(): boolean {
    return this.#inside < Math.max(1, this.#room().places);
  }

  #leave(): void {
    this.#inside -= 1;
    while (this.#waiting.length > 0 && this.#isFree) {
      this.#inside += 1;
      this.#waiting.shift()!();
    }
  }
}
