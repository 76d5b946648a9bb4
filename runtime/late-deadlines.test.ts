import { expect, it } from "vitest";
import { registry, views } from "../actors/registry.ts";
import { Board } from "./board.ts";
import { Client, clientDefaults } from "./client.ts";
import { Coverage } from "./coverage.ts";
import { Host, hostDefaults } from "./host.ts";
import { SimProcess } from "./sim/process.ts";
import { SimServer } from "./sim/server.ts";
import { World } from "./sim/world.ts";

it("deadlines that are late take turns, and one of this moment goes before those that wait", async () => {
  const world = new World(1);
  const { ports } = new SimProcess(new SimServer(world), "p");
  let due: (payload: string) => Promise<void> = () => Promise.resolve();
  const timers = {
    ...ports.timers,
    onDue: async (handler: typeof due) => {
      due = handler;
      return () => undefined;
    },
  };
  const coverage = new Coverage(0);
  const own = { ...ports, timers };
  const board = new Board(registry, views, own, coverage);
  const host = new Host(registry, own, board, coverage, hostDefaults("h", 1));
  new Client(own, { ...clientDefaults, partitions: 1 }, host);
  const asked: string[] = [];
  host.reachOthersBy((to) => {
    asked.push(to.id);
    return new Promise(() => undefined);
  });
  let started = false;
  void host.start().then(() => {
    started = true;
  });
  await world.run(() => started, 60_000);

  const ring = (id: string, lateMs: number) => {
    const at = new Date(ports.clock.now() - lateMs).toISOString();
    void due(JSON.stringify({ kind: "incident", id, name: "n", at, command: { type: "autoEscalate", due: at } })).catch(
      () => undefined,
    );
  };
  for (let n = 0; n < 100; n++) ring(`late-${n}`, 3_600_000);
  ring("now", 0);
  expect(asked).toEqual(["late-0", "late-1", "late-2", "late-3", "now"]);
  // None of them is answered: each gives its turn on after a while.
  await world.run(() => asked.length === 9, 120_000);
  expect(asked.slice(5)).toEqual(["late-4", "late-5", "late-6", "late-7"]);
  host.crash();
});
