import type { ArchivedQuery } from "../../../runtime/archive.ts";
import type { PageFilters } from "../../../schema/push.ts";
import { Conditions } from "./conditions.ts";

/** Pages that have left the journal, by the filters that the list in memory has: `pageView.matches`. */
export function departedPagesQuery({ agencies, filters, before, limit }: ArchivedQuery) {
  const { incidentId, unitId, open, agencyId } = filters as Partial<PageFilters>;
  const conditions = new Conditions();
  const value = (one: unknown) => conditions.value(one);
  conditions.add("departed_at is not null");
  conditions.add(`agency_id = any(${value(agencies)}::text[])`);
  if (before !== undefined) conditions.add(`id < ${value(before)}::uuid`);
  if (incidentId !== undefined) conditions.add(`incident_id = ${value(incidentId)}::uuid`);
  if (unitId !== undefined) conditions.add(`unit_id = ${value(unitId)}::uuid`);
  if (open !== undefined) conditions.add(`(closed_at is null) = ${value(open === "true")}::boolean`);
  if (agencyId !== undefined) conditions.add(`agency_id = ${value(agencyId)}`);
  const text = `select id::text, version, state from pages where ${conditions.where} order by id desc limit ${value(limit)}`;
  return { text, values: conditions.values };
}
