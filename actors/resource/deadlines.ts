import type { Deadline } from "../../runtime/actor.ts";
import type { ResourceCommand } from "../../schema/resource.ts";
import type { ResourceState } from "./state.ts";

/** A status that lasts too long is told once; a shift ends by itself, unless the resource is at work. */
export function resourceDeadlines(s: ResourceState): readonly Deadline<ResourceCommand>[] {
  if (s.phase === "unknown" || s.retiredAt !== null) return [];
  const deadlines: Deadline<ResourceCommand>[] = [];
  if (s.statusWarnAfterMs !== null && !s.statusOverdue) {
    const at = new Date(Date.parse(s.statusSince) + s.statusWarnAfterMs).toISOString();
    deadlines.push({ name: "status", at, command: { type: "statusOverdue", due: at } });
  }
  if (s.shift !== null && s.shift.until !== null && !s.shift.overdue) {
    const at = new Date(s.shift.until).toISOString();
    deadlines.push({ name: "shift", at, command: { type: "shiftOver", due: at } });
  }
  return deadlines;
}

/** A ring that comes late means nothing any more: the state says whether it is still due. */
export function isDue(s: ResourceState, name: string, due: string): boolean {
  return resourceDeadlines(s).some((deadline) => deadline.name === name && deadline.at === due);
}
