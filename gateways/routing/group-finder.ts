import { LRUCache } from "lru-cache";
import { groupsFor, type Taken } from "../../actors/routing/decide.ts";
import type { Labels } from "../../actors/routing/matching.ts";
import type { Board } from "../../runtime/board.ts";
import { routingOf } from "./active.ts";

/** Who puts an alert into a group hears of it at once, and asks where it belongs once more. */
const KEPT = 1_000;

/** The groups that alerts belong to by the active document, worked out once for those who ask right after one another. */
export class GroupFinder {
  readonly #board: Board;
  readonly #kept = new LRUCache<string, { readonly by: object; readonly groups: readonly Taken[] }>({ max: KEPT });

  constructor(board: Board) {
    this.#board = board;
  }

  groupsFor(agencyId: string, labels: Labels): readonly Taken[] {
    const { compiled, revision } = routingOf(this.#board, agencyId);
    const key = JSON.stringify([agencyId, revision, labels]);
    const kept = this.#kept.get(key);
    if (kept?.by === compiled) return kept.groups;
    const groups = groupsFor(agencyId, compiled, revision, labels);
    this.#kept.set(key, { by: compiled, groups });
    return groups;
  }
}
