import type { AppendResult, Incoming, Intake, IntakeEntry, JournalEntry, Repeatable } from "../ports/index.ts";
import { EPOCH_MS, type SimServer } from "./server.ts";

/** The intake in memory: what comes over a network that doubles is kept twice, unless it has an id. */
export class SimIntake implements Intake {
  readonly entries: (JournalEntry & { readonly atMs: number })[] = [];
  readonly #server: SimServer;
  readonly #ids = new Set<string>();
  readonly #followers = new Set<() => void>();

  constructor(server: SimServer) {
    this.#server = server;
  }

  append(entries: readonly Incoming[]): Promise<readonly number[]> {
    return this.#server.call(() => entries.map((entry) => this.#keep(entry)));
  }

  appendOnce(entries: readonly Repeatable[]): Promise<AppendResult> {
    const ids = new Set(entries.map(({ id }) => id));
    return this.#server.call(() => {
      if (ids.size < entries.length || [...ids].some((id) => this.#ids.has(id))) return { ok: false };
      for (const id of ids) this.#ids.add(id);
      return { ok: true, sequences: entries.map(({ subject, payload }) => this.#keep({ subject, payload })) };
    });
  }

  async follow(subject: string, after: number, onEntry: (entry: IntakeEntry) => Promise<void>): Promise<() => void> {
    const prefix = subject.replace(/>$/, "");
    let position = after;
    let busy = false;
    let stopped = false;
    const deliver = async () => {
      while (!stopped) {
        const rest = this.entries.slice(position).filter((entry) => entry.subject.startsWith(prefix));
        const [next] = rest;
        if (next === undefined) break;
        await onEntry({ ...next, pending: rest.length - 1 });
        position = next.sequence;
      }
      busy = false;
    };
    const wake = () => {
      if (busy || stopped) return;
      busy = true;
      this.#server.world.at(this.#server.world.latencyMs(), () => void deliver());
    };
    this.#followers.add(wake);
    wake();
    return () => {
      stopped = true;
      this.#followers.delete(wake);
    };
  }

  #keep(entry: Incoming): number {
    const sequence = this.entries.length + 1;
    const atMs = Math.floor(EPOCH_MS + this.#server.world.nowMs);
    this.entries.push({ ...entry, sequence, atMs });
    for (const wake of this.#followers) wake();
    return sequence;
  }
}
