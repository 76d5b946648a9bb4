import type { ClassifiableAlert } from "../../schema/classification.ts";
import type { Verdict } from "./classify.ts";

const PRIORITY = { critical: 1, high: 2, medium: 3, low: 4, info: 5 } as const;

/** What is made of an alert by its sender's words alone. */
export function said({ type, severity }: Pick<ClassifiableAlert, "type" | "severity">): Verdict {
  return {
    category: type,
    severity,
    priority: PRIORITY[severity],
    incidentType: type,
    reasons: [`the sender says ${severity}`],
    versions: {},
  };
}
