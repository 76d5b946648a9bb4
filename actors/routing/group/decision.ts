import type { GroupReceiver, LogEntry, NotificationReason } from "../../../schema/routing/group.ts";

interface Now {
  readonly firing: readonly string[];
  readonly resolved: readonly string[];
  readonly at: string;
  readonly repeatIntervalMs: number;
}

/**
 * Whether a receiver is to be told, by what it was told last, and why. Source: Alertmanager's
 * `notify.DedupStage.needsUpdate`, rule by rule in its order.
 * @returns "clear" where only the log is to be brought up to date
 */
export function reasonToNotify(
  entry: LogEntry | undefined,
  { sendResolved }: Pick<GroupReceiver, "sendResolved">,
  { firing, resolved, at, repeatIntervalMs }: Now,
): NotificationReason | "clear" | undefined {
  // Told for the first time, unless all is over already.
  if (entry === undefined) return firing.length > 0 ? "firing" : undefined;
  if (!isSubset(firing, entry.firing)) return "firing";
  // Whatever fired and was resolved since the last time is nothing that this receiver knows of.
  if (firing.length === 0) {
    if (entry.firing.length === 0) return undefined;
    return sendResolved ? "all_resolved" : "clear";
  }
  if (sendResolved && !isSubset(resolved, entry.resolved)) return "resolved";
  // Alertmanager takes "over" strictly, so that chance decides there whether 4 h are 4 h or 4 h and one group interval.
  return Date.parse(entry.at) <= Date.parse(at) - repeatIntervalMs ? "repeat" : undefined;
}

function isSubset(part: readonly string[], whole: readonly string[]): boolean {
  const known = new Set(whole);
  return part.every((one) => known.has(one));
}
