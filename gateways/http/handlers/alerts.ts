import type { z } from "zod";
import {
  type AlertContent,
  type AlertReport,
  type attachAlert,
  defaultAlertPolicy,
  type raiseAlerts,
} from "../../../schema/alert.ts";
import type { alertRoutes } from "../../../schema/routes/alerts.ts";
import type { Address } from "../../../schema/subjects.ts";
import type { Report } from "../../alerts/intake.ts";
import { rememberCreation } from "../idempotency.ts";
import { listAlerts } from "./alerts-list.ts";
import { agencyFor, ask, type Call, type Handler, orThrow, read, timeline } from "./call.ts";
import { alertReports } from "./reports.ts";

const alert = ({ path }: Call): Address => ({ kind: "alert", id: path["id"]! });

/** The source of reports by principals that name none. */
const API_SOURCE = "api";

export const alertHandlers: Readonly<Record<keyof typeof alertRoutes, Handler>> = {
  async raiseAlerts({ ports, intake }, call) {
    const { agencyId, alerts, ...one }: z.infer<typeof raiseAlerts> = call.body;
    const agency = agencyFor(call.principal, agencyId);
    const reports = (alerts ?? [one]).map((given) => reportOf(call, agency, given));
    const { identity } = call;
    const repeat =
      identity === undefined
        ? undefined
        : {
            id: identity.commandId,
            ids: (await rememberCreation(ports, identity, async () => reports.map(() => intake.newIds()))).made,
          };
    const receipts = await intake.take(reports, repeat);
    return { status: 202, body: JSON.stringify(alerts === undefined ? receipts[0] : { alerts: receipts }) };
  },

  listAlerts,
  getAlert: (services, call) => read(services, call, alert(call)),
  getAlertTimeline: (services, call) => timeline(services, call, alert(call)),
  async getAlertReports(services, call) {
    orThrow(await services.client.read(alert(call), call.principal, call.requestId));
    return alertReports(services, call, alert(call));
  },

  acknowledgeAlert: (services, call) => ask(services, call, alert(call), { type: "acknowledge", ...call.body }),
  dismissAlert: (services, call) => ask(services, call, alert(call), { type: "dismiss", ...call.body }),
  resolveAlert: (services, call) => ask(services, call, alert(call), { type: "resolve", ...call.body }),
  async attachAlert(services, call) {
    const { incidentId }: z.infer<typeof attachAlert> = call.body;
    return ask(services, call, alert(call), { type: "attach", incidentId });
  },
  detachAlert: (services, call) => ask(services, call, alert(call), { type: "detach" }),
};

function reportOf({ principal, requestId }: Call, agencyId: string, given: AlertReport): Report {
  const { action = "trigger", source: name = API_SOURCE, nature = "actual", dedupKey } = given;
  return {
    agencyId,
    // A source with a credential of its own has another scope: nobody else speaks for it.
    source: { scope: `api-${name}`, name },
    policy: defaultAlertPolicy,
    by: principal.subject,
    requestId,
    action,
    nature,
    dedupKey,
    ...(action === "trigger" ? { content: contentOf(given) } : {}),
  };
}

/** What a report of the API's form says. */
export function contentOf(given: AlertReport): AlertContent {
  return {
    type: given.type!,
    severity: given.severity!,
    title: given.title!,
    description: given.description ?? null,
    nature: given.nature ?? "actual",
    deviceId: given.deviceId ?? null,
    location: given.location ?? null,
    areas: [],
    labels: given.labels ?? {},
    details: given.details ?? {},
    occurredAt: given.occurredAt ?? null,
    expiresAt: given.expiresAt ?? null,
  };
}
