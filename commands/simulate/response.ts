import type { Outcome, UnitKind } from "./call-kinds.ts";
import { type Fleet, travelMs, type Unit } from "./fleet.ts";
import type { Random } from "./random.ts";
import { between, nearestHospital, type Point } from "./region.ts";

/** One unit's part in one call; times in milliseconds since the epoch. */
export interface UnitResponse {
  readonly unit: Unit;
  readonly dispatchMs: number;
  readonly responseMs: number;
  readonly onSceneMs: number | undefined;
  readonly transportMs: number | undefined;
  readonly hospitalMs: number | undefined;
  readonly availableMs: number;
}

interface Sent {
  readonly unit: Unit;
  readonly dispatchMs: number;
  readonly responseMs: number;
  readonly arrivalMs: number;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** A further unit that is busy for longer than this is done without. */
const WAIT_MAX_MS = 10 * MINUTE_MS;

/** To whole seconds, as the export has them. */
const whole = (ms: number) => Math.round(ms / SECOND_MS) * SECOND_MS;

/** Sends units to one scene and lets them work, by the rules of an outcome. */
export class Response {
  readonly #fleet: Fleet;
  readonly #random: Random;
  readonly #scene: Point;
  readonly #outcome: Outcome;
  readonly #taken = new Set<Unit>();

  constructor(fleet: Fleet, random: Random, scene: Point, outcome: Outcome) {
    this.#fleet = fleet;
    this.#random = random;
    this.#scene = scene;
    this.#outcome = outcome;
  }

  /** @returns the units' parts, in the order in which they were sent */
  run(kinds: readonly UnitKind[], dispatchMs: number): UnitResponse[] {
    const first = this.#send(kinds, dispatchMs);
    const firstArrivalMs = Math.min(...first.map(({ arrivalMs }) => arrivalMs));
    const second = this.#send(this.#outcome.secondAlarm ?? [], firstArrivalMs + this.#random.between(4, 9) * MINUTE_MS);
    return [...first, ...second].map((sent) => this.#work(sent, firstArrivalMs));
  }

  #send(kinds: readonly UnitKind[], atMs: number): Sent[] {
    return kinds.flatMap((kind) => {
      const unit = this.#fleet.choose(kind, this.#scene, atMs, this.#taken);
      if (!unit || !this.#worthWaitingFor(unit, atMs)) return [];
      this.#taken.add(unit);
      // A unit that is still busy is sent a few seconds after it is free.
      const dispatchMs = whole(Math.max(atMs, this.#fleet.freeAtMs(unit) + 5 * SECOND_MS));
      const responseMs = whole(dispatchMs + this.#random.between(25, 100) * SECOND_MS);
      const arrivalMs = whole(responseMs + travelMs(this.#fleet.placeAt(unit, dispatchMs), this.#scene));
      return [{ unit, dispatchMs, responseMs, arrivalMs }];
    });
  }

  /** A call goes with the units that there are, but not without any, and not without an ambulance where it needs one. */
  #worthWaitingFor(unit: Unit, atMs: number): boolean {
    return this.#taken.size === 0 || unit.kind === "MEDIC" || this.#fleet.freeAtMs(unit) - atMs < WAIT_MAX_MS;
  }

  #work(sent: Sent, firstArrivalMs: number): UnitResponse {
    const { unit, dispatchMs, responseMs, arrivalMs } = sent;
    const calledOffMs = this.#calledOffMs(sent, firstArrivalMs);
    if (calledOffMs !== undefined) {
      const wayMs = arrivalMs - responseMs;
      const from = this.#fleet.placeAt(unit, dispatchMs);
      this.#fleet.occupy(unit, between(from, this.#scene, (calledOffMs - responseMs) / wayMs), calledOffMs);
      const nowhere = { onSceneMs: undefined, transportMs: undefined, hospitalMs: undefined };
      return { unit, dispatchMs, responseMs, ...nowhere, availableMs: calledOffMs };
    }
    const [leastMinutes, mostMinutes] = this.#outcome.workMinutes;
    const workedMs = whole(arrivalMs + this.#random.between(leastMinutes, mostMinutes) * MINUTE_MS);
    const worked = { unit, dispatchMs, responseMs, onSceneMs: arrivalMs };
    if (this.#outcome.course !== "transport" || unit.kind !== "MEDIC") {
      this.#fleet.occupy(unit, this.#scene, workedMs);
      return { ...worked, transportMs: undefined, hospitalMs: undefined, availableMs: workedMs };
    }
    const hospital = nearestHospital(this.#scene);
    const hospitalMs = whole(workedMs + travelMs(this.#scene, hospital));
    const availableMs = whole(hospitalMs + this.#random.between(18, 42) * MINUTE_MS);
    this.#fleet.occupy(unit, hospital, availableMs);
    return { ...worked, transportMs: workedMs, hospitalMs, availableMs };
  }

  /** When a unit is turned back on its way; undefined for one that arrives. */
  #calledOffMs({ responseMs, arrivalMs }: Sent, firstArrivalMs: number): number | undefined {
    const { course } = this.#outcome;
    if (course === "called_off") return whole(this.#random.between(responseMs, arrivalMs));
    if (course !== "first_unit_only" || arrivalMs === firstArrivalMs) return undefined;
    const wordMs = whole(firstArrivalMs + this.#random.between(60, 180) * SECOND_MS);
    return wordMs < arrivalMs ? Math.max(wordMs, responseMs) : undefined;
  }
}
