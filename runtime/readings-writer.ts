import type { Board, Measured } from "./board.ts";
import type { Ports } from "./ports/index.ts";

export interface ReadingsOptions {
  readonly everyMs: number;
  /** In this time all readings have been looked at: an actor that is measured all the time costs one put in it. */
  readonly circleMs: number;
}

export const readingsDefaults: ReadingsOptions = { everyMs: 100, circleMs: 5 * 60_000 };

/** How much of telemetry a board reads again when it starts: more than readings are ever written late. */
export const READINGS_REPLAY_MS = 3 * readingsDefaults.circleMs;

/** A server takes at most 1,000 messages in one batch. */
const PUTS_MAX = 500;

interface Changed {
  readonly key: string;
  readonly measured: Measured;
}

/**
 * Writes the last reading of each actor behind, so that it outlives the history of its telemetry: it goes over all readings
 * in a circle, and writes what has changed of those whose actors are this host's. What is not written when a host dies
 * is in that history still, so the boards have it, and the next owner's circle comes upon it.
 */
export class ReadingsWriter {
  readonly #ports: Ports;
  readonly #board: Board;
  readonly #options: ReadingsOptions;
  readonly #owned: (key: string) => boolean;
  /** What is written, as far as is known. */
  readonly #written = new Map<string, { readonly sequence: number; readonly revision: number }>();
  #circle: Iterator<readonly [string, Measured]> | undefined;
  #stopped = false;
  #cancel: () => void = () => undefined;

  constructor(ports: Ports, board: Board, options: ReadingsOptions, owned: (key: string) => boolean) {
    this.#ports = ports;
    this.#board = board;
    this.#options = options;
    this.#owned = owned;
  }

  start(): void {
    const { everyMs, circleMs } = this.#options;
    this.#cancel = this.#ports.clock.after(everyMs, () => {
      const part = Math.ceil((this.#board.readingsCount * everyMs) / circleMs);
      void this.#write(Math.min(part, PUTS_MAX)).finally(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  halt(): void {
    this.#stopped = true;
    this.#cancel();
  }

  /** Goes over all of them once more. */
  async flush(): Promise<void> {
    this.#circle = undefined;
    do await this.#write(PUTS_MAX);
    while (this.#circle !== undefined);
  }

  /** Looks at the next so many. */
  async #write(count: number): Promise<void> {
    const changed: Changed[] = [];
    for (let looked = 0; looked < count; looked++) {
      this.#circle ??= this.#board.readings()[Symbol.iterator]();
      const { value, done } = this.#circle.next();
      if (done === true) {
        this.#circle = undefined;
        break;
      }
      const [key, measured] = value;
      const isWritten = measured.stored === true || (this.#written.get(key)?.sequence ?? 0) >= measured.sequence;
      if (!isWritten && this.#owned(key)) changed.push({ key, measured });
    }
    if (changed.length > 0) await this.#put(changed);
  }

  /** Behind fences: what comes late, or from a host that was the owner once, must not undo what is newer. */
  async #put(changed: readonly Changed[]): Promise<void> {
    const { readings, log } = this.#ports;
    try {
      for (const { key } of changed) {
        if (this.#written.has(key)) continue;
        const there = await readings.get(key);
        const sequence = there === undefined ? 0 : JSON.parse(there.value).sequence;
        this.#written.set(key, { sequence, revision: there?.revision ?? 0 });
      }
      const newer = changed.filter(({ key, measured }) => this.#written.get(key)!.sequence < measured.sequence);
      const puts = newer.map(({ key, measured: { sequence, reading } }) => ({
        key,
        value: JSON.stringify({ sequence, reading }),
        expectedRevision: this.#written.get(key)!.revision,
      }));
      const result = await readings.put(puts);
      if (!result.ok) return this.#forget(newer);
      for (const [index, { key, measured }] of newer.entries()) {
        this.#written.set(key, { sequence: measured.sequence, revision: result.revisions[index]! });
      }
    } catch (error) {
      this.#forget(changed);
      log.warn({ error, readings: changed.length }, "last readings could not be written; they will be");
    }
  }

  /** Looked up again when the circle comes round. */
  #forget(changed: readonly Changed[]): void {
    for (const { key } of changed) this.#written.delete(key);
  }
}
