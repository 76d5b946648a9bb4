import { reactions, registry, views } from "../../actors/registry.ts";
import { positions } from "../../actors/resource/positions.ts";
import { pushReactions } from "../../bridges/push/reactions.ts";
import { Board } from "../../runtime/board.ts";
import { cellDefaults } from "../../runtime/cell.ts";
import { readCheckpoint } from "../../runtime/checkpoint.ts";
import { Client } from "../../runtime/client.ts";
import { committerDefaults } from "../../runtime/commit.ts";
import { Coverage } from "../../runtime/coverage.ts";
import { Departures } from "../../runtime/departures.ts";
import { Host, hostDefaults } from "../../runtime/host.ts";
import type { Command, Reply } from "../../runtime/messages.ts";
import { pause } from "../../runtime/pause.ts";
import { PresenceView } from "../../runtime/presence/view.ts";
import { SimProcess } from "../../runtime/sim/process.ts";
import { type Planted, SimServer } from "../../runtime/sim/server.ts";
import { type Faults, LATE_MAX_MS, noFaults, World } from "../../runtime/sim/world.ts";
import { parseEnvelope } from "../../schema/envelope.ts";
import { isRetryable } from "../../schema/errors.ts";
import type { Policy } from "../../schema/incident.ts";
import type { Principal } from "../../schema/principal.ts";
import type { Address } from "../../schema/subjects.ts";
import { insist } from "./insist.ts";
import { type Acknowledged, checkCalls, checkChannels, checkJournal } from "./invariants.ts";

const PARTITIONS = 4;
const INCIDENTS = ["i1", "i2", "i3", "i4"];
const UNITS = ["u1", "u2", "u3"];
/** Crew and a tool: one sorts before the units and one after, so that members and carriers both come to lead. */
const MEMBERS = { a1: "personnel", z1: "equipment" } as const;
const TIME_LIMIT_MS = 20 * 60_000;
/** Nothing has happened for so many looks: then nothing is late any more, either. */
const QUIET_LOOKS = 4;

const dispatcher: Principal = { subject: "dispatcher", agencies: ["sim"], roles: ["supervisor"] };
const nobodyThere = new PresenceView(() => "");

export interface Bugs extends Planted {
  /** Commands are not recognised when they come again. */
  readonly dedupeOff?: boolean;
}

/**
 * Runs the production runtime against faulty ports: a few dispatchers, few incidents, fewer units, two hosts that die and
 * come back. Then the faults stop, everything settles, and the journal is checked.
 * @throws with what was violated; the same seed always does the same
 */
export async function runScenario(
  seed: number,
  bugs: Bugs = {},
): Promise<{
  readonly commits: number;
  readonly virtualMs: number;
  readonly collisions: number;
  readonly forgotten: number;
}> {
  const world = new World(seed);
  const server = new SimServer(world, bugs);
  const acknowledged: Acknowledged[] = [];
  const run = new Run(world, server, bugs, acknowledged, { departs: departs(seed), calls: calls(seed) });
  const done = run.play();
  let over = false;
  let failure: unknown;
  void done.then(
    () => {
      over = true;
    },
    (error: unknown) => {
      over = true;
      failure = error;
    },
  );
  await world.run(() => over, TIME_LIMIT_MS);
  if (failure !== undefined) throw failure;
  checkJournal(server.journal.entries, acknowledged);
  checkChannels(server.journal.entries);
  if (calls(seed)) checkCalls(server.journal.entries);
  run.checkBoards();
  const { entries, forgotten } = server.journal;
  return { commits: entries.length, virtualMs: world.nowMs, collisions: run.collisions, forgotten };
}

