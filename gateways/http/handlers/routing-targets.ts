import type { HookState } from "../../../actors/secret-holder/hook.ts";
import type { Board } from "../../../runtime/board.ts";
import type { RoutingDocument, Target } from "../../../schema/routing/document.ts";

export interface Warning {
  /** Where in the document, such as `receivers[0].targets[1]`. */
  readonly path: string;
  readonly message: string;
}

/**
 * Targets that nothing could be told just now. No flaws: a webhook may be made later, or by another gateway a moment ago,
 * and nobody must be kept from going back to an earlier document.
 */
export function unreachableTargets(board: Board, agencyId: string, document: RoutingDocument): readonly Warning[] {
  const hooks = new Map<string, boolean>();
  for (const { state } of board.rowsOf("hook", [agencyId])) {
    const it = state as HookState;
    if (it.phase === "known") hooks.set(it.fields.name, it.fields.enabled);
  }
  const wrongWith = ({ kind, to }: Target): string | undefined => {
    if (kind === "channel") {
      const isThere = board.get({ kind: "channel", id: to })?.agency === agencyId;
      return isThere ? undefined : `there is no channel ${to} in this agency`;
    }
    if (kind !== "webhook" || hooks.get(to) === true) return;
    if (hooks.has(to)) return `the webhook ${to} is switched off`;
    return `there is no webhook ${to}; there are: ${[...hooks.keys()].join(", ") || "none"}`;
  };
  const warnings: Warning[] = [];
  const look = (targets: readonly Target[], path: string) =>
    targets.forEach((target, at) => {
      const message = wrongWith(target);
      if (message !== undefined) warnings.push({ path: `${path}.targets[${at}]`, message });
    });
  for (const [at, { targets }] of document.receivers.entries()) look(targets, `receivers[${at}]`);
  for (const [at, { steps }] of (document.escalations ?? []).entries()) {
    for (const [place, step] of steps.entries()) {
      if ("targets" in step) look(step.targets, `escalations[${at}].steps[${place}]`);
    }
  }
  return warnings;
}
