import { type AlertContent, type Classification, type Severity, severities } from "../../schema/alert.ts";

const PRIORITY: Readonly<Record<Severity, number>> = { critical: 1, high: 2, medium: 3, low: 4, info: 5 };

/** What is made of an alert where nothing else is configured: what its sender says. */
export function classifyAsSaid({ type, severity }: AlertContent): Classification {
  return {
    category: type,
    severity,
    priority: PRIORITY[severity],
    incidentType: type,
    reasons: [`the sender says ${severity}`],
    versions: {},
  };
}

export function atLeast(severity: Severity, limit: Severity): boolean {
  return severities.indexOf(severity) <= severities.indexOf(limit);
}
