import type { Ports } from "./ports/index.ts";

/** Tries at noting it, while others note theirs under the same key. */
const SAVE_ATTEMPTS = 10;

const PREFIX = "reactions-";

/** The whole journal is reacted to again, by whoever starts next: what was followed before is not followed twice. */
export async function forgetProgress({ config }: Pick<Ports, "config">): Promise<void> {
  for await (const { key } of config.entries()) if (key.startsWith(PREFIX)) await config.delete(key);
}

/** How far into the journal the reactions to one kind of actor are, by partition; kept for whoever owns them next. */
export class Progress {
  readonly #key: string;
  readonly #ports: Pick<Ports, "config">;
  readonly #places = new Map<number, number>();
  /** Owned, but not known yet how far they are. */
  readonly #waiting = new Set<number>();
  #saved = new Map<number, number>();

  constructor(kind: string, ports: Pick<Ports, "config">) {
    this.#key = PREFIX + kind;
    this.#ports = ports;
  }

  /** Where it is here; undefined unless it is owned, and was ever since its place was looked up. */
  placeOf(partition: number): number | undefined {
    return this.#places.get(partition);
  }

  /** There are partitions whose place is to be looked up. */
  get isNew(): boolean {
    return this.#waiting.size > 0;
  }

  gained(partition: number): void {
    this.#waiting.add(partition);
  }

  lost(partition: number): void {
    this.#waiting.delete(partition);
    this.#places.delete(partition);
  }

  /** Looks up what was noted of partitions that are new here. */
  async load(): Promise<void> {
    const wanted = [...this.#waiting];
    const { places } = await this.#read();
    for (const partition of wanted)
      if (this.#waiting.delete(partition)) this.#places.set(partition, places[partition] ?? 0);
  }

  /** The partition that is least far; undefined while there is none. */
  least(): number | undefined {
    let least: number | undefined;
    for (const place of this.#places.values()) if (least === undefined || place < least) least = place;
    return least;
  }

  /** All are at least so far. */
  advance(sequence: number): void {
    for (const [partition, place] of this.#places) if (place < sequence) this.#places.set(partition, sequence);
  }

  async save(): Promise<void> {
    const moved = [...this.#places].filter(([partition, place]) => this.#saved.get(partition) !== place);
    if (moved.length === 0) return;
    for (let attempt = 0; attempt < SAVE_ATTEMPTS; attempt++) {
      const { places, revision } = await this.#read();
      const next = { ...places };
      for (const [partition, place] of moved) next[partition] = Math.max(place, places[partition] ?? 0);
      const put = { key: this.#key, value: JSON.stringify(next), expectedRevision: revision };
      if ((await this.#ports.config.put([put])).ok) {
        this.#saved = new Map([...this.#saved, ...moved]);
        return;
      }
    }
    throw new Error("others kept noting theirs");
  }

  async #read(): Promise<{ readonly places: Record<number, number>; readonly revision: number }> {
    const entry = await this.#ports.config.get(this.#key);
    return { places: entry === undefined ? {} : JSON.parse(entry.value), revision: entry?.revision ?? 0 };
  }
}
