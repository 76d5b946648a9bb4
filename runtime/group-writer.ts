/** A stream that takes several at once. */
export interface Appendable<Entry> {
  readonly maxBatch: number;
  append(entries: readonly Entry[]): Promise<readonly number[]>;
}

interface Waiting<Entry> {
  readonly entry: Entry;
  readonly kept: (sequence: number) => void;
  readonly lost: (error: unknown) => void;
}

/** While some are written the next one gathers. */
const BATCHES_MAX = 4;
/** Told at a time: whoever waits does a lot with it, and others have a turn in between. */
const TOLD_AT_ONCE = 25;
/** For so many turns what is still coming is waited for: each write costs a system call, however little is in it. */
const TURNS_MAX = 16;

/** Writes to a stream in batches that grow with the load; a lone entry goes as soon as nothing came with it. */
export class GroupWriter<Entry> {
  readonly #stream: Appendable<Entry>;
  readonly #soon: (callback: () => void) => void;
  #waiting: Waiting<Entry>[] = [];
  #underWay = 0;
  #pumpSet = false;

  /** @param soon calls back once all that has arrived at this moment has been handled */
  constructor(stream: Appendable<Entry>, soon: (callback: () => void) => void) {
    this.#stream = stream;
    this.#soon = soon;
  }

  /** @returns the entry's sequence once it is kept */
  write(entry: Entry): Promise<number> {
    return new Promise((kept, lost) => {
      this.#waiting.push({ entry, kept, lost });
      this.#wakeUp();
    });
  }

  #wakeUp(): void {
    if (this.#pumpSet || this.#waiting.length === 0 || this.#underWay >= BATCHES_MAX) return;
    this.#pumpSet = true;
    this.#gather(0);
  }

  /** Until a turn brings nothing more, or there is enough for a batch. */
  #gather(turn: number): void {
    const before = this.#waiting.length;
    this.#soon(() => {
      const isMore = this.#waiting.length > before && this.#waiting.length < this.#stream.maxBatch;
      if (isMore && turn < TURNS_MAX) return this.#gather(turn + 1);
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

  async #append(batch: readonly Waiting<Entry>[]): Promise<void> {
    try {
      const sequences = await this.#stream.append(batch.map(({ entry }) => entry));
      for (const [index, { kept }] of batch.entries()) {
        if (index > 0 && index % TOLD_AT_ONCE === 0) await new Promise<void>((resolve) => this.#soon(resolve));
        kept(sequences[index]!);
      }
    } catch (error) {
      for (const { lost } of batch) lost(error);
    }
  }
}
