import {
  createHook,
  delivery,
  deliveryFilters,
  hook,
  hookFilters,
  hookWithSecret,
  patchHook,
} from "../notification.ts";
import { anyone, listOf, type Route, supervision } from "./route.ts";

const hooks = "/api/v1/hooks";
const deliveries = "/api/v1/deliveries";
const tag = "notifications";
const admins = ["admin"] as const;

export const notificationRoutes = {
  createHook: {
    method: "post",
    path: hooks,
    summary: "Register where notifications are posted to, signed; its secret is shown here alone",
    tag,
    roles: admins,
    body: createHook,
    status: 201,
    answer: hookWithSecret,
    refusals: ["idempotency_key_reused"],
  },
  listHooks: {
    method: "get",
    path: hooks,
    summary: "List the webhooks that are told, newest first",
    tag,
    roles: admins,
    query: hookFilters,
    status: 200,
    answer: listOf(hook),
    refusals: ["board_behind"],
  },
  getHook: {
    method: "get",
    path: `${hooks}/{id}`,
    summary: "One webhook",
    tag,
    roles: admins,
    status: 200,
    answer: hook,
    refusals: ["not_found"],
  },
  patchHook: {
    method: "patch",
    path: `${hooks}/{id}`,
    summary: "Change a webhook, or switch it off",
    tag,
    roles: admins,
    body: patchHook,
    status: 200,
    answer: hook,
    refusals: ["not_found"],
  },
  rotateHook: {
    method: "post",
    path: `${hooks}/{id}/rotate`,
    summary: "Give a webhook a new secret; what is sent from now on is signed with it",
    tag,
    roles: admins,
    status: 200,
    answer: hookWithSecret,
    refusals: ["not_found"],
  },
  listDeliveries: {
    method: "get",
    path: deliveries,
    summary: "Notifications to channels, webhooks and MQTT: on their way, delivered, given up",
    tag,
    roles: anyone,
    query: deliveryFilters,
    status: 200,
    answer: listOf(delivery),
    refusals: ["board_behind"],
  },
  retryDelivery: {
    method: "post",
    path: `${deliveries}/{id}/retry`,
    summary: "Try once more what was given up",
    tag,
    roles: supervision,
    status: 200,
    answer: delivery,
    refusals: ["not_found"],
  },
} as const satisfies Record<string, Route>;
