import type { Position, ResourceType } from "../../schema/resource.ts";
import type { Known } from "./state.ts";

/** A fix that is older says nothing of where a unit is now. */
export const FRESH_MS = 30 * 60_000;

/** Whether a position is fresh at a moment. Of hundreds that are looked at, nearly all tell by their text from which second they are. */
export function freshAt(nowMs: number): (position: Position | null) => position is Position {
  const oldestMs = nowMs - FRESH_MS;
  const second = new Date(oldestMs).toISOString().slice(0, SECOND_CHARACTERS);
  // Whatever is of this very second sorts between these two.
  const after = `${second}~`;
  return (position): position is Position => {
    if (position === null) return false;
    const { at } = position;
    if (at.endsWith("Z") && (at > after || at < second)) return at > after;
    return Date.parse(at) >= oldestMs;
  };
}

const SECOND_CHARACTERS = "2026-01-01T00:00:00".length;

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
  // Most have nobody with them, and are not worth a set.
  if (it.aboard.length === 0) return wanted.capabilities.every((capability) => it.capabilities.includes(capability));
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
