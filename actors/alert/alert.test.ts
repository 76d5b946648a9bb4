import { describe, expect, it } from "vitest";
import { specificationOf } from "../../runtime/testing/given.ts";
import type { AlertCommand, AlertContent, AlertEvent, IntakePlace, IntakeRecord } from "../../schema/alert.ts";
import { classifyAsSaid } from "./classification.ts";
import { alert } from "./definition.ts";
import { fingerprintOf } from "./fingerprint.ts";

const given = specificationOf<AlertCommand, AlertEvent>(alert, "al");

const smoke: AlertContent = {
  type: "smoke",
  severity: "low",
  title: "Smoke in the lift",
  description: null,
  nature: "actual",
  deviceId: "d1",
  location: null,
  areas: [],
  labels: {},
  details: {},
  occurredAt: null,
  expiresAt: null,
};
const T0 = Date.parse("2026-01-01T00:00:00.000Z");
const place = (sequence: number, afterMs = 0, lane: "normal" | "urgent" = "normal"): IntakePlace => ({
  lane,
  sequence,
  at: new Date(T0 + afterMs).toISOString(),
});
type Triggering = IntakeRecord & { readonly content: AlertContent };
const record = (more: Partial<Triggering> = {}): Triggering => ({
  v: 1,
  id: "al",
  incidentId: "in",
  agencyId: "a",
  source: { scope: "api-api", name: "api" },
  by: "somebody",
  requestId: "r",
  action: "trigger",
  dedupKey: "k",
  keyMade: false,
  nature: "actual",
  policy: { incidentFrom: "high", autoResolveAfterMs: null },
  content: smoke,
  ...more,
});
const receive = (intake: IntakePlace, more: Partial<Triggering> = {}, seenBefore = {}): AlertCommand => {
  const it = record(more);
  return { type: "receive", record: it, intake, classification: classifyAsSaid(it.content), seenBefore };
};
const received = (more: Partial<Triggering> = {}): AlertEvent[] => [
  { type: "alert.received", record: record(more), intake: place(10), seenBefore: {} },
  { type: "alert.classified", classification: classifyAsSaid(smoke) },
  { type: "alert.opened" },
];
const source = { scope: "api-api", name: "api" };

