import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { type IntakeRecord, type Lane, lanes } from "../../schema/alert.ts";
import { reportsIn } from "../../schema/intake.ts";
import { subjects } from "../../schema/subjects.ts";
import { oracle } from "../simulation/alerts.ts";
import type { Api } from "../support/api.ts";
import { Cluster } from "../support/cluster.ts";
import { until } from "../support/until.ts";

const SENDERS = 8;
const REPORTS = 40;
/** The clock of one host runs behind by more than alerts without a key hold. */
const BEHIND_MS = 7 * 60_000;

/** What the intake holds, in its order: the only truth about what was reported. */
async function kept(cluster: Cluster, lane: Lane) {
  const records: { readonly record: IntakeRecord; readonly atMs: number }[] = [];
  let behind = 1;
  const stop = await cluster.ports.intake.follow(subjects.intakeOf(lane), 0, async (entry) => {
    const { sequence, payload, atMs, pending } = entry;
    for (const { record } of reportsIn(sequence, payload)) records.push({ record: record!, atMs });
    behind = pending;
  });
  await until(`all of ${lane} is read`, () => behind === 0);
  stop();
  return records;
}

it("reports are counted as they were kept, and incidents made once, while hosts are killed and their clocks differ", {
  timeout: 180_000,
}, async () => {
  const cluster = await Cluster.start();
  const hosts = [await cluster.host("a"), await cluster.host("b")];
  const behind = [0, BEHIND_MS];
  for (const [index, host] of hosts.entries()) host.start(behind[index]);
  await Promise.all(hosts.map((host) => host.ready()));
  const [a] = hosts;

  /** Until somebody says that it is kept; then, and before, it may be there more than once only under another key. */
  const send = async (report: object): Promise<void> => {
    const key = { "idempotency-key": randomUUID() };
    for (let attempt = 0; ; attempt++) {
      const through: Api = hosts[attempt % 2]!;
      const answer = await through.post("/api/v1/alerts", report, key).catch(() => undefined);
      if (answer?.status === 202) return;
      // As a sender would: the other host is asked next, which takes over only when the lease of the dead one has run out.
      await new Promise((again) => setTimeout(again, 50));
    }
  };
  const sender = async (name: string) => {
    for (let index = 0; index < REPORTS; index++) {
      const dedupKey = `${name}-${index % 3}`;
      const action = index % 7 === 6 ? "resolve" : index % 5 === 4 ? "acknowledge" : "trigger";
      await send(
        action === "trigger" ? { type: "smoke", severity: "low", title: name, dedupKey } : { action, dedupKey },
      );
      // Of the other lane, so that the order of the first stays the only one.
      if (index % 10 === 0) await send({ type: "fire", severity: "critical", title: name, dedupKey: `${name}-fire` });
    }
  };
  let isSent = false;
  const sent = Promise.all(Array.from({ length: SENDERS }, (_, index) => sender(`s${index}`))).then(() => {
    isSent = true;
  });
  for (let kill = 0; kill < 4 && !isSent; kill++) {
    const index = kill % 2;
    const before = (await kept(cluster, "normal")).length;
    await until("some more is kept", async () => isSent || (await kept(cluster, "normal")).length > before + 20);
    await hosts[index]!.kill("SIGKILL");
    hosts[index]!.start(behind[index]);
    await hosts[index]!.ready();
  }
  await sent;

  const reports = (await Promise.all(lanes.map((lane) => kept(cluster, lane)))).flat();
  expect(reports.length).toBeGreaterThanOrEqual(SENDERS * (REPORTS + REPORTS / 10));
  const keys = new Set(reports.map(({ record }) => record.dedupKey));
  const expected = [...keys].sort().map((key) => ({
    key,
    alerts: oracle(reports.filter(({ record }) => record.dedupKey === key)).map(({ count, status }) => ({
      count,
      status,
    })),
  }));
  const found = async () =>
    Promise.all(
      [...keys].sort().map(async (key) => {
        const { items } = (await a!.get(`/api/v1/alerts?dedupKey=${key}&limit=500`)).body;
        // Ids are made by the clock of whoever accepted a report; the intake has one clock alone.
        const shown = (items as { count: number; status: string; firstSeenAt: string }[]).sort((one, other) =>
          one.firstSeenAt < other.firstSeenAt ? -1 : 1,
        );
        return { key, alerts: shown.map(({ count, status }) => ({ count, status })) };
      }),
    );
  await until("all is done", async () => JSON.stringify(await found()) === JSON.stringify(expected)).catch(
    () => undefined,
  );
  expect(await found()).toEqual(expected);
  await until("each fire has its incident", async () => {
    return (await a!.get("/api/v1/incidents?type=fire&limit=500")).body.items.length >= SENDERS;
  });
  const { items } = (await a!.get("/api/v1/incidents?type=fire&limit=500")).body;
  expect(new Set(items.map(({ sourceAlertId }: { sourceAlertId: string }) => sourceAlertId)).size).toBe(items.length);
  expect(items).toHaveLength(SENDERS);
  await cluster.stop();
});
