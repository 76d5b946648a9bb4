import type { Known as Incident, IncidentState } from "../../actors/incident/state.ts";
import { active } from "../../actors/incident/state.ts";
import type { ResourceState } from "../../actors/resource/state.ts";
import type { Board } from "../../runtime/board.ts";
import { dispatchTopic } from "../../schema/mqtt.ts";
import type { Address } from "../../schema/subjects.ts";

export type Publish = (topic: string, payload: string) => Promise<void>;

/** Units whose messages are on their way to the broker at once. */
const UNDER_WAY_MAX = 32;

/**
 * Tells every unit what it is sent to. What the broker keeps for a unit is made what the board says of it, whenever something
 * of it changes and whenever we come back: so nothing is told that is over, however long we or the broker were away.
 */
export class Downlink {
  readonly #board: Board;
  readonly #publish: Publish;
  readonly #failed: (error: unknown) => void;
  /** What we have told last; what we do not know of is empty, or the broker tells us of it. */
  readonly #told = new Map<string, string>();
  readonly #changed = new Set<string>();
  #underWay = 0;
  #isOpen = false;
  #count = 0;

  constructor(board: Board, publish: Publish, failed: (error: unknown) => void) {
    this.#board = board;
    this.#publish = publish;
    this.#failed = failed;
  }

  get count(): number {
    return this.#count;
  }

  /** Something has happened to an actor. */
  changed({ kind, id }: Address): void {
    if (!this.#isOpen) return;
    if (kind === "resource") this.#mark(id);
    else if (kind === "incident") for (const unitId of this.#unitsOf(id)) this.#mark(unitId);
  }

  /** The broker is there. What it keeps it tells us; what the board says is looked at once. */
  open(): void {
    this.#isOpen = true;
    this.#told.clear();
    for (const { id, state } of this.#board.all("resource")) {
      if ((state as ResourceState).phase === "known" && (state as { incidentId: string | null }).incidentId !== null)
        this.#changed.add(id);
    }
    this.#pump();
  }

  /** The broker is away, or another host does this now. */
  close(): void {
    this.#isOpen = false;
    this.#changed.clear();
  }

  /** The broker has kept this for a unit, since before we came. */
  kept(topic: string, payload: string): void {
    const [, , , unitId = ""] = topic.split("/");
    if (this.#wanted(unitId)?.topic === topic) {
      if (!this.#told.has(topic)) this.#told.set(topic, payload);
      this.#mark(unitId);
    } else if (payload !== "" && this.#isOpen) {
      // Nobody's: of a unit that is gone, or of another agency.
      this.#publish(topic, "").catch(this.#failed);
    }
  }

  #mark(unitId: string): void {
    this.#changed.add(unitId);
    this.#pump();
  }

  #pump(): void {
    for (const unitId of this.#changed) {
      if (!this.#isOpen || this.#underWay >= UNDER_WAY_MAX) return;
      this.#changed.delete(unitId);
      const wanted = this.#wanted(unitId);
      if (wanted === undefined || (this.#told.get(wanted.topic) ?? "") === wanted.payload) continue;
      this.#tell(wanted.topic, wanted.payload, unitId);
    }
  }

  #tell(topic: string, payload: string, unitId: string): void {
    this.#underWay += 1;
    this.#told.set(topic, payload);
    void this.#publish(topic, payload)
      .then(
        () => {
          this.#count += 1;
          if (payload === "" && this.#told.get(topic) === "") this.#told.delete(topic);
        },
        (error: unknown) => {
          // It is looked at again when the broker is back.
          this.#told.delete(topic);
          this.#failed(error);
        },
      )
      .then(() => {
        this.#underWay -= 1;
        this.#mark(unitId);
      });
  }

  #unitsOf(incidentId: string): readonly string[] {
    const state = this.#board.get({ kind: "incident", id: incidentId })?.state as IncidentState | undefined;
    return state?.phase === "known" ? state.assignments.map(({ unitId }) => unitId) : [];
  }

  #wanted(unitId: string): { readonly topic: string; readonly payload: string } | undefined {
    const row = this.#board.get({ kind: "resource", id: unitId });
    const unit = row?.state as ResourceState | undefined;
    if (unit?.phase !== "known") return;
    const topic = dispatchTopic(unit.agencyId, unitId);
    if (unit.incidentId === null) return { topic, payload: "" };
    const incident = this.#board.get({ kind: "incident", id: unit.incidentId })?.state as IncidentState | undefined;
    // The board shows the unit first: the incident follows.
    if (incident?.phase !== "known") return;
    return { topic, payload: JSON.stringify(orderOf(unitId, unit.callSign, unit.incidentId, incident)) };
  }
}

function orderOf(unitId: string, callSign: string, incidentId: string, incident: Incident) {
  const { type, category, priority, title, description, location, address } = incident.fields;
  const assignment = active(incident, unitId);
  return {
    unitId,
    callSign,
    incidentId,
    incidentNumber: incident.incidentNumber,
    ...{ type, category, priority, title, description, location, address },
    status: assignment?.status ?? null,
    assignedAt: assignment?.assignedAt ?? null,
  };
}
