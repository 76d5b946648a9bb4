import type { BadRowReason } from "./records.ts";

export interface BadRow {
  readonly lineNumber: number;
  readonly reason: BadRowReason;
  readonly detail: string;
}

/** Enough to see what is wrong with a file; the rest is only counted. */
const LISTED_MAX = 20;

/** Rows left out: counted by reason, the first ones listed. */
export class BadRows {
  readonly byReason = new Map<BadRowReason, number>();
  readonly first: BadRow[] = [];
  total = 0;

  add(lineNumber: number, reason: BadRowReason, detail: string): void {
    this.total += 1;
    this.byReason.set(reason, (this.byReason.get(reason) ?? 0) + 1);
    if (this.first.length < LISTED_MAX) this.first.push({ lineNumber, reason, detail });
  }
}
