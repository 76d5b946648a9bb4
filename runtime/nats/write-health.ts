/** Writes of one stream that fail, all of them, since when, and why. */
export interface FailingWrites {
  /** The first word of their subjects: `evt`, `num`, `$KV.leases`. */
  readonly of: string;
  /** Between the first failure and the last, without a success. */
  readonly forMs: number;
  readonly reason: string;
}

interface Failing {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly reason: string;
}

/**
 * A server that is connected may still take no write: a stream whose disk was full once refuses all of them until the
 * server is restarted, also after there is room again. Seen from here alone: it answers errors, or nothing in time.
 */
export class WriteHealth {
  readonly #failing = new Map<string, Failing>();

  failed(subject: string, reason: string, nowMs: number): void {
    const of = streamOf(subject);
    this.#failing.set(of, { firstMs: this.#failing.get(of)?.firstMs ?? nowMs, lastMs: nowMs, reason });
  }

  succeeded(subject: string): void {
    // The way of nearly every write: nothing fails, nothing is to be looked up.
    if (this.#failing.size > 0) this.#failing.delete(streamOf(subject));
  }

  /** Another connection, perhaps another server: what failed before says nothing of it. */
  forget(): void {
    this.#failing.clear();
  }

  /** Those that have failed for so long that it is no passing trouble. */
  failingFor(atLeastMs: number): readonly FailingWrites[] {
    return [...this.#failing]
      .map(([of, { firstMs, lastMs, reason }]) => ({ of, forMs: Math.round(lastMs - firstMs), reason }))
      .filter(({ forMs }) => forMs >= atLeastMs);
  }
}

/** As many words of a subject as tell its stream. */
function streamOf(subject: string): string {
  return subject
    .split(".")
    .slice(0, subject.startsWith("$KV.") ? 2 : 1)
    .join(".");
}
