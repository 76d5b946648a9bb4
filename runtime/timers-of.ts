import type { Address } from "../schema/subjects.ts";
import type { AnyActor } from "./actor.ts";
import type { Timer } from "./ports/index.ts";

/** What is to ring for an actor in this state. */
export function timersOf(definition: AnyActor, state: unknown, { kind, id }: Address, partition: number): Timer[] {
  return definition.deadlines(state).map(({ name, at, command }) => ({
    kind,
    id,
    name,
    partition,
    at,
    payload: JSON.stringify({ kind, id, name, at, command }),
  }));
}
