import type pg from "pg";
import type { StreamEntry, StreamSource } from "../../runtime/stream-source.ts";
import type { Problem } from "./fold.ts";
import type { Write } from "./write.ts";

/** A stream, and how its entries become rows. To archive another stream is to write another one of these. */
export interface Feed {
  /** Its row among the checkpoints. */
  readonly name: string;
  readonly schema: string;
  readonly source: StreamSource;
  /** Entries written in one transaction at most. */
  readonly batchMax: number;
  /** What another stream of the same name means: the archive belongs to a journal that is not this one, or simply goes on. */
  readonly onOtherStream: "refuse" | "goOn";
  /** Called by the one that works, before it looks where to go on. */
  begin?(): Promise<void>;
  /**
   * Looks at a batch while the one before is still being written, on a connection of its own: what that one changes must
   * be remembered, the tables may not show it yet.
   */
  prepare(client: pg.ClientBase, entries: readonly StreamEntry[]): Promise<Prepared>;
  /** A transaction failed: whatever was concluded from it is not so. */
  forget(): void;
}

export interface Prepared {
  readonly problems: readonly Problem[];
  readonly write: Write;
  /** Where an entry holds several things: each that `write` writes by itself, in order. PostgreSQL may refuse but one of them. */
  readonly parts?: () => AsyncIterable<Part>;
}

/** What an entry holds. */
export interface Part {
  /** As if it had come by itself; its sequence says which it is. */
  readonly entry: StreamEntry;
  readonly write: Write;
}
