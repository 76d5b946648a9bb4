import { type ActorDefinition, type DecideContext, type Decision, refuse } from "../../runtime/actor.ts";
import type { IncidentCommand, IncidentEvent } from "../../schema/incident.ts";
import { isSystem } from "../../schema/principal.ts";
import type { IncidentState, Known } from "./state.ts";

type Decide = ActorDefinition<IncidentState, IncidentCommand, IncidentEvent>["decide"];

/** An agency that an incident is shared with may send its own units and move them; the rest is the owner's. */
const GUESTS_MAY: ReadonlySet<string> = new Set(["assign", "unitStatus"] satisfies IncidentCommand["type"][]);

export function withGuests(table: Decide): Decide {
  const guarded = Object.entries(table).map(([type, handler]) => {
    const decideIt = handler as (
      s: IncidentState,
      c: IncidentCommand,
      context: DecideContext,
    ) => Decision<IncidentEvent>;
    if (GUESTS_MAY.has(type)) return [type, decideIt];
    const forOwners: typeof decideIt = (s, c, context) =>
      s.phase === "unknown" || isOwners(s, context)
        ? decideIt(s, c, context)
        : refuse("forbidden", `the incident is agency ${s.agencyId}'s, which shares it for units to be sent`);
    return [type, forOwners];
  });
  return Object.fromEntries(guarded) as Decide;
}

export function isOwners(it: Known, { by }: DecideContext): boolean {
  return isSystem(by) || by.agencies.includes(it.agencyId);
}
