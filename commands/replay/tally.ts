import type { ApiAnswer } from "./api-client.ts";
import type { StepKind } from "./plan.ts";
import type { Problem } from "./problem.ts";

/** Why a step was not even asked for: what it builds on was not done. */
export type SkipReason = "call_not_created" | "unit_not_created" | "unit_not_assigned" | "call_not_resolved";

export interface Counted {
  count: number;
  /** The first of them. */
  readonly example: string;
}

/** Counts what became of every step. */
export class Tally {
  readonly done = new Map<StepKind, number>();
  readonly refused = new Map<string, Counted>();
  readonly failed = new Map<string, Counted>();
  readonly skipped = new Map<SkipReason, number>();
  /** How long each answered request took, milliseconds, whatever the answer. */
  readonly tookMs = new Map<StepKind, number[]>();
  retries = 0;
  refusedCount = 0;

  answered(kind: StepKind, answer: ApiAnswer): void {
    this.retries += answer.retries;
    const times = this.tookMs.get(kind);
    if (times) times.push(answer.tookMs);
    else this.tookMs.set(kind, [answer.tookMs]);
  }

  accept(kind: StepKind): void {
    this.done.set(kind, this.countOf(kind) + 1);
  }

  skip(reason: SkipReason): void {
    this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + 1);
  }

  /** @param what the step, in words */
  refuse(problem: Problem, what: string): void {
    this.refusedCount += 1;
    count(this.refused, problem, what);
  }

  fail(problem: Problem, what: string): void {
    count(this.failed, problem, what);
  }

  countOf(kind: StepKind): number {
    return this.done.get(kind) ?? 0;
  }
}

function count(into: Map<string, Counted>, { code, detail }: Problem, what: string): void {
  const known = into.get(code);
  if (known) known.count += 1;
  else into.set(code, { count: 1, example: detail === "" ? what : `${what}: ${detail}` });
}
