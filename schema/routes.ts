import { alertSourceRoutes } from "./routes/alert-sources.ts";
import { alertRoutes } from "./routes/alerts.ts";
import { auditRoutes } from "./routes/audit.ts";
import { channelRoutes } from "./routes/channels.ts";
import { classificationRoutes } from "./routes/classification.ts";
import { configurationRoutes } from "./routes/configuration.ts";
import { incidentRoutes } from "./routes/incidents.ts";
import { notificationRoutes } from "./routes/notifications.ts";
import { presenceRoutes } from "./routes/presence.ts";
import { pushRoutes } from "./routes/push.ts";
import { reportRoutes } from "./routes/reports.ts";
import { resourceRoutes } from "./routes/resources.ts";
import type { Route } from "./routes/route.ts";
import { routingRoutes } from "./routes/routing.ts";

export { anyone, crew, pathParameters, type Route, takes } from "./routes/route.ts";

/** Every operation there is: the gateway, the OpenAPI document and the tests are made from this table. */
export const routes = {
  ...incidentRoutes,
  ...resourceRoutes,
  ...reportRoutes,
  ...auditRoutes,
  ...configurationRoutes,
  ...routingRoutes,
  ...channelRoutes,
  ...presenceRoutes,
  ...pushRoutes,
  ...alertRoutes,
  ...classificationRoutes,
  ...alertSourceRoutes,
  ...notificationRoutes,
} as const satisfies Record<string, Route>;

export type OperationId = keyof typeof routes;
