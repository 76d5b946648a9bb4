import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, evolve, isJoint, isRefusal } from "../../runtime/actor.ts";
import type {
  AlertCommand,
  AlertContent,
  AlertEvent,
  ClassifiedReport,
  Lane,
  Seen,
  Severity,
  TriggerRecord,
} from "../../schema/alert.ts";
import { atLeast, classifyAsSaid } from "./classification.ts";
import { alert } from "./definition.ts";
import { type AlertState, wasSeen } from "./state.ts";

const T0 = Date.parse("2026-01-01T00:00:00.000Z");
const engine = { subject: "system.alerts", agencies: [], roles: [] };

interface Said {
  readonly lane: Lane;
  readonly afterMs: number;
  readonly content: Pick<AlertContent, "severity" | "title" | "description" | "labels">;
  /** The source ends it instead. */
  readonly resolves: boolean;
}

type Step = ClassifiedReport & { readonly resolves: boolean };

function mostly<Value>(usual: Value, ...others: readonly Value[]): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

const said: fc.Arbitrary<Said> = fc.record({
  lane: mostly<Lane>("normal", "urgent"),
  afterMs: mostly(1_000, 0, 200_000, 300_001),
  content: fc.record({
    severity: mostly<Severity>("low", "critical"),
    title: mostly("Smoke", "Fire"),
    description: fc.constantFrom(null, "12 %", "13 %"),
    labels: mostly<AlertContent["labels"]>({}, { floor: "3" }),
  }),
  resolves: mostly(false, true),
});

function stepsOf(all: readonly Said[], keyMade: boolean): readonly Step[] {
  let atMs = T0;
  return all.map(({ lane, afterMs, content: some, resolves }, index) => {
    atMs += afterMs;
    const sequence = index + 1;
    const content: AlertContent = {
      ...{ type: "smoke", nature: "actual", deviceId: "d", location: null, areas: [], details: {} },
      ...{ occurredAt: null, expiresAt: null },
      ...some,
    };
    const record: TriggerRecord = {
      ...{ v: 1 as const, id: `al${sequence}`, incidentId: `in${sequence}`, agencyId: "a", requestId: "r" },
      ...{ source: { scope: "s", name: "s" }, by: `by${sequence % 3}`, dedupKey: "k", keyMade },
      ...{ action: "trigger", nature: "actual", policy: { incidentFrom: "high", autoResolveAfterMs: null }, content },
    };
    const intake = { lane, sequence, at: new Date(atMs).toISOString() };
    return { record, intake, classification: classifyAsSaid(content), resolves };
  });
}

class Killed extends Error {}

/** A key's alerts, told of reports as the engine does it. */
class Key {
  readonly alerts: { state: AlertState; readonly seenBefore: Seen; readonly events: AlertEvent[] }[] = [];
  /** What incidents were told, and how the alert was that made one. */
  readonly told: unknown[] = [];
  commands = 0;
  /** The engine is killed before it makes an incident. */
  dies = false;

  take(group: readonly Step[]): void {
    if (group[0]!.resolves) {
      this.#resolve(group[0]!);
      return;
    }
    for (let rest = group; rest.length > 0; ) {
      if (this.alerts.length === 0) this.#open({});
      const current = this.alerts.at(-1)!;
      const [first, ...more] = rest;
      const seen = this.#ask({ type: "receive", ...first!, more, seenBefore: current.seenBefore });
      const it = current.state;
      if (it.phase === "unknown") return;
      rest = rest.filter(({ intake }) => !wasSeen({ seen: seen ?? it.seen }, intake));
      if (seen !== undefined) this.#open(seen);
    }
  }

  #open(seenBefore: Seen): void {
    this.alerts.push({ state: alert.initial, seenBefore, events: [] });
  }

  #resolve({ record: { source }, intake }: Step): void {
    if (this.alerts.length > 0) this.#ask({ type: "sourceResolve", source, intake });
  }

  /** @returns what was done of the key, where its alert is over */
  #ask(command: AlertCommand): Seen | undefined {
    this.commands += 1;
    const current = this.alerts.at(-1)!;
    const decision = decide(alert, current.state, command, { id: "al", at: "t", by: engine });
    if (isRefusal(decision)) return (decision.data as { readonly seen: Seen }).seen;
    const { events, with: notes } = isJoint(decision) ? decision : { events: decision, with: [] };
    this.told.push(...notes);
    this.#become(events as readonly AlertEvent[]);
    const it = current.state;
    if (it.phase === "unknown" || it.madeIncident || it.status !== "open") return;
    if (!atLeast(it.classification!.severity, "high")) return;
    if (this.dies) throw new Killed();
    this.told.push({ made: it.content.title, count: it.count });
    this.#become([{ type: "alert.attached", incidentId: it.ownIncidentId, made: true }]);
    return;
  }

  #become(events: readonly AlertEvent[]): void {
    const current = this.alerts.at(-1)!;
    const context = { id: "al", at: "t", by: engine.subject, previous: 0 };
    current.state = evolve(alert, current.state, events, context) as AlertState;
    current.events.push(...events);
  }

  get outcome() {
    return { alerts: this.alerts, told: this.told };
  }
}

