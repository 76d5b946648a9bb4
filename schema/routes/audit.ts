import { z } from "zod";
import { uuid } from "../common.ts";
import { agencyId } from "../principal.ts";
import { type Route, supervision } from "./route.ts";

export const auditedKinds = [
  "incident",
  "resource",
  "agency",
  "channel",
  "routing",
  "silences",
  "alertgroup",
  "alert",
  "classification",
] as const;

export const auditQuery = z.strictObject({
  kind: z.enum(auditedKinds),
  id: z.union([uuid, agencyId], "a UUID, or an agency's name where the kind has one an agency"),
});

export const auditRoutes = {
  verifyAudit: {
    method: "get",
    path: "/api/v1/audit/verify",
    summary: "Check the hash chain of everything that happened to one entity",
    tag: "audit",
    roles: supervision,
    query: auditQuery,
    status: 200,
    answer: z.strictObject({
      kind: z.string(),
      id: z.string(),
      intact: z.boolean(),
      verified: z.number().int().describe("entries found good, from the first on"),
      firstBad: z
        .strictObject({ sequence: z.number().int(), problem: z.string() })
        .nullable()
        .describe("where the chain breaks"),
    }),
    refusals: ["not_found"],
  },
} as const satisfies Record<string, Route>;
