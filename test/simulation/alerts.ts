import { classifyAsSaid } from "../../actors/alert/classification.ts";
import type { Known } from "../../actors/alert/state.ts";
import { registry, views } from "../../actors/registry.ts";
import { activeRouting } from "../../actors/routing/active.ts";
import { groupsFor } from "../../actors/routing/decide.ts";
import type { Group, GroupState } from "../../actors/routing/group/state.ts";
import { AlertEngine } from "../../bridges/alerts/engine.ts";
import { routingReactions } from "../../bridges/routing/reactions.ts";
import { AlertIntake, type Report } from "../../gateways/alerts/intake.ts";
import { keyOf } from "../../gateways/alerts/key.ts";
import { routingLabels } from "../../gateways/routing/alert-rows.ts";
import type { Registry } from "../../runtime/actor.ts";
import { Board } from "../../runtime/board.ts";
import { readCheckpoint } from "../../runtime/checkpoint.ts";
import { Client } from "../../runtime/client.ts";
import { Coverage } from "../../runtime/coverage.ts";
import { Host, hostDefaults } from "../../runtime/host.ts";
import { applyEntry, blankImage, type Image } from "../../runtime/image.ts";
import { NumberDispenser } from "../../runtime/numbers.ts";
import { SimProcess } from "../../runtime/sim/process.ts";
import { SimServer } from "../../runtime/sim/server.ts";
import { noFaults, World } from "../../runtime/sim/world.ts";
import { type AlertContent, defaultAlertPolicy, type IntakeRecord } from "../../schema/alert.ts";
import { reportsIn } from "../../schema/intake.ts";
import type { Principal } from "../../schema/principal.ts";
import type { GroupEvent } from "../../schema/routing/group.ts";
import { addressOfEvents } from "../../schema/subjects.ts";
import { insist } from "./insist.ts";
import { checkJournal } from "./invariants.ts";

const PARTITIONS = 4;
const TIME_LIMIT_MS = 4 * 3_600_000;
/** Clocks of hosts are this far apart at the most. */
const CLOCKS_MS = 1_200_000;
const WINDOW_MS = 5 * 60_000;
const dispatcher: Principal = { subject: "dispatcher", agencies: ["sim"], roles: ["supervisor"] };

interface Running {
  readonly process: SimProcess;
  readonly host: Host;
  readonly board: Board;
  readonly engine: AlertEngine;
}

/**
 * Senders report what their network doubles, hosts die in the midst of it, people end alerts. Then all settles, and what
 * became of the reports is compared with what they say when they are read one by one.
 * @param actors others than the real ones only to plant a bug
 * @throws with what was violated; the same seed always does the same
 */
export async function runAlerts(
  seed: number,
  actors: Registry = registry,
): Promise<{ readonly reports: number; readonly alerts: number }> {
  const world = new World(seed);
  const server = new SimServer(world);
  // Lanes overtake each other and people come when they like: then there is no one order to compare with.
  const ordered = world.chance(500);
  const run = new Run(world, server, ordered, actors);
  let over = false;
  let failure: unknown;
  void run
    .play()
    .catch((error: unknown) => {
      failure = error;
    })
    .then(() => {
      over = true;
    });
  await world.run(() => over, TIME_LIMIT_MS);
  if (failure !== undefined) throw failure;
  if (actors === registry) checkJournal(server.journal.entries, []);
  checkOnce(server, run.once);
  return check(server, ordered, actors);
}

class Run {
  readonly #world: World;
  readonly #server: SimServer;
  readonly #ordered: boolean;
  readonly #actors: Registry;
  readonly #hosts = new Map<string, Running>();
  /** Senders whose requests have ids, and their reports. */
  readonly once = new Map<string, readonly string[]>();
  #starts = 0;

  constructor(world: World, server: SimServer, ordered: boolean, actors: Registry) {
    this.#actors = actors;
    this.#world = world;
    this.#server = server;
    this.#ordered = ordered;
  }

