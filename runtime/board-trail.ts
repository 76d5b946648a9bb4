import { parseEnvelope } from "../schema/envelope.ts";
import { type AnyActor, evolve } from "./actor.ts";
import type { JournalEntry } from "./ports/index.ts";

/** An actor as a board shows it. */
export interface Row {
  readonly id: string;
  readonly agency: string;
  readonly state: unknown;
  readonly version: number;
  readonly sequence: number;
}

/**
 * What each actor was right before and right after an entry, for those who are told of every entry in the journal's order.
 * A board shows its own process's commits before their entries come by; so the rows that it went ahead of are kept here
 * until the entries have caught up with it.
 */
export class Trail {
  /** Of actors that the board shows ahead: as they were at the last entry that came by. */
  readonly #behind = new Map<string, Row | undefined>();
  /** What the board showed, by the sequence of the entry that made it so. */
  readonly #ahead = new Map<number, Row>();

  /** The board shows this now. */
  shown(key: string, before: Row | undefined, now: Row): void {
    if (!this.#behind.has(key)) this.#behind.set(key, before);
    this.#ahead.set(now.sequence, now);
  }

  /**
   * An entry comes by.
   * @param row as the board shows the actor now
   * @returns `after` undefined when it cannot be told: an entry is missing, or it does not fold
   */
  pass(
    key: string,
    definition: AnyActor,
    entry: JournalEntry,
    row: Row | undefined,
  ): { readonly before: Row | undefined; readonly after: Row | undefined } {
    const before = this.#behind.has(key) ? this.#behind.get(key) : row;
    const after = this.#ahead.get(entry.sequence) ?? fold(definition, before, entry);
    this.#ahead.delete(entry.sequence);
    if (after === undefined || row === undefined || row.sequence <= entry.sequence) this.#behind.delete(key);
    else this.#behind.set(key, after);
    return { before, after };
  }
}

/** An entry that the board went past, as by a commit that stood on another host's. */
function fold(definition: AnyActor, before: Row | undefined, entry: JournalEntry): Row | undefined {
  try {
    const envelope = parseEnvelope(entry.payload);
    const { id, agency, version } = envelope;
    if (version !== (before?.version ?? 0) + 1) return;
    const context = { previous: before?.sequence ?? 0, ...envelope };
    const state = evolve(definition, before?.state ?? definition.initial, envelope.events, context);
    return { id, agency, state, version, sequence: entry.sequence };
  } catch {
    return;
  }
}
