import { describe, expect, it } from "vitest";
import { classifyAsSaid } from "../../actors/alert/classification.ts";
import type { Known } from "../../actors/alert/state.ts";
import { registry } from "../../actors/registry.ts";
import { AlertEngine } from "../../bridges/alerts/engine.ts";
import { decide, evolve, isJoint, isRefusal } from "../../runtime/actor.ts";
import type { Board } from "../../runtime/board.ts";
import type { Client } from "../../runtime/client.ts";
import { type Command, failure, failureOf, type Reply } from "../../runtime/messages.ts";
import { SimProcess } from "../../runtime/sim/process.ts";
import { EPOCH_MS, SimServer } from "../../runtime/sim/server.ts";
import { World } from "../../runtime/sim/world.ts";
import type { AlertContent, ClassifiedReport, IntakeRecord } from "../../schema/alert.ts";
import { systemPrincipal } from "../../schema/principal.ts";
import { type Address, stateKey, subjects } from "../../schema/subjects.ts";

type Told = { readonly to: Address; readonly command: Command; readonly commandId: string };

/** Actors that live in memory and answer after a while. */
class Actors {
  readonly told: Told[] = [];
  readonly #states = new Map<string, unknown>();
  readonly #world: World;
  readonly #asTold: (told: Told) => Command;

  /** @param asTold what an actor makes of a command that it is told */
  constructor(world: World, asTold: (told: Told) => Command) {
    this.#world = world;
    this.#asTold = asTold;
  }

  get(of: Address) {
    const state = this.#states.get(stateKey(of));
    return state === undefined ? undefined : { state };
  }

