import type { OperationId } from "../../schema/routes.ts";
import { alertSourceHandlers } from "./handlers/alert-sources.ts";
import { alertHandlers } from "./handlers/alerts.ts";
import { auditHandlers } from "./handlers/audit.ts";
import type { Handler } from "./handlers/call.ts";
import { channelHandlers } from "./handlers/channels.ts";
import { classificationHandlers } from "./handlers/classification.ts";
import { configurationHandlers } from "./handlers/configuration.ts";
import { incidentHandlers } from "./handlers/incidents.ts";
import { notificationHandlers } from "./handlers/notifications.ts";
import { presenceHandlers } from "./handlers/presence.ts";
import { pushHandlers } from "./handlers/push.ts";
import { reportHandlers } from "./handlers/reports.ts";
import { resourceHandlers } from "./handlers/resources.ts";
import { routingHandlers } from "./handlers/routing.ts";

export type { Call, Services } from "./handlers/call.ts";

/** One handler an operation: what its request means to the actors, and how their answer is shown. */
export const handlers: Readonly<Record<OperationId, Handler>> = {
  ...incidentHandlers,
  ...resourceHandlers,
  ...reportHandlers,
  ...auditHandlers,
  ...configurationHandlers,
  ...routingHandlers,
  ...channelHandlers,
  ...presenceHandlers,
  ...pushHandlers,
  ...alertHandlers,
  ...classificationHandlers,
  ...alertSourceHandlers,
  ...notificationHandlers,
};