/** Over for so long, and an incident leaves the journal: in some of the runs, so that it is done while everything else is. */
const REST_MS = 3_000;
const departs = (seed: number) => seed % 4 === 0;
/** In others, crews and supervisors are called: nobody is sent for long, and phases take long, before hosts are done with dying. */
const calls = (seed: number) => seed % 4 === 2;
const hasty: Policy = {
  escalation: { 3: { unassignedMs: 300, action: "notify_supervisor", notifyAtAlarmLevel: 2 } },
  targets: { 3: { dispatchMs: 400, turnoutMs: 500, travelMs: 500, atRiskPercent: 80 } },
};

interface Running {
  readonly departures: Departures | undefined;
  readonly process: SimProcess;
  readonly host: Host;
  readonly board: Board;
}

class Run {
  readonly #world: World;
  readonly #server: SimServer;
  readonly #bugs: Bugs;
  readonly #acknowledged: Acknowledged[];
  readonly #hosts = new Map<string, Running>();
  readonly #departs: boolean;
  readonly #calls: boolean;
  #starts = 0;
  collisions = 0;

  constructor(
    world: World,
    server: SimServer,
    bugs: Bugs,
    acknowledged: Acknowledged[],
    { departs, calls }: { readonly departs: boolean; readonly calls: boolean },
  ) {
    this.#departs = departs;
    this.#calls = calls;
    this.#world = world;
    this.#server = server;
    this.#bugs = bugs;
    this.#acknowledged = acknowledged;
  }

