import { describe, expect, it } from "vitest";
import { type Ports, UncertainOutcome } from "../../runtime/ports/index.ts";
import { type AlertContent, defaultAlertPolicy } from "../../schema/alert.ts";
import { reportsIn } from "../../schema/intake.ts";
import { AlertIntake, type Report } from "./intake.ts";

const content: AlertContent = {
  ...{ type: "smoke", severity: "low", title: "t", description: null, nature: "actual", deviceId: null },
  ...{ location: null, areas: [], labels: {}, details: {}, occurredAt: null, expiresAt: null },
};
const report = (dedupKey: string, scope = "s", severity: AlertContent["severity"] = "low"): Report => ({
  ...{ agencyId: "a", source: { scope, name: scope }, policy: defaultAlertPolicy, by: "b", requestId: "r" },
  ...{ action: "trigger", nature: "actual", dedupKey, content: { ...content, severity } },
});

type Append = Ports["intake"]["append"];
type AppendOnce = Ports["intake"]["appendOnce"];

/** With an intake that holds every write until it is told how that has gone. */
function taking() {
  const writes: { messages: string[]; keep(): void; lose(): void }[] = [];
  const append: Append = (entries) =>
    new Promise((resolve, reject) => {
      const messages = entries.map(({ subject, payload }) => {
        const keys = reportsIn(1, payload).map(({ record }) => record!.dedupKey);
        return `${subject}: ${keys.join(" ")}`;
      });
      writes.push({ messages, keep: () => resolve([]), lose: () => reject(new UncertainOutcome("lost")) });
    });
  const known = new Set<string>();
  const appendOnce: AppendOnce = async (entries) => {
    if (entries.some(({ id }) => known.has(id))) return { ok: false };
    for (const { id } of entries) known.add(id);
    return { ok: true, sequences: [] };
  };
  let ids = 0;
  const ports = {
    clock: { soon: (task: () => void) => queueMicrotask(task), monotonicMs: () => 0 },
    ids: { uuidV7: () => `id-${ids++}` },
    intake: { append, appendOnce },
    // Of the ports the intake needs but these, and of the board what it shows: nothing.
  } as unknown as Ports;
  const intake = new AlertIntake(ports, { get: () => undefined }, 24);
  const take = (...reports: readonly Report[]) =>
    intake.take(reports).then(
      (receipts) => receipts.map(({ dedupKey }) => dedupKey).join(" "),
      () => "lost",
    );
  return { writes, known, take, intake };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("the intake", () => {
  it("keeps what comes while it writes as one message of each subject", async () => {
    const { writes, take, intake } = taking();
    const first = [take(report("0"))];
    await turn();
    first.push(take(report("1")));
    await turn();
    const others = [take(report("2")), take(report("3"), report("4")), take(report("5", "other"))];
    await turn();
    expect(writes.map(({ messages }) => messages)).toEqual([["alert.in.a.s: 0"], ["alert.in.a.s: 1"]]);
    writes[0]!.keep();
    await turn();
    expect(writes.slice(2).map(({ messages }) => messages)).toEqual([["alert.in.a.s: 2 3 4"], ["alert.in.a.other: 5"]]);
    for (const { keep } of writes) keep();
    expect(await Promise.all([...first, ...others])).toEqual(["0", "1", "2", "3 4", "5"]);
    expect(intake.figures.alertReportsAccepted).toBe(6);
  });

  it("loses with a message those alone that are in it", async () => {
    const { writes, take } = taking();
    const both = [take(report("1")), take(report("2", "other"))];
    await turn();
    writes[0]!.lose();
    writes[1]!.keep();
    expect(await Promise.all(both)).toEqual(["lost", "2"]);
  });

  it("keeps the reports of one sender all or none: where they are several messages, in one batch", async () => {
    const { writes, take } = taking();
    const all = [take(report("1"), report("2", "s", "critical")), take(report("3"))];
    await turn();
    expect(writes.map(({ messages }) => messages)).toEqual([["alert.in.a.s: 1 3", "alert.urgent.a.s: 2"]]);
    writes[0]!.lose();
    expect(await Promise.all(all)).toEqual(["lost", "lost"]);
  });

  it("never keeps an urgent report in one message with others", async () => {
    const { writes, take } = taking();
    void take(report("1"));
    void take(report("2", "s", "critical"));
    await turn();
    expect(writes.map(({ messages }) => messages)).toEqual([["alert.urgent.a.s: 2"], ["alert.in.a.s: 1"]]);
  });

  it("keeps what may be repeated once, each under an id of its own, and counts it once", async () => {
    const { known, intake } = taking();
    const repeat = { id: "request", ids: [{ id: "first", incidentId: "i" }] };
    const send = () => intake.take([report("1"), report("2", "s", "critical")], repeat);
    const [receipt] = await send();
    expect(receipt).toEqual({ id: "first", dedupKey: "1" });
    expect((await send())[0]).toEqual(receipt);
    expect([...known]).toEqual(["request-0", "request-1"]);
    expect(intake.figures.alertReportsAccepted).toBe(2);
  });

  it("has nothing to keep where nothing is reported", async () => {
    const { writes, take } = taking();
    expect(await take()).toBe("");
    expect(writes).toEqual([]);
  });
});
