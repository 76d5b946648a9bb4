import type { Known } from "../../actors/alert/state.ts";
import { incidentRuleOf } from "../../actors/routing/decide.ts";
import { type CompiledRoute, routesFor } from "../../actors/routing/tree.ts";
import type { AlertContent, Classification } from "../../schema/alert.ts";
import type { Policy } from "../../schema/incident.ts";
import type { Principal } from "../../schema/principal.ts";
import type { IncidentRule } from "../../schema/routing/document.ts";
import type { Services } from "../http/handlers/call.ts";
import { nextIncidentNumber } from "../http/handlers/incident-number.ts";
import { policyFor } from "../http/handlers/policy.ts";
import { recommendationFor } from "../http/handlers/recommending.ts";
import { routingOf } from "../routing/active.ts";
import { routingLabels } from "../routing/alert-rows.ts";

interface Ruled {
  readonly root: CompiledRoute;
  readonly classification: Classification | null;
  readonly rule: IncidentRule;
}

/** What makes an alert's incident the agency's own, as if somebody had reported it: its number, its rules, whom to send. */
export function incidentsOf(services: Services) {
  /** What was last said of a content: most reports change nothing of it. */
  const rules = new WeakMap<AlertContent, Ruled>();
  return {
    number: (agencyId: string): Promise<string> => nextIncidentNumber(services, agencyId),

    rule: (agencyId: string, alert: Known): IncidentRule => {
      const { content, classification } = alert;
      const { root } = routingOf(services.board, agencyId).compiled;
      const known = rules.get(content);
      if (known?.root === root && known.classification === classification) return known.rule;
      const rule = incidentRuleOf(routesFor(root, routingLabels(alert)));
      rules.set(content, { root, classification, rule });
      return rule;
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
