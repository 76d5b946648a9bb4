import { describe, expect, it } from "vitest";
import { registry } from "../../actors/registry.ts";
import { Cell, type CellHost, type CellReply } from "../../runtime/cell.ts";
import { Client } from "../../runtime/client.ts";
import type { Host } from "../../runtime/host.ts";
import { applyEntry, blankImage } from "../../runtime/image.ts";
import { type Command, failure, type Message } from "../../runtime/messages.ts";
import { SimProcess } from "../../runtime/sim/process.ts";
import { SimServer } from "../../runtime/sim/server.ts";
import { World } from "../../runtime/sim/world.ts";
import { systemPrincipal } from "../../schema/principal.ts";
import type { Address } from "../../schema/subjects.ts";
import { loneHost, outcomeIn } from "./lone-host.ts";

const KEY: Address = { kind: "alertkey", id: "k1" };
const claim = (alertId: string): Command => ({
  type: "claim",
  agencyId: "sim",
  alertId,
  at: "2026-01-01T00:00:00.000Z",
});

/** The same, with its alert. */
const opening = (alertId: string): Command => ({ ...claim(alertId), first: { record: {}, intake: {} } });

describe("what nobody here has heard of", () => {
  it("is not looked up before the first thing happens to it", async () => {
    const { newCell, reads } = world();
    expect(await newCell().tell("c1", claim("a1"))).toMatchObject({ ok: true, version: 1 });
    expect(reads).toEqual([]);
  });

  it("goes on from what another host has done, should it be there after all", async () => {
    const { newCell, folded } = world();
    await newCell().tell("c1", { type: "replace", agencyId: "sim", by: "k2" });
    expect(await newCell().tell("c2", claim("a1"))).toMatchObject({ ok: true, version: 2 });
    expect(folded()).toMatchObject({ version: 2, state: { alertId: "a1", replacedBy: "k2" } });
  });

  it("does once what it is told twice, by two hosts", async () => {
    const { newCell, server } = world();
    await newCell().tell("c1", claim("a1"));
    expect(await newCell().tell("c1", claim("a1"))).toMatchObject({ ok: true, version: 1, replayed: true });
    expect(server.journal.entries).toHaveLength(1);
  });

  it("answers that there is nothing to do, and refuses, only by what it is", async () => {
    const { newCell } = world();
    await newCell().tell("c1", claim("a1"));
    // Of one that is not there yet, this would be another's place taken; of this one, it is nothing.
    expect(await newCell().tell("c2", claim("a2"))).toMatchObject({ ok: true, state: { alertId: "a1" } });
  });

  it("leads others in a commit without being looked up", async () => {
    const { newCell, reads, server } = world();
    const others: CellHost["send"] = async (to, { op }) => {
      const append = { subject: `evt.sim.${to.kind}.${to.id}`, payload: "{}", expectedSequence: 0 };
      return { ok: true, state: {}, version: 0, sequence: 0, ...(op === "prepare" ? { append } : {}) };
    };
    expect(await newCell(others).tell("c1", opening("a1"))).toMatchObject({ ok: true, version: 1 });
    expect(server.journal.entries.map(({ subject }) => subject)).toEqual(["evt.sim.alertkey.k1", "evt.sim.alert.a1"]);
    expect(reads).toEqual([]);
  });

  it("looks whether it has led them before, when they refuse to take part", async () => {
    const { newCell } = world();
    await newCell().tell("c1", claim("a1"));
    const refusing: CellHost["send"] = async () => failure("alert_over", "it was resolved long ago");
    expect(await newCell(refusing).tell("c1", opening("a1"))).toMatchObject({ ok: true, version: 1, replayed: true });
    expect(await newCell(refusing).tell("c2", opening("a1"))).toMatchObject({ ok: true, state: { alertId: "a1" } });
  });

  it("does not ask those again and again who have taken part before: it looks at once", async () => {
    const { newCell, sim, server } = world();
    await newCell().tell("c1", claim("a1"));
    const tookPart = { reachOthersBy: () => undefined, deliverOwn: async () => failure("contended", "before") };
    const { ports } = new SimProcess(server, "client");
    // Of a host, the client needs but these.
    const client = new Client(ports, { partitions: 1, timeoutMs: 10_000 }, tookPart as unknown as Host);
    const beganMs = sim.nowMs;
    const reply = await newCell((to, message) => client.send(to, message)).tell("c1", opening("a1"));
    expect(reply).toMatchObject({ ok: true, version: 1, replayed: true });
    expect(sim.nowMs - beganMs).toBeLessThan(1_000);
  });

  it("takes part in another's commit only where it is new", async () => {
    const { newCell, append } = world();
    await newCell().tell("c1", claim("a1"));
    const late = newCell();
    const prepare = (attempt: string): Message => ({
      ...from,
      ...{ op: "prepare", commandId: "c2", attempt, command: claim("a2"), at: "2026-01-01T00:00:01.000Z" },
    });
    const vote = await late.deliver(prepare("first"));
    expect(await append(vote)).toEqual({ ok: false });
    await late.deliver({ ...from, op: "settle", attempt: "first" });
    expect(await late.deliver(prepare("second"))).toMatchObject({ ok: true, version: 1, state: { alertId: "a1" } });
  });
});

const from = { by: systemPrincipal("alerts"), requestId: "r" };

/** Hosts that have heard of nothing, on one server. */
function world() {
  const sim = new World(1);
  const server = new SimServer(sim);
  const definition = registry.get(KEY.kind)!;
  const reads: string[] = [];
  const during = <T>(promise: Promise<T>) => outcomeIn(sim, promise);
  let hosts = 0;
  const newCell = (send?: CellHost["send"]) => {
    const { ports } = new SimProcess(server, `h${hosts++}`);
    const { state, journal } = ports;
    state.get = told(reads, state.get.bind(state));
    journal.read = told(reads, journal.read.bind(journal));
    const cell = new Cell(definition, KEY, 0, { ...loneHost(ports, true), ...(send && { send }) });
    const deliver = (message: Message): Promise<CellReply> => during(cell.deliver(message));
    const tell = (commandId: string, command: Command) => deliver({ ...from, op: "command", commandId, command });
    return { deliver, tell };
  };
  const folded = () =>
    server.journal.entries.reduce((image, entry) => applyEntry(definition, image, entry), blankImage(definition));
  const append = (vote: CellReply) => during(server.journal.append([vote.append!]));
  return { newCell, sim, server, folded, reads, append };
}

/** The same, which tells what it was asked for. */
function told<Args extends readonly unknown[], Answer>(reads: string[], read: (...args: Args) => Answer) {
  return (...args: Args): Answer => {
    reads.push(String(args[0]));
    return read(...args);
  };
}