describe("an alert", () => {
  it("is received, classified and open in one step", () => {
    expect(given().when(receive(place(10))).types).toEqual(["alert.received", "alert.classified", "alert.opened"]);
  });

  it("counts another report of its key, and does not count one that was delivered before", () => {
    const once = given(...received());
    expect(once.when(receive(place(11))).types).toEqual(["alert.repeated"]);
    expect(once.when(receive(place(10))).types).toEqual([]);
    const twice = given(...received(), { type: "alert.repeated", intake: place(11), by: "other" });
    expect(twice.state).toMatchObject({ count: 2, sources: ["somebody", "other"], lastSeenAt: place(11).at });
    expect(twice.when(receive(place(11))).types).toEqual([]);
  });

  it("knows what each lane has delivered by itself", () => {
    expect(given(...received()).when(receive(place(9, 0, "urgent"))).types).toEqual(["alert.repeated"]);
  });

  it("that is over refuses, and tells what was done of its key", () => {
    for (const end of [{ type: "alert.resolved" }, { type: "alert.dismissed", reason: "steam" }] as AlertEvent[]) {
      const { decision, refused } = given(...received(), end).when(receive(place(11)));
      expect(refused).toBe("alert_over");
      expect(decision).toMatchObject({ data: { seen: { normal: 10 } } });
      // But a report that it had before is done, not another alert's.
      expect(given(...received(), end).when(receive(place(10))).types).toEqual([]);
    }
  });

  it("does not begin anew by a report that was done of its key before it was", () => {
    expect(given().when(receive(place(10), {}, { normal: 10 })).types).toEqual([]);
    expect(given().when(receive(place(10), {}, { normal: 9, urgent: 20 })).types).toHaveLength(3);
  });

  it("without a key of its sender's takes what comes within five minutes of the last report, to the millisecond", () => {
    const made = { keyMade: true };
    const once = given(...received(made));
    expect(once.when(receive(place(11, 300_000), made)).types).toEqual(["alert.repeated"]);
    expect(once.when(receive(place(11, 300_001), made)).refused).toBe("alert_over");
    const later: AlertEvent = { type: "alert.repeated", intake: place(11, 200_000), by: "b" };
    expect(given(...received(made), later).when(receive(place(12, 500_000), made)).types).toEqual(["alert.repeated"]);
    // With a key it goes on for as long as it is open.
    expect(given(...received()).when(receive(place(11, 9e8))).types).toEqual(["alert.repeated"]);
  });

  it("takes what is new of a later report, keeps what that does not say, and is classified again", () => {
    const worse = { content: { ...smoke, severity: "critical" as const, deviceId: null, title: "Fire in the lift" } };
    const { events } = given(...received()).when(receive(place(11), worse));
    expect(events).toMatchObject([
      {
        type: "alert.repeated",
        changes: { severity: "critical", title: "Fire in the lift" },
        was: { severity: "low", title: "Smoke in the lift" },
      },
      { type: "alert.classified", classification: { severity: "critical", priority: 1 } },
    ]);
  });

  it("counts what was sent before it was raised anew and comes later, and is not told by it how it was", () => {
    const worse = { ...smoke, severity: "critical" as const, title: "Fire in the lift" };
    const raised = given(
      ...received(),
      ...given(...received()).when(receive(place(30, 2_000, "urgent"), { content: worse })).events!,
    );
    const late = raised.when(receive(place(20, 1_000)));
    expect(late.events).toEqual([{ type: "alert.repeated", intake: place(20, 1_000), by: "somebody" }]);
  });

  it("is acknowledged once, also by its source; its source resolves it", () => {
    const once = given(...received());
    expect(once.when({ type: "acknowledge" }).types).toEqual(["alert.acknowledged"]);
    expect(once.when({ type: "sourceAcknowledge", source, intake: place(11) }).types).toEqual(["alert.acknowledged"]);
    const taken = given(...received(), { type: "alert.acknowledged" });
    expect(taken.when({ type: "acknowledge" }).types).toEqual([]);
    expect(taken.when({ type: "sourceResolve", source, intake: place(11) }).types).toEqual(["alert.resolved"]);
    expect(taken.when({ type: "dismiss", reason: "steam" }).types).toEqual(["alert.dismissed"]);
    expect(given(...received(), { type: "alert.resolved" }).when({ type: "acknowledge" }).refused).toBe(
      "transition_not_allowed",
    );
  });

  it("is not resolved by what was sent before it was raised again, though it comes by a slower lane", () => {
    const raised: AlertEvent = { type: "alert.repeated", intake: place(30, 0, "urgent"), by: "b" };
    const { types } = given(...received(), raised).when({ type: "sourceResolve", source, intake: place(20) });
    expect(types).toEqual([]);
  });

  it("makes one incident in its life, in the commit that attaches it", () => {
    const make: AlertCommand = {
      type: "makeIncident",
      incidentNumber: "A-1",
      fields: {} as never,
      reportedById: "b",
    };
    const { events, joins } = given(...received()).when(make);
    expect(events).toEqual([{ type: "alert.attached", incidentId: "in", made: true }]);
    expect(joins).toMatchObject([
      {
        to: { kind: "incident", id: "in" },
        command: { type: "create", sourceAlertId: "al", agencyId: "a", incidentNumber: "A-1" },
      },
    ]);
    const attached: AlertEvent = { type: "alert.attached", incidentId: "in", made: true };
    const detached: AlertEvent = { type: "alert.detached", incidentId: "in" };
    expect(given(...received(), attached).when(make).types).toEqual([]);
    expect(given(...received(), attached, detached).when(make).types).toEqual([]);
    expect(given(...received(), { type: "alert.resolved" }).when(make).types).toEqual([]);
  });

  it("tells its incident what becomes of it, and of changes that matter there", () => {
    const attached = [...received(), { type: "alert.attached", incidentId: "in", made: true } as const];
    const told = (command: AlertCommand) =>
      given(...attached)
        .when(command)
        .joins.map((one) => one.command);
    expect(told({ type: "sourceResolve", source, intake: place(11) })).toMatchObject([
      { type: "noteAlert", alertId: "al", what: "resolved" },
    ]);
    expect(told({ type: "dismiss", reason: "steam" })).toMatchObject([{ what: "dismissed", reason: "steam" }]);
    expect(told(receive(place(11)))).toEqual([]);
    expect(told(receive(place(11), { content: { ...smoke, description: "12 %" } }))).toEqual([]);
    expect(told(receive(place(11), { content: { ...smoke, title: "Fire" } }))).toMatchObject([{ what: "updated" }]);
  });

  it("is with one incident at a time", () => {
    const attached = given(...received(), { type: "alert.attached", incidentId: "in", made: false });
    expect(attached.when({ type: "attach", incidentId: "in" }).types).toEqual([]);
    expect(attached.when({ type: "attach", incidentId: "other" }).refused).toBe("already_attached");
    expect(attached.when({ type: "detach" }).joins).toMatchObject([{ command: { type: "detachAlert" } }]);
    expect(given(...received()).when({ type: "detach" }).refused).toBe("not_attached");
  });

  it("of a sender's own system is kept as received, and nothing comes of it", () => {
    for (const nature of ["system", "draft"] as const) {
      const content = { ...smoke, nature };
      expect(given().when(receive(place(10), { nature, content })).types).toEqual(["alert.received"]);
    }
    for (const nature of ["exercise", "test"] as const) {
      expect(given().when(receive(place(10), { nature, content: { ...smoke, nature } })).types).toHaveLength(3);
    }
  });

  it("ends by itself after a silence, counted from the last report, and when its sender said that it would", () => {
    const policy = { incidentFrom: null, autoResolveAfterMs: 60_000 };
    const content = { ...smoke, expiresAt: "2026-01-01T05:00:00+02:00" };
    const until = given(...received({ policy, content }), {
      type: "alert.repeated",
      intake: place(11, 30_000),
      by: "b",
    });
    expect(until.deadlines().map(({ name, at }) => [name, at])).toEqual([
      ["silence", "2026-01-01T00:01:30.000Z"],
      ["expired", "2026-01-01T03:00:00.000Z"],
    ]);
    for (const { command } of until.deadlines()) expect(until.when(command).types).toEqual(["alert.resolved"]);
    const early: AlertCommand = { type: "autoResolve", why: "silence", due: "2026-01-01T00:01:00.000Z" };
    expect(until.when(early).types).toEqual([]);
    const over = given(...received({ policy, content }), { type: "alert.resolved" });
    expect(over.deadlines()).toEqual([]);
  });
});

describe("a fingerprint", () => {
  const same = (a: Partial<AlertContent>, b: Partial<AlertContent>) =>
    fingerprintOf({ ...smoke, ...a }) === fingerprintOf({ ...smoke, ...b });
  const here = { lat: 52.5, lon: 13.4 };

  it("is the type and the device, or the place where there is none, or the words where there is neither", () => {
    expect(same({ title: "a" }, { title: "b" })).toBe(true);
    expect(same({ location: here }, { location: null })).toBe(true);
    expect(same({ type: "smoke" }, { type: "heat" })).toBe(false);
    expect(same({ deviceId: "d1" }, { deviceId: "d2" })).toBe(false);
    const nameless = { deviceId: null };
    expect(same({ ...nameless, location: here, title: "a" }, { ...nameless, location: here, title: "b" })).toBe(true);
    expect(same({ ...nameless, location: here }, { ...nameless, location: { lat: 52.5001, lon: 13.4 } })).toBe(false);
    expect(same({ ...nameless, title: "a" }, { ...nameless, title: "b" })).toBe(false);
    expect(same({ ...nameless, description: "a" }, { ...nameless, description: "a" })).toBe(true);
  });
});
