import type { UnitKind } from "./call-kinds.ts";
import { between, nearest, type Point, roadMetres, stationPlace } from "./region.ts";

export interface Unit {
  /** All start with X, as units in exercises do. */
  readonly callSign: string;
  readonly kind: UnitKind;
  readonly station: number;
  readonly home: Point;
}

/** On the way to a call, corners and crossings counted in. */
const RESPONDING_METRES_PER_SECOND = 9;
const RETURNING_METRES_PER_SECOND = 7;
/** From seeing the address to standing at the door. */
const PARKING_MS = 25_000;

const STATIONS_PER_TRUCK = 2;
const STATIONS_PER_CHIEF = 4;
const MEDICS_PER_STATION = 2;

function unitsOf(station: number): Unit[] {
  const home = stationPlace(station - 1);
  const unit = (kind: UnitKind, callSign: string): Unit => ({ callSign, kind, station, home });
  const number = String(station).padStart(2, "0");
  const units = [unit("ENGINE", `XE${number}`)];
  for (let medic = 1; medic <= MEDICS_PER_STATION; medic += 1)
    units.push(unit("MEDIC", `XM${number}${String.fromCharCode(64 + medic)}`));
  if (station % STATIONS_PER_TRUCK === 1) units.push(unit("TRUCK", `XT${number}`));
  if (station % STATIONS_PER_CHIEF === 1) units.push(unit("CHIEF", `XB${number}`));
  return units;
}

export function travelMs(from: Point, to: Point): number {
  return PARKING_MS + (roadMetres(from, to) / RESPONDING_METRES_PER_SECOND) * 1000;
}

/** Every unit, where it is, and when it is free. */
export class Fleet {
  readonly units: readonly Unit[];
  /** Where a unit was when it last came free, and when that was or will be. */
  readonly #last = new Map<Unit, { place: Point; freeAtMs: number }>();

  constructor(stations: number) {
    this.units = Array.from({ length: stations }, (_, index) => unitsOf(index + 1)).flat();
  }

  freeAtMs(unit: Unit): number {
    return this.#last.get(unit)?.freeAtMs ?? Number.NEGATIVE_INFINITY;
  }

  /** On its way home from its last call, or at home. */
  placeAt(unit: Unit, atMs: number): Point {
    const last = this.#last.get(unit);
    if (!last) return unit.home;
    const wayMs = (roadMetres(last.place, unit.home) / RETURNING_METRES_PER_SECOND) * 1000;
    const share = wayMs === 0 ? 1 : Math.min(1, Math.max(0, (atMs - last.freeAtMs) / wayMs));
    return between(last.place, unit.home, share);
  }

  /**
   * The nearest free unit of a kind that is not taken yet; where none is free, the one that will be first.
   * @returns undefined where the town has no more units of the kind
   */
  choose(kind: UnitKind, scene: Point, atMs: number, taken: ReadonlySet<Unit>): Unit | undefined {
    const possible = this.units.filter((unit) => unit.kind === kind && !taken.has(unit));
    const free = possible.filter((unit) => this.freeAtMs(unit) <= atMs);
    if (free.length > 0) return nearest(free, scene, (unit) => this.placeAt(unit, atMs));
    return possible.toSorted((a, b) => this.freeAtMs(a) - this.freeAtMs(b))[0];
  }

  /** @param place where it will come free */
  occupy(unit: Unit, place: Point, freeAtMs: number): void {
    this.#last.set(unit, { place, freeAtMs });
  }
}
