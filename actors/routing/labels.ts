import type { Labels } from "./matching.ts";

/** What of an alert decides where it goes. Shapes are the alert's own; times are RFC 3339. */
export interface RoutableAlert {
  readonly type: string;
  readonly severity: string;
  readonly source?: string | null | undefined;
  readonly deviceId?: string | null | undefined;
  readonly category?: string | null | undefined;
  /** As CAP has it: what is not actual is routed by it, so that an exercise calls nobody out by mistake. */
  readonly nature?: string | null | undefined;
  readonly labels?: Labels | undefined;
}

/**
 * The labels by which an alert is routed: its own, and its fields under their names. A field goes before a label of that
 * name: a sender cannot pass a low alert off as a critical one by a label.
 */
export function labelsOf({ type, severity, source, deviceId, category, nature, labels = {} }: RoutableAlert): Labels {
  const fields = Object.entries({ type, severity, source, deviceId, category, nature: nature ?? "actual" });
  const given = fields.filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return { ...labels, ...Object.fromEntries(given) };
}
