import { jetstreamManager } from "@nats-io/jetstream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stateKey, streams } from "../../schema/subjects.ts";
import type { Api } from "../support/api.ts";
import { Cluster } from "../support/cluster.ts";
import { until } from "../support/until.ts";

/** How long an incident of this priority may wait for a unit, see actors/incident/escalation.ts. */
const PRIORITY = 3;
const WAIT_MS = 15 * 60_000;
/** Time enough to kill its host before. */
const DUE_IN_MS = 4_000;

let cluster: Cluster;
beforeEach(async () => {
  cluster = await Cluster.start();
});
afterEach(() => cluster.stop());

/** How many messages the server holds under a subject of the deadlines. */
async function timers(subject: string): Promise<number> {
  const jsm = await jetstreamManager(cluster.ports.connection.nc);
  const { state } = await jsm.streams.info(streams.timers.name, { subjects_filter: subject });
  return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
}

const armedOf = (id: string) => `timer.set.incident.${id}.>`;
/** What rang is there until a host answers it. */
const ringOf = (id: string) => `timer.due.*.incident.${id}`;

/** Deadlines are written before the snapshot, so that it covers them. */
async function isArmed(id: string): Promise<boolean> {
  const snapshot = await cluster.ports.state.get(stateKey({ kind: "incident", id }));
  return snapshot !== undefined || (await timers(armedOf(id))) + (await timers(ringOf(id))) > 0;
}

async function escalations(through: Api, id: string): Promise<readonly object[]> {
  const { body } = await through.get(`/api/v1/incidents/${id}/timeline`);
  return body.items.filter(({ type }: { type: string }) => type === "incident.escalated");
}

const once = [
  expect.objectContaining({
    by: "system:deadline",
    data: expect.objectContaining({ from: PRIORITY, to: PRIORITY - 1 }),
  }),
];

describe("a deadline whose host dies", () => {
  it("rings while no host lives, and is obeyed once by the next one, however often it rings or that one starts", async () => {
    const first = await cluster.host("first");
    // To everyone else, what it makes has waited for almost as long as it may.
    first.start(WAIT_MS - DUE_IN_MS);
    await first.ready();
    const id = await first.newIncident({ priority: PRIORITY });
    await until("the server knows of the deadline", async () => (await timers(armedOf(id))) === 1);
    await first.kill("SIGKILL");
    await until("it rings, and nobody hears", async () => (await timers(ringOf(id))) === 1);
    const jsm = await jetstreamManager(cluster.ports.connection.nc);
    const ring = await jsm.streams.getMessage(streams.timers.name, { last_by_subj: ringOf(id) });

    const second = await cluster.host("second");
    second.start();
    await second.ready();
    await until("the incident is escalated", async () => (await escalations(second, id)).length > 0);
    await until("the ring is answered", async () => (await timers(ringOf(id))) === 0);
    await second.kill("SIGKILL");
    await cluster.ports.connection.publish(ring!.subject, ring!.string());
    expect(await timers(ringOf(id))).toBe(1);

    second.start();
    await second.ready();
    await until("the second ring is answered", async () => (await timers(ringOf(id))) === 0);
    expect(await escalations(second, id)).toEqual(once);
  });

  it("is not forgotten although its host died before the server knew of it", async () => {
    const first = await cluster.host("first");
    // Deadlines are told to the server a moment after the answer: the host has to die within that.
    let id: string;
    do {
      first.start(WAIT_MS);
      await first.ready();
      id = await first.newIncident({ priority: PRIORITY });
      await first.kill("SIGKILL");
    } while (await isArmed(id));

    const second = await cluster.host("second");
    second.start();
    await second.ready();
    await until("the incident is escalated", async () => (await escalations(second, id)).length > 0);
    await until("the ring is answered", async () => (await timers(ringOf(id))) === 0);
    expect(await escalations(second, id)).toEqual(once);
  });
});
