import { presenceFilters, present } from "../presence.ts";
import { anyone, listOf, type Route } from "./route.ts";

export const presenceRoutes = {
  listPresence: {
    method: "get",
    path: "/api/v1/presence",
    summary: "Who of the caller's agencies has a live connection, by name",
    tag: "presence",
    roles: anyone,
    query: presenceFilters,
    status: 200,
    answer: listOf(present),
    refusals: [],
  },
} as const satisfies Record<string, Route>;
