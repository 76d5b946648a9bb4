import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, evolve } from "../../../runtime/actor.ts";
import type { EscalationStep } from "../../../schema/routing/document.ts";
import {
  GROUP_ALERTS_MAX,
  type GroupAlert,
  type GroupCommand,
  type GroupEvent,
  type GroupRoute,
  type Mutes,
  unmuted,
} from "../../../schema/routing/group.ts";
import { alertGroup } from "./definition.ts";
import type { GroupState } from "./state.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const time = (second: number) => new Date(START + second * 1_000).toISOString();
const user = (to: string) => ({ kind: "user" as const, to });
const firing = (id: string, more: Partial<GroupAlert> = {}): GroupAlert => {
  return { id, labels: {}, title: id, startsAt: time(0), resolvedAt: null, acknowledgedAt: null, ...more };
};

function routeWith(steps: readonly EscalationStep[] | null, more: Partial<GroupRoute> = {}, repeat = 0): GroupRoute {
  const chain = steps === null ? null : { steps, repeat };
  return {
    key: "{}",
    name: null,
    revision: 1,
    labels: {},
    receivers: [{ name: "team", targets: [user("first")], sendResolved: true, chain }],
    groupWaitMs: 0,
    groupIntervalMs: 300_000,
    repeatIntervalMs: 14_400_000,
    lifeSafety: true,
    overflow: ["next", "last"],
    ...more,
  };
}

/** A group on virtual time, which rings its own deadlines. */
class Clockwork {
  state: GroupState = alertGroup.initial;
  readonly told: [second: number, reason: string, targets: string][] = [];
  /** The page that each was told on: its number, and when it began. */
  readonly pages: [page: number, since: string | undefined][] = [];
  mutes: Mutes = unmuted;
  readonly route: GroupRoute;

  constructor(route: GroupRoute) {
    this.route = route;
  }

  put(second: number, alert: GroupAlert): void {
    this.do(second, { type: "put", agencyId: "a", route: this.route, alert, mutes: this.mutes });
  }

  do(second: number, command: GroupCommand): void {
    this.until(second);
    this.#decide(second, command);
  }

  until(second: number): void {
    for (;;) {
      const due = alertGroup.deadlines(this.state)[0];
      if (due === undefined || Date.parse(due.at) > Date.parse(time(second))) return;
      const at = (Date.parse(due.at) - START) / 1_000;
      this.#decide(at, due.command);
      this.#decide(at, { type: "proceed", mutes: this.mutes });
    }
  }

  #decide(second: number, command: GroupCommand): void {
    const by = { subject: "x", agencies: ["a"], roles: [] };
    const context = { id: "g", at: time(second), by };
    const events = decide(alertGroup, this.state, command, context) as readonly GroupEvent[];
    this.state = evolve(alertGroup, this.state, events, { ...context, by: "x", previous: 0 }) as GroupState;
    for (const event of events) {
      if (event.type !== "alertgroup.notified") continue;
      this.told.push([second, event.reason, event.targets.map(({ to }) => to).join(" ")]);
      this.pages.push([event.page, event.since]);
    }
  }
}

