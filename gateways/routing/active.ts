import { type ActiveRouting, activeRouting, activeSilences } from "../../actors/routing/active.ts";
import type { RoutingState } from "../../actors/routing/definition.ts";
import type { SilencesState } from "../../actors/routing/silences.ts";
import type { CompiledSilence } from "../../actors/routing/silencing.ts";
import type { Board } from "../../runtime/board.ts";

/** An agency's routing, by the board. */
export function routingOf(board: Board, agencyId: string): ActiveRouting {
  return activeRouting(board.get({ kind: "routing", id: agencyId })?.state as RoutingState | undefined);
}

export function silencesOf(board: Board, agencyId: string): readonly CompiledSilence[] {
  return activeSilences(board.get({ kind: "silences", id: agencyId })?.state as SilencesState | undefined);
}