/** As they may stand in one command: triggers of a lane that follow each other, cut further wherever it is said. */
function groupsOf(steps: readonly Step[], cuts: readonly boolean[]): readonly (readonly Step[])[] {
  const groups: Step[][] = [];
  for (const [index, step] of steps.entries()) {
    const before = groups.at(-1)?.at(-1);
    const joins = before?.resolves === false && !step.resolves && before.intake.lane === step.intake.lane;
    if (joins && cuts[index % cuts.length] !== true) groups.at(-1)!.push(step);
    else groups.push([step]);
  }
  return groups;
}

const cuts = fc.array(mostly(false, true), { minLength: 1, maxLength: 20 });

describe("reports that are told to an alert several at once", () => {
  it("come to the same, event by event, as one by one, and so does what follows from it", () => {
    let saved = 0;
    fc.assert(
      fc.property(fc.array(said, { maxLength: 30 }), fc.boolean(), cuts, (all, keyMade, cut) => {
        const steps = stepsOf(all, keyMade);
        const [alone, together] = [new Key(), new Key()];
        for (const step of steps) alone.take([step]);
        for (const group of groupsOf(steps, cut)) together.take(group);
        expect(together.outcome).toEqual(alone.outcome);
        saved += alone.commands - together.commands;
      }),
      { numRuns: 1_000 },
    );
    expect(saved).toBeGreaterThan(1_000);
  });

  it("are counted once when they are told again from anywhere, in other groups", () => {
    const again = fc.array(fc.record({ cut: cuts, from: fc.nat(30), upTo: fc.nat(30) }), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(said, { maxLength: 30 }), fc.boolean(), cuts, again, (all, keyMade, cut, times) => {
        const steps = stepsOf(all, keyMade);
        const [alone, together] = [new Key(), new Key()];
        for (const step of steps) alone.take([step]);
        let furthest = 0;
        for (const { from, upTo, cut: other } of times) {
          // Whoever goes on begins no later than where all before was done.
          for (const group of groupsOf(steps.slice(Math.min(from, furthest), upTo), other)) together.take(group);
          furthest = Math.max(furthest, upTo);
        }
        for (const group of groupsOf(steps.slice(Math.floor(furthest / 2)), cut)) together.take(group);
        const counted = ({ alerts }: Key["outcome"]) => alerts.filter(({ state }) => state.phase === "known");
        expect(counted(together.outcome)).toEqual(counted(alone.outcome));
      }),
      { numRuns: 1_000 },
    );
  });

  it("make the same incidents though the engine is killed before it makes one, and are told again in other groups", () => {
    let killed = 0;
    fc.assert(
      fc.property(fc.array(said, { maxLength: 30 }), fc.boolean(), cuts, cuts, (all, keyMade, cut, other) => {
        const steps = stepsOf(all, keyMade);
        const [alone, together] = [new Key(), new Key()];
        for (const step of steps) alone.take([step]);
        together.dies = true;
        let done = 0;
        try {
          for (const group of groupsOf(steps, cut)) {
            together.take(group);
            done += group.length;
          }
        } catch (error) {
          expect(error).toBeInstanceOf(Killed);
          killed += 1;
          together.dies = false;
          for (const group of groupsOf(steps.slice(done), other)) together.take(group);
        }
        expect(together.outcome).toEqual(alone.outcome);
      }),
      { numRuns: 1_000 },
    );
    expect(killed).toBeGreaterThan(100);
  });

  it("that say nothing new are one decision, however many: an event for each", () => {
    const steps = stepsOf(
      Array.from({ length: 64 }, (_, index) => ({
        ...{ lane: "normal", afterMs: 1_000, resolves: false },
        content: { severity: "low", title: "Smoke", description: `${index} %`, labels: {} },
      })),
      true,
    );
    const key = new Key();
    key.take(steps.slice(0, 1));
    key.take(steps.slice(1));
    expect(key.commands).toBe(2);
    const repeated = key.alerts[0]!.events.filter(({ type }) => type === "alert.repeated");
    expect(repeated).toHaveLength(63);
    expect(repeated.at(-1)).toEqual({
      ...{ type: "alert.repeated", by: "by1", intake: steps.at(-1)!.intake },
      ...{ changes: { description: "63 %" }, was: { description: "62 %" } },
    });
  });
});
