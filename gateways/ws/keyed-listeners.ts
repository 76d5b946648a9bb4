/** Who listens, by what they listen to. */
export class KeyedListeners<Told> {
  readonly #listeners = new Map<string, Set<(told: Told) => void>>();

  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  /** To all of these. */
  add(keys: readonly string[], listener: (told: Told) => void): () => void {
    for (const key of keys) this.#listeners.set(key, (this.#listeners.get(key) ?? new Set()).add(listener));
    return () => {
      for (const key of keys) {
        const listeners = this.#listeners.get(key);
        listeners?.delete(listener);
        if (listeners?.size === 0) this.#listeners.delete(key);
      }
    };
  }

  of(key: string): Iterable<(told: Told) => void> {
    return this.#listeners.get(key) ?? [];
  }
}
