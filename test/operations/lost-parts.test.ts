import { jetstreamManager } from "@nats-io/jetstream";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { NatsServer } from "../../commands/node/nats-server.ts";
import { type NatsPorts, openNats } from "../../runtime/nats/open.ts";
import type { JournalEntry } from "../../runtime/ports/index.ts";
import { systemClock, systemIds } from "../../runtime/ports/system.ts";
import { silent } from "../../runtime/sim/process.ts";
import { streams } from "../../schema/subjects.ts";
import { smoke, TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

const incidents = "/api/v1/incidents";
const INCIDENTS = 5;

let dataDir: string;
let ids: readonly string[];
let numbers: readonly string[];

/** Every part of it is written when it is stopped. */
beforeEach(async () => {
  const before = await TestServer.start();
  ids = [];
  for (let n = 0; n < INCIDENTS; n++) ids = [...ids, await before.newIncident({ priority: 2 })];
  const { body } = await before.get(incidents);
  numbers = body.items.map(({ incidentNumber }: { incidentNumber: string }) => incidentNumber);
  ({ dataDir } = before);
  await before.stop(true);
});

/** What an accident does, while no node runs. */
async function tamper(how: (ports: NatsPorts) => Promise<void>): Promise<void> {
  const binary = process.env["NATS_SERVER"] ?? "nats-server";
  const nats = new NatsServer({ binary, dataDir, port: 0, sync: true }, silent);
  await nats.start();
  try {
    const ports = await openNats({ url: nats.url, replicas: 1 }, systemClock, systemIds, silent);
    await how(ports);
    await ports.close();
  } finally {
    await nats.stop();
  }
}

const deleteStream = (name: string) =>
  tamper(async ({ connection }) => void (await (await jetstreamManager(connection.nc)).streams.delete(name)));

async function started(environment: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const server = await TestServer.start(environment, dataDir);
  onTestFinished(() => server.stop());
  return server;
}

const listed = async (server: TestServer) =>
  (await server.get(incidents)).body.items.map(({ id }: { id: string }) => id);

describe("a node that finds a part of its data gone", () => {
  it("does not start without the keys of channels, unless the messages are given up", async () => {
    const messages = `/api/v1/channels/${ids[0]}/messages`;
    const before = await started();
    await before.reacted();
    expect((await before.post(messages, { body: "lost" })).status).toBe(201);
    await before.stop(true);
    await deleteStream("KV_keys");
    await expect(TestServer.start({}, dataDir)).rejects.toThrow('the bucket "keys" is gone');
    const after = await started({ MASTER_KEY_LOST: "go-on" });
    expect((await after.post(messages, { body: "new" })).status).toBe(201);
    expect((await after.get(messages)).body.items).toMatchObject([{ body: "new" }, { body: null, unreadable: true }]);
  });

  it("makes lost snapshots again from the journal, and shows everything", async () => {
    await deleteStream("KV_state");
    const after = await started();
    expect(await listed(after)).toEqual([...ids].reverse());
    expect((await after.patch(`${incidents}/${ids[0]}`, { title: "T" })).status).toBe(200);
    await until("every actor has its snapshot", async () => {
      const snapshots = await Promise.all(ids.map((id) => after.node.ports.state.get(`incident.${id}`)));
      return snapshots.every((snapshot) => snapshot !== undefined);
    });
  });

  it("sees that some of the snapshots are gone, too", async () => {
    await tamper(({ state }) => state.delete(`incident.${ids[2]}`));
    expect(await listed(await started())).toEqual([...ids].reverse());
  });

  it("gives no number twice when the counters are gone", async () => {
    await deleteStream(streams.numbers.name);
    const after = await started();
    const { body } = await after.post(incidents, smoke);
    expect(numbers).not.toContain(body.incidentNumber);
    expect(body.incidentNumber.endsWith(`-00000${INCIDENTS + 1}`)).toBe(true);
  });

  it("sets deadlines again when their stream is gone", async () => {
    const timers = async ({ connection }: NatsPorts) =>
      (await (await jetstreamManager(connection.nc)).streams.info(streams.timers.name)).state.messages;
    let before = 0;
    await tamper(async (ports) => {
      before = await timers(ports);
    });
    expect(before).toBeGreaterThanOrEqual(INCIDENTS);
    await deleteStream(streams.timers.name);
    expect(await timers((await started()).node.ports)).toBe(before);
  });
});

describe("a journal that has lost its end", () => {
  const KEPT = 3;
  beforeEach(async () => {
    let entries: readonly JournalEntry[] = [];
    await tamper(async (ports) => {
      entries = await ports.journal.read("evt.*.incident.*", 0);
    });
    await deleteStream(streams.events.name);
    await tamper(async ({ journal }) => {
      for (const { subject, payload } of entries.slice(0, KEPT)) {
        expect((await journal.append([{ subject, payload, expectedSequence: 0 }])).ok).toBe(true);
      }
    });
  });

  it("is refused, with what was seen and what can be done", async () => {
    const refusal = TestServer.start({}, dataDir);
    await expect(refusal).rejects.toThrow(
      new RegExp(`ends at sequence ${KEPT}, but the snapshot of \\S+ has seen \\d+: .*SHORTENED_JOURNAL=accept`),
    );
  });

  it("is taken for the truth when its operator says so: the rest is forgotten, and work goes on", async () => {
    const after = await started({ SHORTENED_JOURNAL: "accept" });
    expect(await listed(after)).toEqual(ids.slice(0, KEPT).reverse());
    expect((await after.get(`${incidents}/${ids[KEPT]}`)).status).toBe(404);
    expect((await after.patch(`${incidents}/${ids[0]}`, { title: "T" })).status).toBe(200);
    expect((await after.post(incidents, smoke)).status).toBe(201);
    await after.reacted();
    for (const id of ids.slice(0, KEPT)) expect((await after.get(`/api/v1/channels/${id}`)).status).toBe(200);
    await after.stop(true);
    expect(await listed(await started())).toHaveLength(KEPT + 1);
  });
});
