import type { IncidentState } from "../../actors/incident/state.ts";
import type { ResourceState } from "../../actors/resource/state.ts";
import { Bond } from "./bond.ts";

/** A resource that tells another story than those it has to do with. */
export interface Disagreement {
  readonly resourceId: string;
  readonly detail: string;
}

/** What several actors tell of must be the same after every commit: who holds a unit, and who carries whom. */
export class Agreement {
  /** A unit says that an incident holds it: it has an active assignment there, and nowhere else. */
  readonly #held = new Bond();
  /** Somebody or something says that it is with a carrier: the carrier says the same. */
  readonly #carried = new Bond();
  /** Those that could not be folded. */
  readonly #unknown = new Set<string>();

  incident(id: string, state: IncidentState): void {
    if (state.phase === "unknown") return;
    const active = state.assignments.filter(({ status }) => status !== "cleared");
    this.#held.owner(id, new Set(active.map(({ unitId }) => unitId)));
  }

  resource(id: string, state: ResourceState): void {
    if (state.phase === "unknown") return;
    this.#held.member(id, state.incidentId);
    this.#carried.member(id, state.carrier?.id ?? null);
    this.#carried.owner(id, new Set(state.aboard.map((member) => member.id)));
  }

  /** An incident or a resource of which nothing is known from here on. */
  lost(id: string): void {
    this.#unknown.add(id);
  }

  /** True when what was touched so far would settle without a disagreement. */
  get settled(): boolean {
    return this.#held.agrees(this.#unknown) && this.#carried.agrees(this.#unknown);
  }

  /** To be called once a commit is complete. @returns what it broke */
  settle(): readonly Disagreement[] {
    const none = "nobody";
    const held = this.#held.settle(this.#unknown).map(({ id, says = none, claims }) => ({
      resourceId: id,
      detail: `unit ${id} says that it is held by ${says}; incidents that have it: ${claims.join(", ") || none}`,
    }));
    const carried = this.#carried.settle(this.#unknown).map(({ id, says = none, claims }) => ({
      resourceId: id,
      detail: `${id} says that it is with ${says}; those who carry it: ${claims.join(", ") || none}`,
    }));
    return [...held, ...carried];
  }
}