describe("an escalation chain", () => {
  const steps: EscalationStep[] = [
    { step: "wait", seconds: 60 },
    { step: "notify", targets: [user("second")] },
    { step: "wait", seconds: 60 },
    { step: "notifyNext", targets: [user("x"), user("y")] },
    { step: "wait", seconds: 60 },
    { step: "notifyAll" },
  ];

  it("goes from one to the next until nobody is left", () => {
    const group = new Clockwork(routeWith(steps));
    group.put(0, firing("a"));
    group.until(290);
    expect(group.told).toEqual([
      [0, "firing", "first"],
      [60, "escalation", "second"],
      [120, "escalation", "x"],
      [180, "escalation", "second x y"],
    ]);
  });

  it("is one page with what began it, until all is over; what comes then is a page that began later", () => {
    const group = new Clockwork(routeWith(steps));
    group.put(10, firing("a"));
    group.until(80);
    group.do(90, { type: "acknowledge", alertIds: ["a"] });
    group.put(100, firing("a", { resolvedAt: time(100) }));
    group.until(1_000);
    group.put(2_000, firing("b"));
    expect(group.told.map(([, reason]) => reason)).toEqual([
      "firing",
      "escalation",
      "acknowledged",
      "all_resolved",
      "firing",
    ]);
    const first = [1, time(10)];
    expect(group.pages).toEqual([first, first, first, first, [2, time(2_000)]]);
  });

  it("takes turns where it starts again", () => {
    const turns: EscalationStep[] = [
      { step: "notifyNext", targets: [user("x"), user("y"), user("z")] },
      { step: "wait", seconds: 30 },
    ];
    const group = new Clockwork(routeWith(turns, {}, 3));
    group.put(0, firing("a"));
    group.until(290);
    expect(group.told.slice(1).map(([second, , who]) => [second, who])).toEqual([
      [0, "x"],
      [30, "y"],
      [60, "z"],
      [90, "x"],
    ]);
  });

  it("stops when everything is acknowledged, and whoever was called hears of it", () => {
    const group = new Clockwork(routeWith(steps));
    group.put(0, firing("a"));
    group.do(70, { type: "acknowledge", alertIds: ["a"] });
    group.until(290);
    expect(group.told).toEqual([
      [0, "firing", "first"],
      [60, "escalation", "second"],
      [70, "acknowledged", "first second"],
    ]);
  });

  it("goes on while one of two is not acknowledged", () => {
    const group = new Clockwork(routeWith(steps));
    group.put(0, firing("a"));
    group.put(10, firing("b"));
    group.do(20, { type: "acknowledge", alertIds: ["a"] });
    group.until(70);
    expect(group.told.map(([, reason]) => reason)).toEqual(["firing", "escalation"]);
    group.do(80, { type: "acknowledge", alertIds: ["b"] });
    group.until(290);
    expect(group.told.map(([, reason]) => reason)).toEqual(["firing", "escalation", "acknowledged"]);
  });

  it("stops when everything is resolved, though that is told at the group's next interval", () => {
    const group = new Clockwork(routeWith(steps));
    group.put(0, firing("a"));
    group.put(30, firing("a", { resolvedAt: time(30) }));
    group.until(600);
    expect(group.told).toEqual([
      [0, "firing", "first"],
      [300, "all_resolved", "first"],
    ]);
  });

  it("stops when everything is silenced", () => {
    const group = new Clockwork(routeWith(steps));
    group.put(0, firing("a"));
    group.mutes = { alerts: { a: { by: "silence", silenceId: "s" } }, clock: null };
    group.until(290);
    expect(group.told).toEqual([[0, "firing", "first"]]);
  });

  it("is not stopped by the clock: whoever was called is still waited for", () => {
    const group = new Clockwork(routeWith(steps));
    group.put(0, firing("a"));
    group.mutes = { alerts: {}, clock: { interval: "night", as: "mute" } };
    group.until(70);
    expect(group.told.map(([, reason]) => reason)).toEqual(["firing", "escalation"]);
  });

  it("starts again for an alert that comes after the acknowledgement", () => {
    const group = new Clockwork(routeWith(steps));
    group.put(0, firing("a"));
    group.do(10, { type: "acknowledge", alertIds: ["a"] });
    group.put(20, firing("b", { startsAt: time(20) }));
    group.until(370);
    expect(group.told.slice(2)).toEqual([
      [300, "firing", "first"],
      [360, "escalation", "second"],
    ]);
  });
});

describe("an acknowledgement", () => {
  it("keeps what is known from being repeated, and what is new not", () => {
    const group = new Clockwork(routeWith(null, { repeatIntervalMs: 600_000 }));
    group.put(0, firing("a"));
    group.do(10, { type: "acknowledge", alertIds: ["a"] });
    group.until(2_000);
    expect(group.told.map(([, reason]) => reason)).toEqual(["firing", "acknowledged"]);
    group.put(2_010, firing("b", { startsAt: time(2_010) }));
    group.until(2_400);
    expect(group.told.map(([, reason]) => reason)).toEqual(["firing", "acknowledged", "firing"]);
  });

  it("comes once, and of what fires alone", () => {
    const group = new Clockwork(routeWith(null));
    group.put(0, firing("a"));
    for (const ids of [["a"], ["a"], ["unheard of"]]) group.do(10, { type: "acknowledge", alertIds: ids });
    expect(group.told).toHaveLength(2);
  });

  it("means nothing to the same alert when it fires again", () => {
    const group = new Clockwork(routeWith(null, { repeatIntervalMs: 600_000 }));
    group.put(0, firing("a"));
    group.do(10, { type: "acknowledge", alertIds: ["a"] });
    group.put(20, firing("a", { resolvedAt: time(20) }));
    group.put(400, firing("a", { startsAt: time(400) }));
    expect(group.told.map(([second, reason]) => [second, reason])).toEqual([
      [0, "firing"],
      [10, "acknowledged"],
      [300, "all_resolved"],
      [400, "firing"],
    ]);
  });
});

describe("a silence", () => {
  it("never hides that something is over", () => {
    const group = new Clockwork(routeWith(null));
    group.put(0, firing("a"));
    group.mutes = { alerts: { a: { by: "silence", silenceId: "s" } }, clock: null };
    group.put(10, firing("a", { resolvedAt: time(10) }));
    group.until(600);
    expect(group.told.map(([, reason]) => reason)).toEqual(["firing", "all_resolved"]);
  });

  it("never hides an acknowledgement", () => {
    const group = new Clockwork(routeWith(null));
    group.put(0, firing("a"));
    group.mutes = { alerts: { a: { by: "silence", silenceId: "s" } }, clock: null };
    group.do(10, { type: "acknowledge", alertIds: ["a"] });
    expect(group.told.map(([, reason]) => reason)).toEqual(["firing", "acknowledged"]);
  });
});

