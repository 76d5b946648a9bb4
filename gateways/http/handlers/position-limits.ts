import { isAirborne } from "../../../actors/resource/plausibility.ts";
import type { Known } from "../../../actors/resource/state.ts";
import type { Sections } from "../../../schema/configuration.ts";
import type { PositionLimits } from "../../../schema/resource.ts";
import type { Services } from "./call.ts";
import { configurationOf } from "./configured.ts";

type Limits = Sections["positionLimits"];

/** What is plausible for each unit by its agency; undefined where that says nothing, and what is built in applies. */
export function positionLimits(
  services: Services,
  agencies: readonly string[],
): (unitId: string) => PositionLimits | undefined {
  const configured = new Map<string, Limits>();
  for (const agency of agencies) {
    const limits = configurationOf(services, agency).positionLimits;
    if (limits.length > 0) configured.set(agency, limits);
  }
  if (configured.size === 0) return () => undefined;
  return (id) => {
    const row = services.board.get({ kind: "resource", id });
    const limits = row && configured.get(row.agency);
    return limits && limitsFor(limits, (row.state as Known).category);
  };
}

/** What an agency thinks too fast for cars is not meant for what flies, unless it says so of that. */
function limitsFor(limits: Limits, category: string | null): PositionLimits | undefined {
  const own = limits.find((one) => one.category === category);
  return own ?? (isAirborne(category) ? undefined : limits.find((one) => one.category === "*"));
}
