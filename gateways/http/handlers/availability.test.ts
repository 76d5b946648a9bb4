import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { registry, views } from "../../../actors/registry.ts";
import type { Known, ResourceState } from "../../../actors/resource/state.ts";
import { evolve } from "../../../runtime/actor.ts";
import { Board } from "../../../runtime/board.ts";
import { Client } from "../../../runtime/client.ts";
import { Coverage } from "../../../runtime/coverage.ts";
import { NumberDispenser } from "../../../runtime/numbers.ts";
import { Presence } from "../../../runtime/presence/presence.ts";
import { SimProcess } from "../../../runtime/sim/process.ts";
import { SimServer } from "../../../runtime/sim/server.ts";
import { World } from "../../../runtime/sim/world.ts";
import { MasterKeys, newMasterKey } from "../../../runtime/vault/master-keys.ts";
import { Vault } from "../../../runtime/vault/vault.ts";
import { type ResourceEvent, resourceStatuses, resourceTypes } from "../../../schema/resource.ts";
import { AlertIntake } from "../../alerts/intake.ts";
import { SourceSecrets } from "../../alerts/secrets.ts";
import { Webhooks } from "../../alerts/webhooks.ts";
import { type SendableQuery, sendable } from "./availability.ts";
import type { Services } from "./call.ts";

const FLEET = 100_000;
const QUERIES = 2_000;
const CAPABILITIES = ["engine", "ladder", "als", "boat"];
const AGENCIES = ["a", "b"];
const RADIANS = Math.PI / 180;
const EARTH_METRES = 6_371_008.8;
const ROUNDING_METRES = 1e-5;

/** What the oracle knows of a unit: the facts it was made from, not what the code under test makes of them. */
interface Fact {
  readonly id: string;
  readonly agency: string;
  readonly type: (typeof resourceTypes)[number];
  readonly sendable: boolean;
  readonly capabilities: readonly string[];
  readonly place: { readonly lat: number; readonly lon: number };
  readonly fresh: boolean;
}

const world = new World(7);
const random = () => world.random();
const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;

/** Towns, the antimeridian, both poles, and everywhere else. */
function somePlace(): { lat: number; lon: number } {
  const spread = () => (random() - 0.5) * 0.2;
  const town = pick([[48.1, 11.5], [-17.5, 180], [90, 0], [-90, 50], [0, 0], undefined] as const);
  if (town === undefined) return { lat: Math.asin(2 * random() - 1) / RADIANS, lon: random() * 360 - 180 };
  const lat = Math.max(-90, Math.min(90, town[0] + spread()));
  const lon = Math.abs(town[0]) === 90 ? random() * 360 - 180 : town[1] + spread();
  return { lat, lon: lon > 180 ? lon - 360 : lon };
}

/** Haversine, as the textbooks have it. */
function metresBetween(a: { lat: number; lon: number }, b: { lat: number; lon: number }): number {
  const sinLat = Math.sin(((b.lat - a.lat) * RADIANS) / 2);
  const sinLon = Math.sin(((b.lon - a.lon) * RADIANS) / 2);
  const h = sinLat * sinLat + Math.cos(a.lat * RADIANS) * Math.cos(b.lat * RADIANS) * sinLon * sinLon;
  return 2 * EARTH_METRES * Math.asin(Math.min(1, Math.sqrt(h)));
}

const services = (): Services => {
  const { ports } = new SimProcess(new SimServer(world), "p");
  const board = new Board(registry, views, ports, new Coverage(0));
  const client = new Client(ports, { partitions: 1, timeoutMs: 1 });
  const numbers = new NumberDispenser(ports.numbers, ports.clock);
  const vault = new Vault(ports.keys, () => MasterKeys.parse(newMasterKey()));
  const presence = new Presence(ports);
  const push = { vapidPublicKey: "", kinds: [], seal: () => "", mark: () => "", whyNot: () => undefined };
  const intake = new AlertIntake(ports, board, 24);
  const secrets = new SourceSecrets(new Uint8Array(32));
  const webhooks = new Webhooks({ board, client, clock: ports.clock, intake, secrets });
  return { ports, registry, views, board, client, numbers, intake, secrets, webhooks, vault, presence, push };
};

