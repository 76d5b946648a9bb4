import type { GroupAlert, GroupRoute, LogEntry, RunningChain } from "../../../schema/routing/group.ts";

export interface Group {
  readonly phase: "known";
  readonly agencyId: string;
  readonly route: GroupRoute;
  readonly alerts: Readonly<Record<string, GroupAlert>>;
  /** The next flush; null while nothing is in the group. */
  readonly flushAt: string | null;
  /** Its last flush; null until there was one since it was empty. */
  readonly flushedAt: string | null;
  /** The notification log: the last of each receiver. */
  readonly log: Readonly<Record<string, LogEntry>>;
  readonly chains: Readonly<Record<string, RunningChain>>;
  /** Of the page under way or, when none is, of the last one. */
  readonly page: number;
  /** It was full, and has not been empty since: other alerts of these labels are in the next group. */
  readonly overflowed: boolean;
  /** Somebody was asked to make it proceed; null when nothing is due. */
  readonly awaiting: { readonly due: string; readonly since: string } | null;
}

export type GroupState = { readonly phase: "unknown" } | Group;

export const later = (at: string, ms: number): string => new Date(Date.parse(at) + ms).toISOString();

/** What comes next of the flush and the chains' steps; undefined when nothing does. */
export function nextDue({ flushAt, chains }: Group): string | undefined {
  const times = Object.values(chains).map(({ nextAt }) => nextAt);
  if (flushAt !== null) times.push(flushAt);
  return times.length === 0 ? undefined : times.reduce((a, b) => (Date.parse(a) <= Date.parse(b) ? a : b));
}

export function firingIn(group: Group): readonly GroupAlert[] {
  return Object.values(group.alerts).filter(({ resolvedAt }) => resolvedAt === null);
}
