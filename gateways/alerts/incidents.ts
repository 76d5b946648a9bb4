import type { Known } from "../../actors/alert/state.ts";
import { incidentRuleOf } from "../../actors/routing/decide.ts";
import { routesFor } from "../../actors/routing/tree.ts";
import type { Policy } from "../../schema/incident.ts";
import type { Principal } from "../../schema/principal.ts";
import type { Services } from "../http/handlers/call.ts";
import { nextIncidentNumber } from "../http/handlers/incident-number.ts";
import { policyFor } from "../http/handlers/policy.ts";
import { recommendationFor } from "../http/handlers/recommending.ts";
import { routingOf } from "../routing/active.ts";
import { routingLabels } from "../routing/alert-rows.ts";

/** What makes an alert's incident the agency's own, as if somebody had reported it: its number, its rules, whom to send. */
export function incidentsOf(services: Services) {
  return {
    number: (agencyId: string): Promise<string> => nextIncidentNumber(services, agencyId),

    rule: (agencyId: string, alert: Known) => {
      const { compiled } = routingOf(services.board, agencyId);
      return incidentRuleOf(routesFor(compiled.root, routingLabels(alert)));
    },

    policy: (agencyId: string, type: string): Policy | undefined => policyFor(services, agencyId, type),

    async recommendation(agencyId: string, incidentId: string): Promise<Readonly<Record<string, unknown>> | undefined> {
      const principal: Principal = { subject: "system:alerts", agencies: [agencyId], roles: [] };
      const by = { principal, requestId: `recommendation-${incidentId}` };
      try {
        const { candidates, picks, shortfalls, inputs } = await recommendationFor(services, by, incidentId, {
          wanted: {},
        });
        const units = candidates
          .filter(({ row }) => picks.has(row.id))
          .map(({ row, state, reason }) => ({ unitId: row.id, unitType: state.resourceType, reason }));
        return { units, shortfalls, inputs };
      } catch (error) {
        // An incident without a recommendation is an incident all the same.
        services.ports.log.warn({ incidentId, error }, "nobody could be recommended");
        return;
      }
    },
  };
}
