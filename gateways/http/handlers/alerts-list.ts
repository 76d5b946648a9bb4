import type { AlertFilters } from "../../../schema/alert.ts";
import type { Answer } from "../exchange.ts";
import { type Call, list, type Services, upToDate } from "./call.ts";
import { idIn, listWithPast, pastAlerts } from "./past-lists.ts";

/** Newest first. Alerts stay in memory; the words of a search are found by the archive's index. */
export async function listAlerts(services: Services, call: Call): Promise<Answer> {
  const { q, limit, cursor, ...filters }: AlertFilters = call.query;
  if (q === undefined) return list(services, call, "alert", {});
  const before = idIn(cursor);
  await upToDate(services, call);
  const view = services.views.get("alert")!;
  const listed = await listWithPast(services, call, {
    of: pastAlerts,
    filters,
    q,
    limit,
    before,
    visible: ({ agency, state }) => call.principal.agencies.includes(agency) && view.matches(state, filters),
  });
  return { status: 200, body: JSON.stringify(listed) };
}
