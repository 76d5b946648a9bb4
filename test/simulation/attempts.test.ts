import { expect, it } from "vitest";
import { registry } from "../../actors/registry.ts";
import { Cell } from "../../runtime/cell.ts";
import { applyEntry, blankImage } from "../../runtime/image.ts";
import type { Message, Reply } from "../../runtime/messages.ts";
import { SimProcess } from "../../runtime/sim/process.ts";
import { SimServer } from "../../runtime/sim/server.ts";
import { World } from "../../runtime/sim/world.ts";
import type { Principal } from "../../schema/principal.ts";
import { loneHost, outcomeIn } from "./lone-host.ts";
import { newUnit } from "./scenario.ts";

const dispatcher: Principal = { subject: "dispatcher", agencies: ["sim"], roles: ["supervisor"] };
const from = { by: dispatcher, requestId: "r" };

/** As seed 5248 showed it: a leader that lost its lease commits late, while its command is being tried again by the next one. */
it("who votes for a second attempt at a command is not taken in by the outcome of the first", async () => {
  const world = new World(1);
  const server = new SimServer(world);
  const { ports } = new SimProcess(server, "h1");
  const [address, create] = newUnit("u1");
  const unit = registry.get("resource")!;
  const cell = new Cell(unit, address, 0, loneHost(ports));
  const answered = <T>(promise: Promise<T>) => outcomeIn(world, promise);
  const tell = (message: Message) => answered(cell.deliver(message));
  const vote = (attempt: string, second: number) => {
    const command = { type: "hold", incidentId: "i1", resourceType: "vehicles" };
    const at = `2026-01-01T00:00:0${second}.000Z`;
    return tell({ ...from, op: "prepare", commandId: "assign", attempt, command, at });
  };
  const ok = (reply: Reply) => expect(reply).toMatchObject({ ok: true });

  ok(await tell({ ...from, op: "command", commandId: "create", command: create }));
  const first = await vote("first", 1);
  await tell({ ...from, op: "settle", attempt: "first" });
  await vote("second", 2);
  const late = await answered(ports.journal.append([first.append!]));
  if (!late.ok) throw new Error("the first leader's commit was to succeed");
  await tell({ ...from, op: "settle", attempt: "first", sequence: late.sequences[0]! });
  await tell({ ...from, op: "settle", attempt: "second" });

  ok(
    await tell({
      ...from,
      op: "command",
      commandId: "update",
      command: { type: "update", changes: { name: "Engine 1" } },
    }),
  );
  expect(server.journal.entries).toHaveLength(3);
  // Each follows the one before it by version and hash: it would throw.
  const { version } = server.journal.entries.reduce((image, entry) => applyEntry(unit, image, entry), blankImage(unit));
  expect(version).toBe(3);
});
