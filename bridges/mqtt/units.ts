import type { Known, ResourceState } from "../../actors/resource/state.ts";
import type { Board, Row } from "../../runtime/board.ts";
import { isSafeToken } from "../../schema/subjects.ts";

/** Call signs remembered at once, and for how long one that nobody has is not looked for again. */
const REMEMBERED_MAX = 50_000;
const MISSING_MS = 5_000;

/** Finds units by what devices call them: an id, or a call sign of the agency. */
export class Units {
  readonly #board: Board;
  readonly #monotonicMs: () => number;
  readonly #ids = new Map<string, string>();
  readonly #missing = new Map<string, number>();

  constructor(board: Board, monotonicMs: () => number) {
    this.#board = board;
    this.#monotonicMs = monotonicMs;
  }

  find(agency: string, name: string): { readonly id: string; readonly state: Known } | undefined {
    const byId = isSafeToken(name) ? this.#known(agency, name.toLowerCase()) : undefined;
    if (byId !== undefined) return byId;
    const key = `${agency} ${name}`;
    const remembered = this.#ids.get(key);
    const known = remembered === undefined ? undefined : this.#known(agency, remembered);
    if (known?.state.callSign === name && known.state.retiredAt === null) return known;
    if (this.#monotonicMs() < (this.#missing.get(key) ?? 0)) return;
    const found = this.#search(agency, name);
    if (this.#ids.size + this.#missing.size >= REMEMBERED_MAX) {
      this.#ids.clear();
      this.#missing.clear();
    }
    if (found === undefined) this.#missing.set(key, this.#monotonicMs() + MISSING_MS);
    else this.#ids.set(key, found.id);
    return found;
  }

  #known(agency: string, id: string) {
    const row = this.#board.get({ kind: "resource", id });
    return row?.agency === agency ? unitOf(row) : undefined;
  }

  #search(agency: string, callSign: string) {
    for (const row of this.#board.rowsOf("resource", [agency])) {
      const unit = unitOf(row);
      if (unit?.state.callSign === callSign && unit.state.retiredAt === null) return unit;
    }
    return;
  }
}

function unitOf({ id, state }: Row): { readonly id: string; readonly state: Known } | undefined {
  const unit = state as ResourceState;
  return unit.phase === "known" ? { id, state: unit } : undefined;
}
