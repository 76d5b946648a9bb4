import type {
  AlertContent,
  AlertPolicy,
  AlertSource,
  AlertStatus,
  Classification,
  IntakePlace,
  Seen,
} from "../../schema/alert.ts";

/** An alert's state. Unknown until it is received. */
export type AlertState = { readonly phase: "unknown" } | Known;

export interface Known {
  readonly phase: "known";
  readonly agencyId: string;
  readonly status: AlertStatus;
  readonly content: AlertContent;
  readonly classification: Classification | null;
  readonly policy: AlertPolicy;
  readonly source: AlertSource;
  /** The first of those who have reported it. */
  readonly sources: readonly string[];
  readonly dedupKey: string;
  readonly keyMade: boolean;
  readonly count: number;
  /** The last report of each lane that was done: one that is not newer was delivered before. */
  readonly seen: Seen;
  /** Sequence of the newest trigger. */
  readonly triggered: number;
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
  readonly incidentId: string | null;
  /** The id that its incident gets, should it make one. */
  readonly ownIncidentId: string;
  /** It has made its incident: another is never made, also when somebody detaches it. */
  readonly madeIncident: boolean;
  readonly acknowledgedAt: string | null;
  readonly acknowledgedBy: string | null;
  readonly resolvedAt: string | null;
  readonly reason: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export function isOver({ status }: Known): boolean {
  return status === "resolved" || status === "dismissed";
}

/** It was done before: the intake delivers at least once, and each key's reports in order. */
export function wasSeen({ seen }: Pick<Known, "seen">, { lane, sequence }: IntakePlace): boolean {
  return sequence <= (seen[lane] ?? 0);
}

export function withSeen(seen: Seen, { lane, sequence }: IntakePlace): Seen {
  return { ...seen, [lane]: Math.max(sequence, seen[lane] ?? 0) };
}
