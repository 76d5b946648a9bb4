import type { AlertState, Known } from "../../actors/alert/state.ts";
import type { PastAlert } from "../../actors/routing/backtest.ts";
import type { CompiledRouting } from "../../actors/routing/compile.ts";
import { Inhibition } from "../../actors/routing/inhibition.ts";
import { labelsOf } from "../../actors/routing/labels.ts";
import type { Labels } from "../../actors/routing/matching.ts";
import type { Board } from "../../runtime/board.ts";

const FIRING: ReadonlySet<string> = new Set(["open", "acknowledged"] satisfies Known["status"][]);

/** The labels by which an alert is routed, as it was classified. */
export function routingLabels({ content, classification, source }: Known): Labels {
  const { type, deviceId, nature, labels } = content;
  const { category, severity = content.severity } = classification ?? {};
  return labelsOf({ type, severity, source: source.name, deviceId, category, nature, labels });
}

/** What fires in an agency, as a document's inhibition sees it, by the board. */
export function inhibitionOf(board: Board, agencyId: string, { inhibitRules }: CompiledRouting): Inhibition {
  const inhibition = new Inhibition(inhibitRules);
  if (inhibition.isEmpty) return inhibition;
  for (const { id, state } of board.rowsOf("alert", [agencyId])) {
    const alert = state as AlertState;
    if (alert.phase === "known" && FIRING.has(alert.status)) inhibition.add(id, routingLabels(alert));
  }
  return inhibition;
}

/** Alerts of an agency that came since, oldest first, by the board; the newest where there are more than `limit`. */
export function alertsSince(
  board: Board,
  agencyId: string,
  sinceMs: number,
  limit: number,
): { readonly alerts: readonly PastAlert[]; readonly complete: boolean } {
  const alerts: PastAlert[] = [];
  for (const { id, state } of board.rowsOf("alert", [agencyId])) {
    const alert = state as AlertState;
    if (alert.phase !== "known" || alert.status === "received") continue;
    // Ids are made when an alert comes, so that those before it are older still.
    if (Date.parse(alert.createdAt) < sinceMs) break;
    if (alerts.length === limit) return { alerts: alerts.reverse(), complete: false };
    const { createdAt: startsAt, acknowledgedAt, resolvedAt, content } = alert;
    const severity = alert.classification?.severity ?? content.severity;
    alerts.push({
      id,
      title: content.title,
      labels: routingLabels(alert),
      severity,
      startsAt,
      acknowledgedAt,
      resolvedAt,
    });
  }
  return { alerts: alerts.reverse(), complete: true };
}
