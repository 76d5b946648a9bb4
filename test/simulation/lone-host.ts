import { type CellHost, cellDefaults } from "../../runtime/cell.ts";
import { Committer, committerDefaults } from "../../runtime/commit.ts";
import { Pressure } from "../../runtime/pressure.ts";
import type { SimProcess } from "../../runtime/sim/process.ts";
import type { World } from "../../runtime/sim/world.ts";

/** What a single cell needs that is tried by itself: it commits, knows of no other actor, and keeps no telemetry. */
export function loneHost(ports: SimProcess["ports"], isUnheardOf = false): CellHost {
  return {
    ports,
    pressure: new Pressure(ports.clock),
    committer: new Committer(ports.journal, ports.clock, { ...committerDefaults, durability: "replicated" }),
    send: () => Promise.reject(new Error("nobody is asked")),
    holds: () => true,
    isUnheardOf: () => isUnheardOf,
    keep: () => Promise.reject(new Error("nothing is kept")),
    kept: () => undefined,
    readingOf: () => undefined,
    committed: () => undefined,
    escalated: () => undefined,
    options: cellDefaults,
  };
}

/** What comes of it once the world has gone on for long enough. */
export async function outcomeIn<T>(world: World, promise: Promise<T>): Promise<T> {
  let outcome: { readonly value: T } | undefined;
  void promise.then((value) => {
    outcome = { value };
  });
  await new Promise((settled) => setImmediate(settled));
  await world.run(() => outcome !== undefined, 60_000);
  return outcome!.value;
}
