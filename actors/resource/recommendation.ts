import type { ResourceType } from "../../schema/resource.ts";

/** So many units that can all of this. */
export interface Requirement {
  readonly capabilities: readonly string[];
  /** None: any type. */
  readonly types: readonly ResourceType[];
  readonly count: number;
}

export interface Candidate {
  readonly id: string;
  readonly type: ResourceType;
  readonly capabilities: ReadonlySet<string>;
  /** It has been sent already: it covers what it can, before anybody else is asked. */
  readonly assigned: boolean;
}

export interface Shortfall extends Requirement {
  /** How many of the count nobody covers. */
  readonly missing: number;
}

export interface Recommendation {
  /** Who is to be sent, and the index of the requirement that each covers. */
  readonly picks: ReadonlyMap<string, number>;
  readonly shortfalls: readonly Shortfall[];
}

/**
 * Whom to send: what can be covered is covered, and by the nearest where there is a choice. A unit covers one requirement,
 * and gives way to another candidate where that lets it cover something that nobody else can (augmenting paths: as many
 * as any choice could cover).
 * @param candidates in order of preference: nearest first
 */
export function recommend(requirements: readonly Requirement[], candidates: readonly Candidate[]): Recommendation {
  const inOrder = [...candidates.filter(({ assigned }) => assigned), ...candidates.filter(({ assigned }) => !assigned)];
  const slots = requirements.flatMap(({ count }, requirement) => Array.from({ length: count }, () => requirement));
  const suits = requirements.map((requirement) => inOrder.map((candidate) => covers(candidate, requirement)));
  /** The slot that each candidate covers. */
  const slotOf = new Map<number, number>();
  const fill = (slot: number, tried: Set<number>): boolean => {
    for (const [index, suitable] of suits[slots[slot]!]!.entries()) {
      if (!suitable || tried.has(index)) continue;
      tried.add(index);
      const taken = slotOf.get(index);
      if (taken !== undefined && !fill(taken, tried)) continue;
      slotOf.set(index, slot);
      return true;
    }
    return false;
  };
  const missing = requirements.map(() => 0);
  for (const [slot, requirement] of slots.entries()) if (!fill(slot, new Set())) missing[requirement]! += 1;
  const picks = new Map<string, number>();
  for (const [index, slot] of slotOf) {
    const candidate = inOrder[index]!;
    if (!candidate.assigned) picks.set(candidate.id, slots[slot]!);
  }
  const shortfalls = requirements.flatMap((requirement, index) =>
    missing[index] === 0 ? [] : [{ ...requirement, missing: missing[index]! }],
  );
  return { picks, shortfalls };
}

function covers({ type, capabilities }: Candidate, requirement: Requirement): boolean {
  return (
    (requirement.types.length === 0 || requirement.types.includes(type)) &&
    requirement.capabilities.every((capability) => capabilities.has(capability))
  );
}
