import type { View } from "../../runtime/board.ts";
import type { Alert, AlertFilters } from "../../schema/alert.ts";
import { classifyAsSaid } from "./classification.ts";
import type { Known } from "./state.ts";

export const alertView: View = {
  present(id, state, version): Alert {
    const it = state as Known;
    const classification = it.classification ?? classifyAsSaid(it.content);
    const { reasons, versions } = classification;
    const { areas, labels, details, ...content } = it.content;
    return {
      id,
      agencyId: it.agencyId,
      status: it.status,
      ...content,
      category: classification.category,
      severity: classification.severity,
      priority: classification.priority,
      source: it.source.name,
      sources: [...it.sources],
      dedupKey: it.dedupKey,
      areas: [...areas],
      labels: { ...labels },
      details: { ...details } as Alert["details"],
      classification: { ...classification, reasons: [...reasons], versions: { ...versions } },
      incidentId: it.incidentId,
      count: it.count,
      firstSeenAt: it.firstSeenAt,
      lastSeenAt: it.lastSeenAt,
      acknowledgedAt: it.acknowledgedAt,
      acknowledgedBy: it.acknowledgedBy,
      resolvedAt: it.resolvedAt,
      reason: it.reason,
      version,
      createdAt: it.createdAt,
      updatedAt: it.updatedAt,
    };
  },
  place: (state) => (state as Known).content.location ?? undefined,

  matches(state, filters) {
    const it = state as Known;
    const wanted = filters as Partial<AlertFilters>;
    const { category, severity } = it.classification ?? classifyAsSaid(it.content);
    return (
      (wanted.status?.includes(it.status) ?? true) &&
      (wanted.severity?.includes(severity) ?? true) &&
      (wanted.nature?.includes(it.content.nature) ?? true) &&
      (wanted.type?.includes(it.content.type) ?? true) &&
      (wanted.category?.includes(category) ?? true) &&
      (wanted.source === undefined || wanted.source === it.source.name) &&
      (wanted.deviceId === undefined || wanted.deviceId === it.content.deviceId) &&
      (wanted.dedupKey === undefined || wanted.dedupKey === it.dedupKey) &&
      (wanted.incidentId === undefined || wanted.incidentId === it.incidentId) &&
      (wanted.agencyId === undefined || wanted.agencyId === it.agencyId) &&
      (wanted.createdAfter === undefined || Date.parse(it.createdAt) > Date.parse(wanted.createdAfter)) &&
      (wanted.createdBefore === undefined || Date.parse(it.createdAt) < Date.parse(wanted.createdBefore))
    );
  },
};
