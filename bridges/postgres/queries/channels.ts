import type { ArchivedQuery } from "../../../runtime/archive.ts";
import type { ChannelFilters } from "../../../schema/channel.ts";
import { Conditions } from "./conditions.ts";

/** Those that have left the journal, by the filters of the list in memory: `channelView.matches`. */
export function channelsQuery({ agencies, filters, before, limit }: ArchivedQuery): {
  text: string;
  values: unknown[];
} {
  const { audience, kind, incidentId, open, agencyId } = filters as Partial<ChannelFilters> & {
    readonly audience?: readonly string[];
  };
  const conditions = new Conditions();
  const value = (one: unknown) => conditions.value(one);
  const mine = value(agencies);
  conditions.add("departed_at is not null");
  conditions.add(`agency_id = any(${mine}::text[]) or shared_with && ${mine}::text[]`);
  if (audience !== undefined) conditions.add(`audience && ${value(audience)}::text[]`);
  if (before !== undefined) conditions.add(`id < ${value(before)}::uuid`);
  if (kind !== undefined) conditions.add(`kind = ${value(kind)}`);
  if (incidentId !== undefined) conditions.add(`incident_id = ${value(incidentId)}::uuid`);
  if (agencyId !== undefined) conditions.add(`agency_id = ${value(agencyId)}`);
  if (open !== undefined) conditions.add(open === "true" ? "closed_at is null" : "closed_at is not null");
  return {
    text: `select id::text, version, state from channels where ${conditions.where} order by id desc limit ${value(limit)}`,
    values: conditions.values,
  };
}
