import { z } from "zod";
import {
  alertReceipt,
  alertSource,
  alertSourceFilters,
  alertSourceWithSecret,
  createAlertSource,
  patchAlertSource,
} from "../alert.ts";
import { listOf, type Route } from "./route.ts";

const path = "/api/v1/sources";
const tag = "alert sources";
const admins = ["admin"] as const;

export const alertSourceRoutes = {
  createAlertSource: {
    method: "post",
    path,
    summary: "Register a source of alerts with a credential of its own; its secret is shown here alone",
    tag,
    roles: admins,
    body: createAlertSource,
    status: 201,
    answer: alertSourceWithSecret,
    refusals: ["idempotency_key_reused"],
  },
  listAlertSources: {
    method: "get",
    path,
    summary: "List sources of alerts, newest first",
    tag,
    roles: admins,
    query: alertSourceFilters,
    status: 200,
    answer: listOf(alertSource),
    refusals: ["board_behind"],
  },
  getAlertSource: {
    method: "get",
    path: `${path}/{id}`,
    summary: "One source of alerts",
    tag,
    roles: admins,
    status: 200,
    answer: alertSource,
    refusals: ["not_found"],
  },
  patchAlertSource: {
    method: "patch",
    path: `${path}/{id}`,
    summary: "Change a source of alerts, or switch it off",
    tag,
    roles: admins,
    body: patchAlertSource,
    status: 200,
    answer: alertSource,
    refusals: ["not_found"],
  },
  rotateAlertSource: {
    method: "post",
    path: `${path}/{id}/rotate`,
    summary: "Give a source a new secret; the old one is void at once",
    tag,
    roles: admins,
    status: 200,
    answer: alertSourceWithSecret,
    refusals: ["not_found"],
  },
  receiveWebhook: {
    method: "post",
    path: "/api/v1/webhooks/{source}",
    summary: "What a source sends, in its own form, with its own credential; accepted once it is kept",
    tag,
    roles: [],
    credential: "source",
    body: z.any().describe("as the source's format has it"),
    bodyTypes: ["application/json", "application/xml", "text/xml", "application/cap+xml"],
    status: 202,
    answer: alertReceipt,
    refusals: ["unauthenticated"],
  },
} as const satisfies Record<string, Route>;
