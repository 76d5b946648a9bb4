import type { z } from "zod";
import { auditOf } from "../../../runtime/past.ts";
import type { auditQuery, auditRoutes } from "../../../schema/routes/audit.ts";
import { ProblemError } from "../problem.ts";
import type { Handler } from "./call.ts";

export const auditHandlers: Readonly<Record<keyof typeof auditRoutes, Handler>> = {
  // It asks the journal, not the actor: one whose chain is broken could not be restored.
  async verifyAudit({ registry, ports }, { query, principal }) {
    const { kind, id }: z.infer<typeof auditQuery> = query;
    const { agency, verified, firstBad } = await auditOf(registry.get(kind)!, { kind, id }, ports);
    if (agency === undefined || !principal.agencies.includes(agency)) {
      throw new ProblemError("not_found", `no such ${kind}`);
    }
    const answer = { kind, id, intact: firstBad === undefined, verified, firstBad: firstBad ?? null };
    return { status: 200, body: JSON.stringify(answer) };
  },
};