  get alerts(): readonly Known[] {
    return [...this.#states].filter(([key]) => key.startsWith("alert.")).map(([, state]) => state as Known);
  }

  async ask(to: Address, command: Command, { commandId }: { readonly commandId: string }): Promise<Reply> {
    this.told.push({ to, command, commandId });
    await new Promise<void>((resolve) => this.#world.at(5, resolve));
    const definition = registry.get(to.kind)!;
    const before = this.get(to)?.state ?? definition.initial;
    const by = systemPrincipal("alerts");
    const context = { id: to.id, at: new Date(EPOCH_MS + this.#world.nowMs).toISOString(), by };
    const decision = decide(definition, before, this.#asTold({ to, command, commandId }), context);
    if (isRefusal(decision)) return failureOf(decision);
    const events = isJoint(decision) ? decision.events : (decision as readonly Command[]);
    const state = evolve(definition, before, events, { ...context, by: by.subject, previous: 0 });
    this.#states.set(stateKey(to), state);
    return { ok: true, state, version: 1, sequence: 1 };
  }

  async read(of: Address): Promise<Reply> {
    const state = this.get(of)?.state;
    return state === undefined ? failure("not_found", "no such actor") : { ok: true, state, version: 1, sequence: 1 };
  }
}

type Said = Partial<Omit<IntakeRecord, "content">> & {
  readonly content?: Partial<AlertContent>;
  /** When the intake has taken it. */
  readonly afterMs?: number;
};

/** An engine that finds these reports in the intake, and goes on until all of them are done. */
async function done(reports: readonly Said[], asTold: (told: Told) => Command = ({ command }) => command) {
  const world = new World(1);
  const server = new SimServer(world);
  for (const [index, { afterMs = index, content, ...more }] of reports.entries()) {
    const record = {
      ...{ v: 1, id: `al${index}`, incidentId: `in${index}`, agencyId: "a", source: { scope: "s", name: "s" } },
      ...{ by: "b", requestId: "r", action: "trigger", dedupKey: "k", keyMade: false, nature: "actual" },
      policy: { incidentFrom: null, autoResolveAfterMs: null },
      content: {
        ...{ type: "smoke", severity: "low", title: "Smoke", description: null, nature: "actual", deviceId: "d" },
        ...{ location: null, areas: [], labels: {}, details: {}, occurredAt: null, expiresAt: null },
        ...content,
      },
      ...more,
    };
    const subject = subjects.intake("normal", "a", "s");
    server.intake.entries.push({
      ...{ subject, payload: JSON.stringify(record), sequence: index + 1, atMs: EPOCH_MS + afterMs },
    });
  }
  const actors = new Actors(world, asTold);
  const classified: AlertContent[] = [];
  const engine = new AlertEngine({
    ports: new SimProcess(server, "h").ports,
    // Of both, the engine calls but what the actors here have.
    client: actors as unknown as Client,
    board: actors as unknown as Board,
    owns: () => true,
    classify: (content) => {
      classified.push(content);
      return classifyAsSaid(content);
    },
    incidents: {
      number: async () => "1",
      rule: () => "auto",
      policy: () => undefined,
      recommendation: async () => undefined,
    },
  });
  engine.start();
  await world.run(() => {
    const { figures } = engine;
    return figures.alertReportsDone + figures.alertReportsDead === reports.length;
  }, 600_000);
  /** How many reports each command to an alert carried. */
  const received = actors.told
    .filter(({ command }) => command.type === "receive")
    .map(({ command, commandId }) => ({
      reports: 1 + ((command["more"] as readonly ClassifiedReport[] | undefined)?.length ?? 0),
      commandId,
    }));
  return { actors, received, classified, dead: server.deadLetters, figures: engine.figures };
}

const times = <T>(count: number, one: T): readonly T[] => Array.from({ length: count }, () => one);

describe("the engine", () => {
  it("tells an alert at once of all the reports that wait for it, in commands that are always the same ones", async () => {
    const { actors, received, classified } = await done(times(100, {}));
    expect(received).toEqual([
      { reports: 1, commandId: "alert-1000" },
      { reports: 64, commandId: "alert-2000-65000" },
      { reports: 35, commandId: "alert-66000-100000" },
    ]);
    expect(actors.alerts).toMatchObject([{ count: 100, seen: { normal: 100_000 } }]);
    expect(classified, "what says the same again within a command is not classified again").toHaveLength(3);
  });

  it("opens an alert once for each report that stands twice in the intake, also where others came between", async () => {
    const request: readonly Said[] = [{ id: "a" }, { action: "resolve" }, { id: "b" }, { action: "resolve" }];
    const { actors } = await done([...request, ...request]);
    expect(actors.alerts).toMatchObject(times(4, { count: 1, status: "resolved" }));
    expect(actors.told.filter(({ to }) => to.kind === "alertkey")).toHaveLength(4);
  });

  it("keeps the place of what ends an alert, and does it alone", async () => {
    const { actors, received } = await done([...times(3, {}), { action: "resolve" }, ...times(3, {})]);
    expect(received.map(({ commandId }) => commandId)).toEqual([
      "alert-1000",
      "alert-2000-3000",
      // It is refused there, as the alert is over, and told to the next one.
      "alert-5000-7000",
      "alert-5000-7000",
      "alert-6000-7000",
    ]);
    expect(actors.alerts).toMatchObject([
      { count: 3, status: "resolved" },
      { count: 3, status: "open" },
    ]);
  });

  it("gives the next alert what came too late for this one, though they waited together", async () => {
    const made = { keyMade: true, dedupKey: "auto-1" };
    const at = [0, 1_000, 2_000, 302_001, 303_000];
    const { actors } = await done(at.map((afterMs) => ({ ...made, afterMs })));
    expect(actors.alerts.map(({ count, seen }) => ({ count, seen }))).toEqual([
      { count: 3, seen: { normal: 3_000 } },
      { count: 2, seen: { normal: 5_000 } },
    ]);
  });

  it("makes the incident that a report in the midst of others deserves, though the last one deserves none", async () => {
    const policy = { incidentFrom: "high", autoResolveAfterMs: null } as const;
    const severities = ["low", "low", "high", "low", "low"] as const;
    const { actors } = await done(severities.map((severity) => ({ policy, content: { severity } })));
    expect(actors.alerts).toMatchObject([{ count: 5, madeIncident: true, content: { severity: "low" } }]);
    expect(actors.told.find(({ command }) => command.type === "makeIncident")?.command).toMatchObject({
      fields: { priority: 2 },
    });
  });

  it("tells the rest again to a host of an older release, which takes the first one alone", async () => {
    const { actors, received } = await done(times(6, {}), ({ command: { more: _more, ...command } }) => command);
    expect(actors.alerts).toMatchObject([{ count: 6 }]);
    expect(received.map(({ commandId }) => commandId)).toEqual([
      ...["alert-1000", "alert-2000-6000", "alert-3000-6000", "alert-4000-6000", "alert-5000-6000", "alert-6000"],
    ]);
  });

  it("hears of each device of those that wait once, with the newest time", async () => {
    const policy = { incidentFrom: null, autoResolveAfterMs: null, silentAfterMs: 60_000 };
    const devices = ["d1", "d1", "d2", "d1", "d2"];
    const { actors } = await done(devices.map((deviceId) => ({ policy, content: { deviceId } })));
    const beats = actors.told.filter(({ command }) => command.type === "beat");
    expect(beats.map(({ command }) => [(command["heart"] as { deviceId: string }).deviceId, command["at"]])).toEqual([
      ["d1", new Date(EPOCH_MS).toISOString()],
      ["d1", new Date(EPOCH_MS + 3).toISOString()],
      ["d2", new Date(EPOCH_MS + 4).toISOString()],
    ]);
  });

  it("buries alone the one of many that cannot be done", async () => {
    const titles = ["a", "a", "a", "broken", "a", "a"];
    const { actors, dead, figures } = await done(
      titles.map((title) => ({ content: { title } })),
      ({ command }) => {
        return JSON.stringify(command).includes("broken") ? { type: "detach" } : command;
      },
    );
    expect(figures).toMatchObject({ alertReportsDone: 5, alertReportsDead: 1 });
    expect(dead).toMatchObject([{ id: "4000", kind: "alert-report" }]);
    expect(actors.alerts).toMatchObject([{ count: 5 }]);
  });
});