  async play(): Promise<void> {
    const world = this.#world;
    const names = world.chance(700) ? ["h1", "h2"] : ["h1"];
    for (const name of names) await this.#start(name);
    const some = (most: number) => (world.chance(600) ? world.between(0, most) : 0);
    world.faults = {
      requestLost: some(60),
      answerLost: some(60),
      doubled: some(100),
      late: some(40),
      readFails: some(30),
    };
    const gateway = new SimProcess(this.#server, "gateway");
    const intake = new AlertIntake(gateway.ports, new Board(registry, views, gateway.ports, new Coverage(0)), 3);
    const work = Array.from({ length: world.between(1, 3) }, (_, index) => this.#report(`s${index}`, intake));
    if (!this.#ordered) work.push(this.#interfere());
    const trouble = this.#trouble(names);
    await Promise.all(work);
    world.faults = noFaults;
    await trouble;
    for (const name of names) if (!this.#hosts.has(name)) await this.#start(name);
    await this.#settle();
  }

  async #start(name: string): Promise<void> {
    const process = new SimProcess(this.#server, `${name}n${this.#starts++}`);
    process.skewMs = this.#world.chance(300) ? this.#world.between(-600_000, 600_000) : 0;
    const { ports } = process;
    const coverage = new Coverage(await insist(() => readCheckpoint(ports)));
    const board = new Board(this.#actors, views, ports, coverage);
    // With a bug planted in an alert, who is told of it is another story.
    const reactions = this.#actors === registry ? routingReactions(board, ports.clock) : [];
    const host = new Host(this.#actors, ports, board, coverage, { ...hostDefaults(name, PARTITIONS), reactions });
    const client = new Client(ports, { partitions: PARTITIONS, timeoutMs: 5_000 }, host);
    await insist(() => board.start());
    await insist(() => host.start());
    const numbers = new NumberDispenser(ports.numbers, ports.clock);
    const engine = new AlertEngine({
      ports,
      client,
      board,
      owns: (address) => host.owns(address),
      classify: classifyAsSaid,
      incidents: {
        rule: () => "auto",
        number: async () => `SIM-${await insist(() => numbers.next("num.sim.2026"))}`,
        policy: () => undefined,
        recommendation: async () => undefined,
      },
    });
    engine.start();
    this.#hosts.set(name, { process, host, board, engine });
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#world.at(ms, resolve));
  }

  /** What one device or another has to say. */
  #said(by: string, requestId: string): Report {
    const world = this.#world;
    const severity = !this.#ordered && world.chance(300) ? "critical" : "low";
    const content: AlertContent = {
      ...{ type: "smoke", severity, title: "t", description: null, nature: "actual", deviceId: null, location: null },
      ...{ areas: [], labels: {}, details: {}, occurredAt: null, expiresAt: null },
    };
    const keyed = world.chance(600);
    const device = `d${world.between(1, 3)}`;
    const followUp = keyed && world.chance(300);
    return {
      agencyId: "sim",
      source: { scope: "api-s", name: "s" },
      policy: this.#ordered ? { ...defaultAlertPolicy, incidentFrom: "low" as const } : defaultAlertPolicy,
      by,
      requestId,
      nature: "actual" as const,
      action: followUp ? world.pick(["acknowledge", "resolve"] as const) : ("trigger" as const),
      dedupKey: keyed ? `k${world.between(1, 3)}` : undefined,
      ...(followUp ? {} : { content: { ...content, deviceId: keyed ? null : device } }),
    };
  }

  /** One by one, and several at once. */
  async #report(name: string, intake: AlertIntake): Promise<void> {
    const world = this.#world;
    const count = world.between(5, 40);
    // Those of a storm come so fast that they wait for each other.
    const pauseMs = world.chance(400) ? 10 : 300;
    const hasIds = world.chance(400);
    for (let index = 0; index < count; index++) {
      const id = `${name}-${index}`;
      const length = world.chance(150) ? world.between(2, 8) : 1;
      const reports = Array.from({ length }, (_, at) => this.#said(name, `${id}-${at}`));
      if (hasIds) this.once.set(name, [...(this.once.get(name) ?? []), ...reports.map((report) => report.requestId)]);
      // A sender that got no answer sends it again: without an id it may then be there twice, and is counted twice.
      for (let attempt = 0; hasIds || attempt < 3; attempt++) {
        try {
          await intake.take(reports, hasIds ? { id, ids: [] } : undefined);
          break;
        } catch {
          await this.#sleep(world.between(10, 500));
        }
      }
      await this.#sleep(world.chance(100) ? world.between(0, 2 * WINDOW_MS) : world.between(0, pauseMs));
    }
  }

  /** People who end alerts while they are reported. */
  async #interfere(): Promise<void> {
    const process = new SimProcess(this.#server, "people");
    const client = new Client(process.ports, { partitions: PARTITIONS, timeoutMs: 4_000 });
    for (let index = 0; index < 10; index++) {
      await this.#sleep(this.#world.between(0, 2_000));
      const alerts = this.#server.journal.entries.flatMap(({ subject }) => {
        const { kind, id } = addressOfEvents(subject)!;
        return kind === "alert" ? [id] : [];
      });
      if (alerts.length === 0) continue;
      const commands = [
        { type: "acknowledge" },
        { type: "resolve" },
        { type: "dismiss", reason: "r" },
        { type: "detach" },
      ];
      await client.ask({ kind: "alert", id: this.#world.pick(alerts) }, this.#world.pick(commands), {
        by: dispatcher,
        requestId: "p",
      });
    }
  }

  async #trouble(names: readonly string[]): Promise<void> {
    const times = this.#world.between(0, 4);
    for (let time = 0; time < times; time++) {
      await this.#sleep(this.#world.between(50, 4_000));
      const name = this.#world.pick(names);
      const victim = this.#hosts.get(name);
      if (victim === undefined) continue;
      this.#hosts.delete(name);
      if (this.#world.chance(300)) {
        await victim.engine.stop();
        await victim.host.stop();
      } else {
        victim.host.crash();
      }
      victim.board.stop();
      victim.process.crash();
      await this.#sleep(this.#world.between(0, 3_000));
      await this.#start(name);
    }
  }

  /** Until nothing waits anywhere. */
  async #settle(): Promise<void> {
    let before = -1;
    for (let quiet = 0; quiet < 3; ) {
      await this.#sleep(3_000);
      const { length } = this.#server.journal.entries;
      const hosts = [...this.#hosts.values()];
      const runs = hosts.filter(({ host }) => host.owns({ kind: "engine", id: "alerts" }));
      const waiting = runs.map(
        ({ engine: { figures } }) => figures.alertReportsWaiting + figures.alertReportsWaitingUrgent,
      );
      const reacting = hosts.some(({ host }) => host.figures.reactionsBehind > 0);
      const still = length === before && runs.length === 1 && waiting[0] === 0 && !reacting;
      quiet = still ? quiet + 1 : 0;
      before = length;
    }
    const dead = this.#server.deadLetters[0];
    if (dead !== undefined) throw new Error(`a report could not be done: ${dead.reason}`);
  }
}

const recordsIn = (server: SimServer) =>
  server.intake.entries.flatMap(({ sequence, payload, atMs }) =>
    reportsIn(sequence, payload).map(({ record }) => ({ record: record!, atMs })),
  );

/** Whatever their network does, what senders say under ids comes once, and in their order. */
function checkOnce(server: SimServer, once: ReadonlyMap<string, readonly string[]>): void {
  const records = recordsIn(server);
  for (const [name, said] of once) {
    const came = records.filter(({ record }) => record.by === name).map(({ record }) => record.requestId);
    if (came.join() !== said.join()) throw new Error(`${name} has said ${said.join()}, and there came ${came.join()}`);
  }
}

function check(
  server: SimServer,
  ordered: boolean,
  actors: Registry,
): { readonly reports: number; readonly alerts: number } {
  const images = new Map<string, Image>();
  for (const entry of server.journal.entries) {
    const { kind, id } = addressOfEvents(entry.subject)!;
    const definition = actors.get(kind)!;
    const before = images.get(`${kind}.${id}`) ?? blankImage(definition);
    if (kind === "alertgroup" && actors === registry) checkTold(id, before.state as GroupState, entry.payload);
    images.set(`${kind}.${id}`, applyEntry(definition, before, entry));
  }
  const all = [...images].filter(([key]) => key.startsWith("alert.")).map(([, { state }]) => state as Known);
  const incidents = [...images]
    .filter(([key]) => key.startsWith("incident."))
    .map(([, { state }]) => (state as { sourceAlertId: string }).sourceAlertId);
  const records = recordsIn(server);
  if (new Set(incidents).size !== incidents.length) throw new Error("an alert has made two incidents");
  if (actors === registry) checkGroups(images);
  const made = all.filter(({ madeIncident }) => madeIncident).length;
  if (made !== incidents.length)
    throw new Error(`${made} alerts say they made an incident, and there are ${incidents.length}`);
  const byKey = new Map<string, (typeof records)[number][]>();
  for (const one of records)
    byKey.set(keyOf(one.record, one.record.dedupKey).id, [
      ...(byKey.get(keyOf(one.record, one.record.dedupKey).id) ?? []),
      one,
    ]);
  for (const reports of byKey.values()) {
    const { dedupKey, keyMade } = reports[0]!.record;
    const alerts = all.filter((one) => one.dedupKey === dedupKey).sort((a, b) => a.triggered - b.triggered);
    const triggers = reports.filter(({ record }) => record.action === "trigger").length;
    const counted = alerts.reduce((sum, { count }) => sum + count, 0);
    if (counted !== triggers) throw new Error(`${dedupKey}: ${triggers} reports came and ${counted} are counted`);
    const open = alerts.filter(({ status }) => status === "open" || status === "acknowledged").length;
    if (!keyMade && open > 1) throw new Error(`${dedupKey}: ${open} alerts are open at once`);
    if (!ordered) continue;
    const told = alerts.map(({ count, status, firstSeenAt, lastSeenAt }) => ({
      count,
      status,
      firstSeenAt,
      lastSeenAt,
    }));
    const expected = oracle(reports);
    if (JSON.stringify(told) !== JSON.stringify(expected))
      throw new Error(`${dedupKey}: ${JSON.stringify(told)}, and should be ${JSON.stringify(expected)}`);
    checkFlapping(dedupKey, alerts);
  }
  return { reports: records.length, alerts: all.length };
}

/** Each alert makes its incident, but the fifth within ten minutes and those after it, which go on with the last one. */
function checkFlapping(dedupKey: string, alerts: readonly Known[]): void {
  for (const [index, { firstSeenAt, incidentId, madeIncident }] of alerts.entries()) {
    const first = alerts[index - 4]?.firstSeenAt;
    const flaps = first !== undefined && Date.parse(firstSeenAt) - Date.parse(first) <= 600_000;
    const expected = flaps ? alerts[index - 1]!.incidentId : incidentId;
    if (incidentId === null || incidentId !== expected || madeIncident === flaps)
      throw new Error(
        `${dedupKey}: alert ${index} ${flaps ? "flaps" : "does not flap"}, its incident is ${incidentId}`,
      );
  }
}

/** Nobody is told of what he was told of before, whatever died meanwhile; one commit is one notification. */
function checkTold(groupId: string, before: GroupState, payload: string): void {
  const { at, events } = JSON.parse(payload) as { at: string; events: readonly GroupEvent[] };
  const log = before.phase === "known" ? before.log : {};
  const told = new Set<string>();
  for (const event of events) {
    if (event.type !== "alertgroup.notified" || (event.reason !== "firing" && event.reason !== "repeat")) continue;
    const { receiver, reason, firing } = event;
    const last = Object.hasOwn(log, receiver) ? log[receiver] : undefined;
    const isNew = firing.some((id) => !(last?.firing.includes(id) ?? false));
    const { repeatIntervalMs } = (before as Group).route ?? {};
    const isDue = last !== undefined && Date.parse(at) - Date.parse(last.at) >= repeatIntervalMs - CLOCKS_MS;
    if (told.has(receiver) || !(reason === "firing" ? isNew : isDue))
      throw new Error(`${receiver} of group ${groupId} is told at ${at} of ${firing.join(", ")} again (${reason})`);
    told.add(receiver);
  }
}

/** Every alert that fires is in the groups where it belongs and in no other, as it is; what is over fires in none. */
function checkGroups(images: ReadonlyMap<string, Image>): void {
  const { compiled, revision } = activeRouting(undefined);
  const groups = [...images].flatMap(([key, { state }]) => {
    const group = state as GroupState;
    return key.startsWith("alertgroup.") && group.phase === "known"
      ? [{ id: key.slice("alertgroup.".length), group }]
      : [];
  });
  for (const [key, { state }] of images) {
    const it = state as Known;
    if (!key.startsWith("alert.") || it.phase !== "known" || it.status === "received") continue;
    const id = key.slice("alert.".length);
    const isOpen = it.status === "open" || it.status === "acknowledged";
    const fires = groups.filter(({ group }) => group.alerts[id] !== undefined && group.alerts[id].resolvedAt === null);
    const belongs = isOpen ? groupsFor("sim", compiled, revision, routingLabels(it)).map(({ groupId }) => groupId) : [];
    const found = fires.map((one) => one.id).sort();
    if (JSON.stringify(found) !== JSON.stringify([...belongs].sort()))
      throw new Error(`${id} is ${it.status}, fires in ${found.join(", ")} and belongs in ${belongs.join(", ")}`);
    const isKnown = fires.every(
      ({ group }) => (group.alerts[id]!.acknowledgedAt !== null) === (it.acknowledgedAt !== null),
    );
    if (!isKnown) throw new Error(`${id} is ${it.status}, and its group does not know it`);
    const isTold = fires.every(({ group: { log, flushAt } }) => {
      return flushAt !== null || Object.values(log).some((one) => one.firing.includes(id));
    });
    if (!isTold) throw new Error(`${id} is ${it.status}, and nobody was or will be told`);
  }
}

/** What the reports of a key say, read one by one. */
export function oracle(reports: readonly { readonly record: IntakeRecord; readonly atMs: number }[]) {
  const alerts: { count: number; status: string; firstSeenAt: string; lastSeenAt: string }[] = [];
  for (const { record, atMs } of reports) {
    const last = alerts.at(-1);
    const at = new Date(atMs).toISOString();
    const isOpen = last !== undefined && last.status !== "resolved";
    if (record.action === "acknowledge") {
      if (isOpen) last.status = "acknowledged";
    } else if (record.action === "resolve") {
      if (isOpen) last.status = "resolved";
    } else if (isOpen && (!record.keyMade || atMs - Date.parse(last.lastSeenAt) <= WINDOW_MS)) {
      last.count += 1;
      last.lastSeenAt = at;
    } else {
      alerts.push({ count: 1, status: "open", firstSeenAt: at, lastSeenAt: at });
    }
  }
  return alerts;
}
