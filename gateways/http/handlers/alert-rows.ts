import type { PastAlert } from "../../../actors/routing/backtest.ts";
import type { CompiledRouting } from "../../../actors/routing/compile.ts";
import { Inhibition } from "../../../actors/routing/inhibition.ts";
import { labelsOf, type RoutableAlert } from "../../../actors/routing/labels.ts";
import type { Board } from "../../../runtime/board.ts";

/** What routing looks at of an alert's state. */
interface AlertState {
  readonly phase: string;
  readonly status: string;
  readonly content: RoutableAlert & { readonly title: string };
  readonly classification: { readonly severity: string; readonly category: string } | null;
  readonly source: { readonly name: string };
  readonly acknowledgedAt: string | null;
  readonly resolvedAt: string | null;
  readonly createdAt: string;
}

const FIRING: ReadonlySet<string> = new Set(["open", "acknowledged"]);

function routed({ content, classification, source }: AlertState): RoutableAlert {
  const { category, severity = content.severity } = classification ?? {};
  return { ...content, severity, category, source: source.name };
}

/** What fires in an agency, as a document's inhibition sees it, by the board. */
export function inhibitionOf(board: Board, agencyId: string, { inhibitRules }: CompiledRouting): Inhibition {
  const inhibition = new Inhibition(inhibitRules);
  if (inhibition.isEmpty) return inhibition;
  for (const { id, state } of board.rowsOf("alert", [agencyId])) {
    const alert = state as AlertState;
    if (alert.phase === "known" && FIRING.has(alert.status)) inhibition.add(id, labelsOf(routed(alert)));
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
    const { severity } = routed(alert);
    alerts.push({
      id,
      title: content.title,
      labels: labelsOf(routed(alert)),
      severity,
      startsAt,
      acknowledgedAt,
      resolvedAt,
    });
  }
  return { alerts: alerts.reverse(), complete: true };
}
