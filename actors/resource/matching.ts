import type { Position, ResourceType } from "../../schema/resource.ts";
import type { Known } from "./state.ts";

/** A fix that is older says nothing of where a unit is now. */
export const FRESH_MS = 30 * 60_000;

export function isFresh(position: Position | null, nowMs: number): position is Position {
  return position !== null && nowMs - Date.parse(position.at) <= FRESH_MS;
}

/** What is asked of a unit. */
export interface Wanted {
  readonly types?: readonly ResourceType[];
  readonly categories?: readonly string[];
  /** All of them. */
  readonly capabilities?: readonly string[];
}

/** Hard filters: a unit passes all or is none. @param capabilities its own, and those of its crew and equipment */
export function fits(it: Known, capabilities: () => ReadonlySet<string>, wanted: Wanted): boolean {
  if (wanted.types !== undefined && wanted.types.length > 0 && !wanted.types.includes(it.resourceType)) return false;
  if (wanted.categories !== undefined && !wanted.categories.includes(it.category ?? "")) return false;
  if (wanted.capabilities === undefined || wanted.capabilities.length === 0) return true;
  const has = capabilities();
  return wanted.capabilities.every((capability) => has.has(capability));
}

/** A unit can what it can itself, and what those can who are with it. */
export function capabilitiesOf(it: Known, find: (id: string) => Known | undefined): ReadonlySet<string> {
  const all = new Set(it.capabilities);
  for (const { id } of it.aboard) {
    const member = find(id);
    if (member === undefined) continue;
    for (const capability of member.capabilities) all.add(capability);
    // Equipment that a member of the crew carries is aboard as well.
    for (const { id: carried } of member.aboard) for (const more of find(carried)?.capabilities ?? []) all.add(more);
  }
  return all;
}