describe("who may be sent, of a hundred thousand", () => {
  const facts: Fact[] = [];
  const byLatitude: Fact[] = [];
  let all: Services;

  beforeAll(() => {
    all = services();
    const nowMs = all.ports.clock.now();
    const definition = registry.get("resource")!;
    for (let index = 0; index < FLEET; index++) {
      const id = `u${String(index).padStart(6, "0")}`;
      const agency = pick(AGENCIES);
      const type = pick(resourceTypes);
      const status = pick(resourceStatuses);
      const capabilities = CAPABILITIES.filter(() => random() < 0.4);
      const retired = random() < 0.05;
      const ageMs = random() < 0.1 ? 31 * 60_000 : Math.floor(random() * 29 * 60_000);
      const fields = {
        callSign: id,
        name: null,
        category: null,
        station: null,
        home: null,
        minimumCrew: 0,
        metadata: {},
      };
      const events: ResourceEvent[] = [
        {
          type: "resource.created",
          agencyId: agency,
          resourceType: type,
          ...fields,
          capabilities,
          status,
          location: null,
        },
        ...(retired ? [{ type: "resource.retired", reason: "old" } as const] : []),
      ];
      const at = new Date(nowMs).toISOString();
      const state = evolve(definition, definition.initial, events, { id, at, by: "s", previous: 0 }) as ResourceState;
      const place = somePlace();
      all.board.committed({ kind: "resource", id }, { agency, state, version: 1, sequence: index + 1 });
      const reading = { ...place, at: new Date(nowMs - ageMs).toISOString() };
      all.board.measured({ kind: "resource", id }, { sequence: index + 1, reading });
      facts.push({
        id,
        agency,
        type,
        sendable: !retired && (status === "available" || status === "returning"),
        capabilities,
        place,
        fresh: ageMs <= 30 * 60_000,
      });
    }
  });

  /** Nobody is nearer than his difference in latitude: so only this band is looked at, each of it. */
  function between(south: number, north: number): Fact[] {
    if (byLatitude.length === 0) byLatitude.push(...[...facts].sort((a, b) => a.place.lat - b.place.lat));
    const index = (lat: number) => {
      let [low, high] = [0, byLatitude.length];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (byLatitude[middle]!.place.lat < lat) low = middle + 1;
        else high = middle;
      }
      return low;
    };
    return byLatitude.slice(index(south), index(north + 1e-9));
  }

  function oracle({ principal, wanted, near }: SendableQuery): { id: string; metres: number }[] {
    const { radiusMetres, ...from } = near!;
    const band = (radiusMetres + 1) / EARTH_METRES / RADIANS;
    return between(from.lat - band, from.lat + band)
      .filter(
        (one) =>
          one.sendable &&
          one.fresh &&
          principal.agencies.includes(one.agency) &&
          (wanted.types?.includes(one.type) ?? true) &&
          (wanted.capabilities ?? []).every((capability) => one.capabilities.includes(capability)),
      )
      .map(({ id, place }) => ({ id, metres: metresBetween(from, place) }))
      .filter(({ metres }) => metres <= radiusMetres)
      .sort((a, b) => a.metres - b.metres);
  }

  it("is who an oracle names that looks at each of them, in its order", () => {
    const query = fc.record({
      agencies: fc.subarray(AGENCIES, { minLength: 1 }),
      types: fc.option(fc.subarray([...resourceTypes], { minLength: 1 }), { nil: undefined }),
      capabilities: fc.option(fc.subarray(CAPABILITIES), { nil: undefined }),
      radiusMetres: fc.constantFrom(500, 3_000, 20_000),
      limit: fc.constantFrom(1, 10, 500),
    });
    let found = 0;
    fc.assert(
      fc.property(query, ({ agencies, types, capabilities, radiusMetres, limit }) => {
        const wanted = {
          ...(types === undefined ? {} : { types }),
          ...(capabilities === undefined ? {} : { capabilities }),
        };
        const principal = { subject: "s", agencies, roles: [] };
        const asked: SendableQuery = { principal, wanted, near: { ...somePlace(), radiusMetres }, limit };
        const answer = sendable(all, asked);
        const expected = oracle(asked);
        found += expected.length;
        expect(answer).toHaveLength(Math.min(limit, expected.length));
        const metresOf = new Map(expected.map(({ id, metres }) => [id, metres]));
        // Whoever is at this place of the order is as far away as the oracle's, but for the rounding of its haversine: at
        // the poles it tells longitudes apart where there are none.
        const misplaced = answer.filter(({ row, distanceMetres }, index) => {
          const { metres } = expected[index]!;
          const before = answer[index - 1];
          return !(
            Math.abs(metresOf.get(row.id)! - metres) < ROUNDING_METRES &&
            Math.abs(distanceMetres! - metres) < ROUNDING_METRES &&
            (before?.distanceMetres !== distanceMetres || before.row.id < row.id)
          );
        });
        expect(misplaced).toEqual([]);
      }),
      { numRuns: QUERIES },
    );
    expect(found).toBeGreaterThan(QUERIES);
  });

  it("follows each move", () => {
    const nowMs = all.ports.clock.now();
    const at = new Date(nowMs).toISOString();
    const movers = facts.filter(({ sendable: may }) => may).slice(0, 50);
    const place = { lat: 61.5, lon: -150 };
    for (const [index, { id }] of movers.entries())
      all.board.measured(
        { kind: "resource", id },
        { sequence: FLEET + index + 1, reading: { lat: place.lat, lon: place.lon + (50 - index) / 10_000, at } },
      );
    const near = { ...place, radiusMetres: 2_000 };
    const principal = { subject: "s", agencies: AGENCIES, roles: [] };
    const answer = sendable(all, { principal, wanted: {}, near, limit: 50 }).map(({ row }) => row.id);
    expect(answer.filter((id) => movers.some((mover) => mover.id === id))).toEqual(
      movers.map(({ id }) => id).reverse(),
    );
    expect((all.board.get({ kind: "resource", id: movers[0]!.id })!.state as Known).phase).toBe("known");
  });
});
