import type { Deadline } from "../../runtime/actor.ts";
import type { IncidentCommand } from "../../schema/incident.ts";
import type { IncidentState } from "./state.ts";

/** How long an incident of a priority may wait without a unit before it rises by one step. The highest cannot rise. */
const WAIT_MS: Readonly<Record<number, number>> = {
  2: 5 * 60_000,
  3: 15 * 60_000,
  4: 60 * 60_000,
  5: 4 * 3_600_000,
};

export function escalationDeadlines(s: IncidentState): readonly Deadline<IncidentCommand>[] {
  if (s.phase === "unknown" || s.status !== "new") return [];
  const waitMs = WAIT_MS[s.fields.priority];
  if (waitMs === undefined) return [];
  const at = new Date(Date.parse(s.waitingSince) + waitMs).toISOString();
  return [{ name: "unassigned", at, command: { type: "autoEscalate", due: at } }];
}
