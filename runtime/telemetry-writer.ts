import type { TelemetryStream } from "./ports/index.ts";

interface Waiting {
  readonly subject: string;
  readonly payload: string;
  readonly kept: (sequence: number) => void;
  readonly lost: (error: unknown) => void;
}

/** While one batch is written the next one gathers; a third would only wait in the server. */
const BATCHES_MAX = 2;

/** Writes telemetry in batches that grow with the load; a lone record goes at once. */
export class TelemetryWriter {
  readonly #stream: TelemetryStream;
  readonly #soon: (callback: () => void) => void;
  #waiting: Waiting[] = [];
  #underWay = 0;
  #pumpSet = false;

  /** @param soon calls back once all that has arrived at this moment has been handled */
  constructor(stream: TelemetryStream, soon: (callback: () => void) => void) {
    this.#stream = stream;
    this.#soon = soon;
  }

  /** @returns the record's sequence once it is kept */
  write(subject: string, payload: string): Promise<number> {
    return new Promise((kept, lost) => {
      this.#waiting.push({ subject, payload, kept, lost });
      this.#wakeUp();
    });
  }

  #wakeUp(): void {
    if (this.#pumpSet || this.#waiting.length === 0) return;
    this.#pumpSet = true;
    this.#soon(() => {
      this.#pumpSet = false;
      while (this.#underWay < BATCHES_MAX && this.#waiting.length > 0) this.#send();
    });
  }

  #send(): void {
    const batch = this.#waiting.splice(0, this.#stream.maxBatch);
    this.#underWay += 1;
    void this.#append(batch).then(() => {
      this.#underWay -= 1;
      this.#wakeUp();
    });
  }

  async #append(batch: readonly Waiting[]): Promise<void> {
    try {
      const sequences = await this.#stream.append(batch);
      for (const [index, { kept }] of batch.entries()) kept(sequences[index]!);
    } catch (error) {
      for (const { lost } of batch) lost(error);
    }
  }
}
