/** What can be wrong with a journal, and what it means. */
export const problemKinds = {
  missing: "entries are not there: lost, or removed",
  unreadable: "the text is no envelope of a known version",
  misplaced: "the envelope does not belong to the subject it is kept under",
  version: "the actor's versions do not rise by one",
  chain: "`prev` is not the hash of the actor's envelope before: one of the two was changed",
  fold: "the events cannot have happened to the actor as it was",
  repeated: "a command was done twice by the same actor",
  number: "an incident number was given twice",
  snapshot:
    "a snapshot tells of what the journal does not hold: copied at different moments, or the journal's end is lost",
  agreement: "after a commit, actors do not agree on who holds a unit or who carries whom",
} as const;

export type ProblemKind = keyof typeof problemKinds;

/** One kind of problem: how often, and where first. */
export interface Problem {
  readonly kind: ProblemKind;
  readonly count: number;
  /** Journal sequence of the first one. */
  readonly sequence: number;
  readonly actor: string;
  readonly detail: string;
}

export class Problems {
  readonly #found = new Map<ProblemKind, Problem>();

  add(kind: ProblemKind, sequence: number, actor: string, detail: string): void {
    const first = this.#found.get(kind) ?? { kind, count: 0, sequence, actor, detail };
    this.#found.set(kind, { ...first, count: first.count + 1 });
  }

  /** In the order in which they were first met. */
  get all(): readonly Problem[] {
    return [...this.#found.values()];
  }
}