describe("a group", () => {
  it("is asked again where nobody made it proceed", () => {
    const group = new Clockwork(routeWith(null, { groupWaitMs: 30_000 }));
    group.put(0, firing("a"));
    const due = alertGroup.deadlines(group.state)[0]!;
    const context = { id: "g", at: due.at, by: { subject: "x", agencies: [], roles: [] } };
    const woken = decide(alertGroup, group.state, due.command, context) as readonly GroupEvent[];
    expect(woken).toEqual([{ type: "alertgroup.due", due: time(30) }]);
    group.state = evolve(alertGroup, group.state, woken, { ...context, by: "x", previous: 0 }) as GroupState;
    expect(alertGroup.deadlines(group.state)).toMatchObject([{ at: time(45) }]);
  });

  it("tells in time though the clock of its host runs behind the server's", () => {
    const group = new Clockwork(routeWith(null, { groupWaitMs: 30_000 }));
    group.put(0, firing("a"));
    const context = { id: "g", at: time(28), by: { subject: "x", agencies: [], roles: [] } };
    for (const command of [
      alertGroup.deadlines(group.state)[0]!.command,
      { type: "proceed", mutes: unmuted } as const,
    ]) {
      const events = decide(alertGroup, group.state, command, context) as readonly GroupEvent[];
      group.state = evolve(alertGroup, group.state, events, { ...context, by: "x", previous: 0 }) as GroupState;
    }
    expect(group.state).toMatchObject({ flushedAt: time(28), log: { team: { firing: ["a"] } } });
  });

  it("of which all is told is left alone until it is to be repeated", () => {
    const group = new Clockwork(routeWith(null));
    group.put(0, firing("a"));
    expect(alertGroup.deadlines(group.state)).toMatchObject([{ at: time(14_400) }]);
    group.put(400, firing("b", { startsAt: time(400) }));
    expect(alertGroup.deadlines(group.state)).toMatchObject([{ at: time(600) }]);
    group.until(600);
    expect(alertGroup.deadlines(group.state)).toMatchObject([{ at: time(15_000) }]);
  });

  it("of which something is muted is looked at in every interval, as that may end in any", () => {
    const group = new Clockwork(routeWith(null));
    group.mutes = { alerts: { a: { by: "silence", silenceId: "s" } }, clock: null };
    group.put(0, firing("a"));
    expect(alertGroup.deadlines(group.state)).toMatchObject([{ at: time(300) }]);
    group.mutes = unmuted;
    group.until(300);
    expect(group.told).toEqual([[300, "firing", "first"]]);
  });

  it("that is full leaves other alerts to the next one, until it is empty again", () => {
    const group = new Clockwork(routeWith(null, { groupWaitMs: 60_000, groupIntervalMs: 60_000 }));
    for (let index = 0; index < GROUP_ALERTS_MAX; index++) group.put(1, firing(String(index)));
    const by = { subject: "x", agencies: [], roles: [] };
    const putting = (alert: GroupAlert, overflow = group.route.overflow) => {
      const route = { ...group.route, overflow };
      const command: GroupCommand = { type: "put", agencyId: "a", route, alert, mutes: unmuted };
      return decide(alertGroup, group.state, command, { id: "g", at: time(2), by });
    };
    expect(putting(firing("x"))).toMatchObject({
      forwardTo: { id: "next" },
      command: { route: { overflow: ["last"] } },
    });
    expect(putting(firing("x"), [])).toEqual([]);
    expect(putting(firing("7", { title: "changed" }))).toMatchObject([{ type: "alertgroup.alert_put" }]);
    for (let index = 1; index < GROUP_ALERTS_MAX; index++) group.put(3, firing(String(index), { resolvedAt: time(3) }));
    group.until(130);
    expect(putting(firing("x"))).toMatchObject({ forwardTo: { id: "next" } });
    group.put(131, firing("0", { resolvedAt: time(131) }));
    group.until(200);
    expect(putting(firing("x"))).toMatchObject([{ type: "alertgroup.alert_put" }, { type: "alertgroup.flush_set" }]);
  });

  it("tells of every alert that fires long enough, whatever happens in between", () => {
    const act = fc.record({
      second: fc.integer({ min: 0, max: 2_000 }),
      alert: fc.constantFrom("a", "b", "c"),
      what: fc.constantFrom("fire", "resolve", "acknowledge"),
    });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 25 }), (acts) => {
        const group = new Clockwork(routeWith(null, { groupWaitMs: 30_000 }));
        const ordered = [...acts].sort((one, other) => one.second - other.second);
        for (const { second, alert, what } of ordered) {
          if (what === "acknowledge") group.do(second, { type: "acknowledge", alertIds: [alert] });
          else {
            const resolvedAt = what === "resolve" ? time(second) : null;
            group.put(second, firing(alert, { startsAt: time(second), resolvedAt }));
          }
        }
        group.until(3_000);
        const last = (group.state as { log?: Record<string, { firing: string[] }> }).log?.["team"]?.firing ?? [];
        const open = ["a", "b", "c"].filter((id) => {
          const mine = ordered.filter(({ alert, what }) => alert === id && what !== "acknowledge");
          return mine.at(-1)?.what === "fire";
        });
        // Whatever still fires at the end was told, and nothing that is over is thought to fire.
        expect([...last].sort()).toEqual(open);
      }),
    );
  });
});
