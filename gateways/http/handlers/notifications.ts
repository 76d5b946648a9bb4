import type { z } from "zod";
import type { createHook } from "../../../schema/notification.ts";
import type { notificationRoutes } from "../../../schema/routes/notifications.ts";
import type { Address } from "../../../schema/subjects.ts";
import { agencyFor, ask, type Call, created, type Handler, list, read } from "./call.ts";
import { rotated, withSecret } from "./secrets.ts";

const hook = ({ path }: Call): Address => ({ kind: "hook", id: path["id"]! });

export const notificationHandlers: Readonly<Record<keyof typeof notificationRoutes, Handler>> = {
  async createHook(services, call) {
    const { agencyId, ...given }: z.infer<typeof createHook> = call.body;
    const agency = agencyFor(call.principal, agencyId);
    const make = async () => ({ id: services.ports.ids.uuidV7() });
    const command = () => ({ type: "create", agencyId: agency, fields: { ...given, enabled: true } });
    return withSecret(services, await created(services, call, "hook", make, command, "/api/v1/hooks/"), 1, "hook");
  },
  listHooks: (services, call) => list(services, call, "hook", {}),
  getHook: (services, call) => read(services, call, hook(call)),
  patchHook: (services, call) => ask(services, call, hook(call), { type: "update", changes: call.body }),
  rotateHook: (services, call) => rotated(services, call, "hook", call.path["id"]!),

  listDeliveries: (services, call) => list(services, call, "delivery", {}),
  retryDelivery: (services, call) => ask(services, call, { kind: "delivery", id: call.path["id"]! }, { type: "retry" }),
};
