import { build } from "hdr-histogram-js";
import { registry, views } from "../../actors/registry.ts";
import type { Known } from "../../actors/resource/state.ts";
import { sendable } from "../../gateways/http/handlers/availability.ts";
import type { Services } from "../../gateways/http/handlers/call.ts";
import { evolve } from "../../runtime/actor.ts";
import { Board } from "../../runtime/board.ts";
import { Coverage } from "../../runtime/coverage.ts";
import type { Ports } from "../../runtime/ports/index.ts";
import { systemClock } from "../../runtime/ports/system.ts";
import { CAPABILITY, City, NEAREST, type NearQuery } from "./city.ts";
import { callSignOf } from "./finders.ts";

const EVERYWHERE_METRES = 20_100_000;
const principal = { subject: "bench", agencies: ["default"], roles: ["dispatcher"] } as const;

/** The board of a node in this very process, with the units of the city on it, asked as the HTTP handler asks it. */
export class InProcess {
  readonly #city: City;
  readonly #services: Services;
  readonly #moves: number;
  #sequence: number;

  /** @param moves how many units move each second */
  constructor(size: number, moves: number) {
    this.#city = new City(size);
    this.#moves = moves;
    this.#sequence = size;
    const ports = { clock: systemClock } as Ports;
    const board = new Board(registry, views, ports, new Coverage(0));
    // Of the services the question needs but these.
    this.#services = { ports, board } as Services;
    const definition = registry.get("resource")!;
    const at = new Date().toISOString();
    for (const [unit, { available, capable }] of this.#city.units.entries()) {
      const created = {
        type: "resource.created",
        agencyId: principal.agencies[0],
        resourceType: "vehicles",
        callSign: callSignOf(unit),
        ...{ name: null, category: null, station: null, home: null, minimumCrew: 0, metadata: {} },
        capabilities: capable ? [CAPABILITY] : [],
        status: available ? "available" : "out_of_service",
        location: this.#city.places[unit]!,
      };
      const state = evolve(definition, definition.initial, [created], {
        id: String(unit),
        at,
        by: "bench",
        previous: 0,
      });
      const row = { agency: principal.agencies[0], state, version: 1, sequence: unit + 1 };
      board.committed({ kind: "resource", id: String(unit) }, row);
    }
  }

  nearest({ from, radiusMetres = EVERYWHERE_METRES, capable }: NearQuery): number[] {
    return sendable(this.#services, {
      principal,
      wanted: capable ? { capabilities: [CAPABILITY] } : {},
      near: { ...from, radiusMetres },
      limit: NEAREST,
    }).map(({ state }: { readonly state: Known }) => Number(state.callSign.slice(1)));
  }

  /** Asks one question after the other; the moves that have become due are shown in between. */
  run(question: () => NearQuery, seconds: number) {
    const histogram = build({ highestTrackableValue: 60_000_000_000, numberOfSignificantValueDigits: 3 });
    const startedAt = performance.now();
    const endAt = startedAt + seconds * 1_000;
    let [moved, movingMs, asked] = [0, 0, 0];
    for (let now = startedAt; now < endAt; now = performance.now()) {
      const due = Math.floor(((now - startedAt) / 1_000) * this.#moves) - moved;
      if (due > 0) {
        const at = new Date().toISOString();
        for (const unit of this.#city.step(due)) {
          const reading = { ...this.#city.places[unit]!, at };
          this.#services.board.measured(
            { kind: "resource", id: String(unit) },
            { sequence: ++this.#sequence, reading },
          );
        }
        moved += due;
        movingMs += performance.now() - now;
      }
      const query = question();
      const askedAt = performance.now();
      this.nearest(query);
      histogram.recordValue(Math.round((performance.now() - askedAt) * 1_000_000));
      asked++;
    }
    const ms = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1_000_000;
    return {
      askedPerSecond: asked / seconds,
      latencyMs: { p50: ms(50), p90: ms(90), p99: ms(99), max: histogram.maxValue / 1_000_000 },
      movedPerSecond: moved / seconds,
      microsecondsPerMove: (movingMs / moved) * 1_000,
    };
  }
}