  async play(): Promise<void> {
    const names = this.#world.chance(500) ? ["h1", "h2"] : ["h1"];
    for (const name of names) await this.#start(name);
    this.#world.faults = this.#someFaults();
    const clients = Array.from({ length: this.#world.between(1, 4) }, (_, index) => this.#dispatch(`c${index}`));
    if (this.#world.chance(700)) clients.push(this.#collide());
    const trouble = this.#trouble(names);
    await Promise.all(clients);
    this.#world.faults = noFaults;
    await trouble;
    for (const name of names) if (!this.#hosts.has(name)) await this.#start(name);
    await this.#settle();
    await this.#checkReadings();
  }

  checkBoards(): void {
    for (const [name, { board }] of this.#hosts) {
      for (const { subject } of this.#server.journal.entries) {
        const [, , kind, id] = subject.split(".");
        const last = this.#server.journal.entries.findLast((entry) => entry.subject === subject)!;
        const row = board.get({ kind: kind!, id: id! });
        const { departure } = registry.get(kind!)!;
        const hasDeparted = parseEnvelope(last.payload).events.at(-1)?.type === departure?.event;
        if (hasDeparted && row !== undefined) throw new Error(`the board of ${name} shows ${id}, which has departed`);
        if (!hasDeparted && row?.sequence !== last.sequence)
          throw new Error(`the board of ${name} shows ${kind}.${id} at ${row?.sequence}, not ${last.sequence}`);
      }
      for (const id of UNITS) {
        const records = this.#server.telemetry.records.filter(({ of }) => of.id === id);
        const last = records.map(({ payload }) => positions.readingOf(JSON.parse(payload))).findLast(Boolean);
        const shown = board.reading({ kind: "resource", id });
        if (JSON.stringify(shown) !== JSON.stringify(last))
          throw new Error(`the board of ${name} shows ${id} at ${JSON.stringify(shown)}, not ${JSON.stringify(last)}`);
      }
    }
  }

  /** Where each unit was last is written, whichever host has died with it unwritten. */
  async #checkReadings(): Promise<void> {
    const kept = new Map<string, unknown>();
    await insist(async () => {
      for await (const { key, value } of this.#server.bucket("readings").entries())
        kept.set(key, JSON.parse(value).reading);
    });
    const [{ board }] = [...this.#hosts.values()] as [Running];
    for (const id of UNITS) {
      const [shown, written] = [board.reading({ kind: "resource", id }), kept.get(`resource.${id}`)];
      if (JSON.stringify(shown) !== JSON.stringify(written))
        throw new Error(
          `the last reading of ${id} is kept as ${JSON.stringify(written)}, not ${JSON.stringify(shown)}`,
        );
    }
  }

  #someFaults(): Faults {
    const some = (most: number) => (this.#world.chance(600) ? this.#world.between(0, most) : 0);
    return { requestLost: some(60), answerLost: some(60), doubled: some(100), late: some(60), readFails: some(30) };
  }

  async #start(name: string): Promise<void> {
    const process = new SimProcess(this.#server, `${name}n${this.#starts++}`);
    process.skewMs = this.#world.chance(300) ? this.#world.between(-120_000, 120_000) : 0;
    const coverage = new Coverage(await insist(() => readCheckpoint(process.ports)));
    const board = new Board(registry, views, process.ports, coverage);
    const defaults = hostDefaults(name, PARTITIONS);
    const host = new Host(registry, process.ports, board, coverage, {
      ...defaults,
      reactions: this.#calls ? [...reactions, ...pushReactions(board, process.ports.clock, nobodyThere)] : reactions,
      committer: {
        ...committerDefaults,
        durability: this.#world.chance(500) ? "sync" : "replicated",
        groupMin: 2,
        settleMs: 20_000,
      },
      readings: { ...defaults.readings, everyMs: 1_000, circleMs: 1_000 },
      cell: { ...cellDefaults, dedupe: this.#bugs.dedupeOff !== true, holdMs: this.#world.pick([50, 1_000, 5_000]) },
    });
    const client = new Client(process.ports, { partitions: PARTITIONS, timeoutMs: 5_000 }, host);
    await insist(() => board.start());
    await insist(() => host.start());
    const departures = this.#departs ? this.#departuresOf(process, board, client, host) : undefined;
    departures?.start();
    this.#hosts.set(name, { process, host, board, departures });
  }

  #departuresOf({ ports }: SimProcess, board: Board, client: Client, host: Host): Departures {
    const options = { restMs: REST_MS, everyMs: 400, batch: 2 };
    return new Departures(
      registry,
      { ...ports, archive: this.#server.archive },
      board,
      client,
      (to) => host.owns(to),
      options,
    );
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#world.at(ms, resolve));
  }

  async #trouble(names: readonly string[]): Promise<void> {
    const times = this.#world.between(0, 3);
    for (let time = 0; time < times; time++) {
      await this.#sleep(this.#world.between(50, 2_000));
      const name = this.#world.pick(names);
      const victim = this.#hosts.get(name);
      if (victim === undefined) continue;
      this.#hosts.delete(name);
      if (this.#world.chance(700)) {
        void victim.departures?.stop();
        victim.host.crash();
        victim.board.stop();
        victim.process.crash();
      } else {
        await victim.departures?.stop();
        await victim.host.stop();
        victim.board.stop();
        victim.process.crash();
      }
      await this.#sleep(this.#world.between(0, 3_000));
      await this.#start(name);
    }
  }

  async #dispatch(name: string): Promise<void> {
    const process = new SimProcess(this.#server, name);
    const client = new Client(process.ports, { partitions: PARTITIONS, timeoutMs: 4_000 });
    const members = Object.entries(MEMBERS).map(([id, type]) => newUnit(id, type));
    const incidents = INCIDENTS.map((id) => this.#newIncident(id, "SIM-1"));
    const first = [...UNITS.map((id) => newUnit(id)), ...members, ...incidents];
    const count = first.length + this.#world.between(3, 15);
    for (let index = 0; index < count; index++) {
      // Every dispatcher tries to make all of them first: one of each wins.
      const [to, command] = first[index] ?? this.#someCommand();
      if (this.#world.chance(200)) await this.#report(process, client);
      const commandId = `${name}-${index}`;
      const reply = await this.#untilDefinite(process, client, to, command, commandId);
      if (reply?.ok === true) {
        this.#acknowledged.push({ commandId, ...to, version: reply.version });
        await this.#readBack(client, to);
        await this.#readBack(client, { kind: "resource", id: this.#world.pick(UNITS) });
      }
      await this.#sleep(this.#world.between(0, 200));
    }
  }

  /** Two who assign one unit, its crew that reports a status, and a change of that crew: all of them at the same moment. */
  async #collide(): Promise<void> {
    const times = this.#world.between(1, 4);
    for (let time = 0; time < times; time++) {
      await this.#sleep(this.#world.between(0, 1_500));
      const unitId = this.#world.pick(UNITS);
      const unit = { kind: "resource", id: unitId };
      const member = { kind: "resource", id: this.#world.pick(Object.keys(MEMBERS)) };
      const [one, other] = this.#world.chance(500) ? ["i1", "i2"] : ["i4", "i3"];
      const assign = { type: "assign", units: [{ unitId, unitType: "vehicles" }] };
      const crew = { type: "attach", carrierId: unitId, carrierType: "vehicles" };
      const status = this.#world.pick(["en_route", "on_scene", "available", "out_of_service"]);
      const commands: [Address, Command][] = [
        [{ kind: "incident", id: one! }, assign],
        [{ kind: "incident", id: other! }, assign],
        [unit, { type: "setStatus", status }],
        [member, this.#world.chance(700) ? crew : { type: "detach" }],
      ];
      this.collisions += 1;
      await Promise.all(
        commands.map(async ([to, command], index) => {
          const name = `k${time}-${index}`;
          const process = new SimProcess(this.#server, name);
          const client = new Client(process.ports, { partitions: PARTITIONS, timeoutMs: 4_000 });
          const reply = await this.#untilDefinite(process, client, to, command, name);
          if (reply?.ok === true) this.#acknowledged.push({ commandId: name, ...to, version: reply.version });
        }),
      );
    }
  }

  /** Of positions, what was acknowledged must be kept, and the boards must show the last plausible one. */
  async #report(process: SimProcess, client: Client): Promise<void> {
    const id = this.#world.pick(UNITS);
    const fixes = [
      { lat: this.#world.between(0, 1_000) / 1e6, lon: 0, at: new Date(process.ports.clock.now()).toISOString() },
    ];
    const reply = await client.report({ kind: "resource", id }, { resourceType: "vehicles", fixes }, dispatcher, "r");
    if (reply.ok && this.#server.telemetry.records[reply.sequence - 1]?.of.id !== id)
      throw new Error(`a position of ${id} was acknowledged at ${reply.sequence} and is not there`);
  }

  /** As a client with an Idempotency-Key does: the same command again, until the answer says that it is done or refused. */
  async #untilDefinite(
    process: SimProcess,
    client: Client,
    to: Address,
    command: Command,
    commandId: string,
  ): Promise<Reply | undefined> {
    const fresh = command.type === "create" && this.#world.chance(500);
    for (let attempt = 0; attempt < 30; attempt++) {
      const reply = await client.ask(to, command, {
        by: dispatcher,
        requestId: commandId,
        commandId,
        fresh: fresh && attempt === 0,
      });
      if (reply.ok || !isRetryable(reply.code)) return reply;
      // Some give up: then it may be done or not, but never twice.
      if (this.#world.chance(100)) return;
      await pause(process.ports.clock, this.#world.between(10, 300));
    }
    return;
  }

  /** Whichever host answers: what was acknowledged to anybody before one asks is in what one reads. */
  async #readBack(client: Client, of: Address): Promise<void> {
    const acknowledged = new Set(this.#acknowledged.map(({ commandId }) => commandId));
    const entries = this.#server.journal.entries.filter(({ subject }) => subject.endsWith(`.${of.kind}.${of.id}`));
    const envelopes = entries.map(({ payload }) => parseEnvelope(payload));
    const last = envelopes.findLast(({ commandId }) => acknowledged.has(commandId));
    const read = await client.read(of, dispatcher, "r");
    if (read.ok && last !== undefined && read.version < last.version)
      throw new Error(`${of.kind}.${of.id} was read at version ${read.version} after ${last.version} was acknowledged`);
  }

  #newIncident(id: string, incidentNumber: string): [Address, Command] {
    const [to, command] = newIncident(id, incidentNumber);
    return [to, this.#calls ? { ...command, policy: hasty } : command];
  }

  #someCommand(): [Address, Command] {
    const world = this.#world;
    const incident = { kind: "incident", id: world.pick(INCIDENTS) };
    const unit = { kind: "resource", id: world.pick(UNITS) };
    const member = { kind: "resource", id: world.pick(Object.keys(MEMBERS)) };
    switch (world.between(2, 18)) {
      case 2:
        return this.#newIncident(incident.id, `SIM-${world.between(2, 1e9)}`);
      case 3:
      case 4:
      case 5:
      case 6: {
        const unitIds = world.chance(300) ? [unit.id, ...UNITS.filter((id) => id !== unit.id).slice(0, 1)] : [unit.id];
        return [incident, { type: "assign", units: unitIds.map((unitId) => ({ unitId, unitType: "vehicles" })) }];
      }
      case 7:
        return [
          unit,
          {
            type: "setStatus",
            status: world.pick(["available", "en_route", "on_scene", "transporting", "returning", "out_of_service"]),
          },
        ];
      case 8:
        return [incident, { type: "resolve" }];
      case 9:
        return [incident, { type: "close", disposition: "done" }];
      case 10:
        return [incident, { type: world.pick(["cancel", "reopen"]) }];
      case 11:
      case 12:
        return [member, { type: "attach", carrierId: unit.id, carrierType: "vehicles" }];
      case 13:
        return [member, { type: "detach" }];
      case 14: {
        const [id, unitType] = world.pick(Object.entries(MEMBERS));
        const units = [
          { unitId: unit.id, unitType: "vehicles" },
          { unitId: id, unitType },
        ];
        return [incident, { type: "assign", units }];
      }
      case 15:
        return [incident, { type: "merge", duplicateId: world.pick(INCIDENTS) }];
      case 16:
        return [incident, { type: world.pick(["link", "unlink"]), incidentId: world.pick(INCIDENTS) }];
      case 17:
        return [incident, { type: "raiseAlarm", reason: "worse" }];
      default:
        return [incident, { type: "update", changes: { title: `t${world.between(0, 5)}` } }];
    }
  }

  /**
   * Until nothing is under way, the hosts have handled everything, boards show everything, and the circles of last readings
   * have come round.
   */
  async #settle(): Promise<void> {
    let before = -1;
    for (let quiet = 0; quiet < QUIET_LOOKS; ) {
      await this.#sleep(LATE_MAX_MS / QUIET_LOOKS);
      const { length } = this.#server.journal.entries;
      const kept = length + this.#server.telemetry.records.length;
      const hosts = [...this.#hosts.values()];
      const still =
        kept === before &&
        hosts.every(({ host: { figures }, board }) => {
          return figures.pendingCommits === 0 && figures.reactionsBehind === 0 && board.sequence === length;
        });
      quiet = still ? quiet + 1 : 0;
      before = kept;
    }
  }
}

export function newUnit(id: string, resourceType = "vehicles"): [Address, Command] {
  const fields = { callSign: id, name: null, category: null, capabilities: [], station: null, home: null };
  const rest = { minimumCrew: 0, location: null, status: "available", metadata: {} };
  return [
    { kind: "resource", id },
    { type: "create", agencyId: "sim", resourceType, ...fields, ...rest },
  ];
}

function newIncident(id: string, incidentNumber: string): [Address, Command] {
  const fields = { type: "fire", category: "fire", priority: 3, title: "t", description: null, location: null };
  const rest = { address: null, parentId: null, metadata: {} };
  const from = { incidentNumber, reportedById: null, sourceAlertId: null };
  return [
    { kind: "incident", id },
    { type: "create", agencyId: "sim", fields: { ...fields, ...rest }, ...from },
  ];
}
