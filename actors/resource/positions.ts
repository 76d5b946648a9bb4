import { refuse, type Telemetry } from "../../runtime/actor.ts";
import type { LocationReceipt, LocationReport, Position } from "../../schema/resource.ts";
import { type Implausible, plausible } from "./plausibility.ts";
import type { ResourceState } from "./state.ts";

/** What a report leaves: every fix, and why one did not move the unit. */
export interface PositionRecord {
  readonly fixes: readonly (Position & { readonly refused?: Implausible })[];
  /** Where the unit stays, when none of them moved it: a record tells by itself where its unit is. */
  readonly stays?: Position;
}

/** Positions: only a plausible fix moves a unit, but all are kept, each with what was thought of it. */
export const positions: Telemetry<ResourceState> = {
  observe: (s, reading, report, { at }) => {
    const { resourceType, fixes, limits } = report as LocationReport;
    if (s.phase === "unknown") return refuse("not_found", "no such resource");
    if (s.resourceType !== resourceType) return refuse("not_found", `no such resource among ${resourceType}`);
    if (s.retiredAt !== null) return refuse("retired", `${s.callSign} is retired`);
    let last = (reading as Position | undefined) ?? s.position;
    const refused: { index: number; reason: Implausible }[] = [];
    const looked = fixes.map((fix, index) => {
      const why = plausible(fix, last, at, s.category, limits);
      if (why === undefined) {
        last = fix;
        return fix;
      }
      refused.push({ index, reason: why });
      return { ...fix, refused: why };
    });
    const stays = refused.length === fixes.length ? last : null;
    const record: PositionRecord = stays === null ? { fixes: looked } : { fixes: looked, stays };
    const answer: LocationReceipt = { accepted: fixes.length - refused.length, refused };
    return { record, answer };
  },

  readingOf: (record) => {
    const { fixes, stays } = record as PositionRecord;
    const last = fixes.findLast(({ refused }) => refused === undefined);
    if (last === undefined) return stays;
    // What did not move it has a reason, and nothing else: the fix is the position.
    return last;
  },
};

/** Where a resource was last, as far as is known. */
export function positionOf(s: ResourceState, reading: unknown): Position | null {
  return (reading as Position | undefined) ?? (s.phase === "known" ? s.position : null);
}
