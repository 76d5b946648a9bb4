import type { Envelope } from "../schema/envelope.ts";
import type { ErrorCode } from "../schema/errors.ts";
import { systemPrincipal } from "../schema/principal.ts";
import { type Address, addressOfStateKey, stateKey, subjects } from "../schema/subjects.ts";
import type { TelemetryRecord } from "../schema/telemetry.ts";
import type { Reaction, Registry } from "./actor.ts";
import type { Board } from "./board.ts";
import { Cell, type CellHost, type CellOptions, type CellReply, cellDefaults } from "./cell.ts";
import { advanceCheckpoint } from "./checkpoint.ts";
import { Committer, type CommitterOptions, committerDefaults } from "./commit.ts";
import type { Coverage } from "./coverage.ts";
import { Gate } from "./gate.ts";
import { GroupWriter } from "./group-writer.ts";
import type { Image } from "./image.ts";
import { failure, type Message } from "./messages.ts";
import { pause, within } from "./pause.ts";
import { type LeaseOptions, Leases, leaseDefaults } from "./placement/leases.ts";
import { PARTITIONS_DEFAULT, partitionOf, partitionOfKey } from "./placement/partition.ts";
import type { Ports } from "./ports/index.ts";
import { Pressure } from "./pressure.ts";
import { Reactor } from "./reactor.ts";
import { type ReadingsOptions, ReadingsWriter, readingsDefaults } from "./readings-writer.ts";
import { type SnapshotOptions, SnapshotWriter, snapshotDefaults } from "./snapshot-writer.ts";

export interface HostOptions {
  readonly committer: CommitterOptions;
  readonly cell: CellOptions;
  readonly lease: LeaseOptions;
  readonly snapshots: SnapshotOptions;
  readonly readings: ReadingsOptions;
  /** How often idle actors are looked for. */
  readonly sweepEveryMs: number;
  readonly checkpointEveryMs: number;
  /** How long stopping waits for what is being handled. */
  readonly drainMs: number;
  /** What happens to one actor because of another. */
  readonly reactions: readonly Reaction[];
}

export function hostDefaults(hostId: string, partitions = PARTITIONS_DEFAULT): HostOptions {
  return {
    committer: committerDefaults,
    cell: cellDefaults,
    lease: { hostId, partitions, ...leaseDefaults },
    snapshots: snapshotDefaults,
    readings: readingsDefaults,
    sweepEveryMs: 10_000,
    checkpointEveryMs: 5_000,
    drainMs: 10_000,
    reactions: [],
  };
}

/** Sends a message to an actor wherever it lives: given to the host, which cannot know all hosts itself. */
export type Send = (to: Address, message: Message) => Promise<CellReply>;

/** The actors of the partitions that this process owns. */
export class Host implements CellHost {
  readonly ports: Ports;
  readonly committer: Committer;
  readonly pressure: Pressure;
  readonly options: CellOptions;
  readonly leases: Leases;
  readonly #registry: Registry;
  readonly #hostOptions: HostOptions;
  readonly #board: Board;
  readonly #coverage: Coverage;
  readonly #writer: SnapshotWriter;
  readonly #telemetry: GroupWriter<TelemetryRecord>;
  readonly #readings: ReadingsWriter;
  readonly #cells = new Map<string, Cell>();
  readonly #serving = new Map<number, () => void>();
  readonly #leaving = new Set<number>();
  readonly #late = new Gate(LATE_AT_ONCE);
  readonly #reactors: readonly Reactor[];
  #send: Send = (to, message) => this.deliver(to, message);
  #stopping = false;
  #cancels: (() => void)[] = [];
  #escalations = 0;
  #stopTimers: () => void = () => undefined;
  #commits = 0;

  constructor(registry: Registry, ports: Ports, board: Board, coverage: Coverage, options: HostOptions) {
    this.ports = ports;
    this.#registry = registry;
    this.#hostOptions = options;
    this.#board = board;
    this.#coverage = coverage;
    this.options = options.cell;
    this.committer = new Committer(ports.journal, ports.clock, options.committer);
    this.pressure = new Pressure(ports.clock);
    const isBusy = () => this.committer.pending > 0 || this.pressure.isHigh;
    this.#writer = new SnapshotWriter(ports, options.snapshots, coverage, isBusy);
    this.#telemetry = new GroupWriter(ports.telemetry, ports.clock.soon);
    this.#readings = new ReadingsWriter(ports, board, options.readings, (key) => {
      const address = addressOfStateKey(key);
      return address !== undefined && this.leases.owns(this.partitionOf(address));
    });
    this.#reactors = this.#reactorsOf(options.reactions);
    this.leases = new Leases(ports, options.lease, {
      gained: (partition) => this.#gained(partition),
      leaving: (partition) => this.#leave(partition),
      lost: (partition) => this.#lost(partition),
    });
  }

  /** How the actors here reach those elsewhere. */
  reachOthersBy(send: Send): void {
    this.#send = send;
  }

  send(to: Address, message: Message): Promise<CellReply> {
    return this.#send(to, message);
  }

  /** What an operator wants to know. */
  get figures() {
    return {
      activeActors: this.#cells.size,
      snapshotBacklog: this.#writer.backlog,
      uncovered: this.#coverage.size,
      pendingCommits: this.committer.pending,
      reactionsBehind: Math.max(0, ...this.#reactors.map(({ behind }) => behind)),
      commits: this.#commits,
      escalations: this.#escalations,
      partitionsOwned: this.leases.owned,
    };
  }

  /** True while this host does what it should; an actor that it could not mend makes it false until it is restarted. */
  get healthy(): boolean {
    return this.#escalations === 0;
  }

  async start(): Promise<void> {
    await this.leases.start();
    this.#stopTimers = await this.ports.timers.onDue((payload) => this.#due(payload));
    this.#writer.start();
    this.#readings.start();
    for (const reactor of this.#reactors) reactor.start();
    this.#every(this.#hostOptions.sweepEveryMs, async () => this.#sweep());
    this.#every(this.#hostOptions.checkpointEveryMs, () => this.checkpoint());
  }

  /** Answers what is being handled, writes all snapshots, and hands over its partitions. */
  async stop(): Promise<void> {
    for (const cancel of this.#cancels) cancel();
    this.#stopTimers();
    await Promise.all(this.#reactors.map((reactor) => reactor.stop()));
    this.#readings.halt();
    await this.#readings.flush();
    await this.leases.stop();
    this.#stopping = true;
    await this.#writer.stop();
    await this.#writer.flush();
    await this.checkpoint();
  }

  /** Stops at once and hands over nothing, as a killed process does: only the simulator's. */
  crash(): void {
    this.#stopping = true;
    for (const cancel of this.#cancels) cancel();
    this.#stopTimers();
    this.#writer.halt();
    this.#readings.halt();
    for (const reactor of this.#reactors) reactor.halt();
    this.leases.crash();
    for (const stop of this.#serving.values()) stop();
    this.#serving.clear();
  }

  partitionOf(address: Address): number {
    return partitionOf(address, this.leases.partitions);
  }

  owns(address: Address): boolean {
    return !this.#stopping && this.leases.owns(this.partitionOf(address));
  }

  /** Hands a message to the actor; undefined where it is known to be another host's. */
  deliverOwn(to: Address, message: Message): Promise<CellReply> | undefined {
    const key = stateKey(to);
    const partition = partitionOfKey(key, this.leases.partitions);
    if (this.#stopping || !this.leases.owns(partition)) return;
    return this.#deliver(to, key, partition, message);
  }

  /** Hands a message to the actor, if it is this host's. */
  deliver(to: Address, message: Message): Promise<CellReply> {
    const key = stateKey(to);
    return this.#deliver(to, key, partitionOfKey(key, this.leases.partitions), message);
  }

  #deliver(to: Address, key: string, partition: number, message: Message): Promise<CellReply> {
    if (this.#stopping && message.op !== "settle") return refused("stopping", "this host is stopping");
    // What is under way elsewhere comes to its end: the actors here that are part of it wait for that.
    const beginsHere = message.op !== "prepare" && message.op !== "settle";
    if (!this.leases.owns(partition) || (beginsHere && this.#leaving.has(partition))) {
      return refused("not_owner", "another host answers for this partition");
    }
    const cell = this.#cellOf(to, key, partition);
    if (cell === undefined) return refused("not_found", `no such kind of actor: ${to.kind}`);
    return cell.deliver(message);
  }

  /** What it knows is how it is: nobody else can have changed it, and nobody is known to have done so. */
  holds(cell: Cell): boolean {
    if (!this.leases.owns(cell.partition) || this.#cells.get(cell.key) !== cell) return false;
    return (this.#board.at(cell.key)?.sequence ?? 0) <= (cell.image?.sequence ?? 0);
  }

  isUnheardOf({ key }: Cell): boolean {
    return this.#board.at(key) === undefined && !this.#board.departing.has(key);
  }

  committed(cell: Cell, envelope: Envelope, image: Image): void {
    this.#commits += 1;
    this.#writer.mark(cell);
    this.#board.committed(cell.address, { agency: envelope.agency, ...image }, cell.key);
  }

  keep(record: TelemetryRecord): Promise<number> {
    return this.#telemetry.write(record);
  }

  readingOf(address: Address): unknown {
    return this.#board.reading(address);
  }

  kept(cell: Cell, sequence: number, reading: unknown): void {
    this.#board.measured(cell.address, { sequence, reading }, cell.key);
  }

  escalated(cell: Cell, error: unknown): void {
    this.#escalations += 1;
    this.ports.log.error({ actor: cell.key, error }, "an actor cannot be mended: this host is not healthy");
  }

  /** Notes how far the snapshots reach; actors that lack one for long are woken to get theirs, and their deadlines. */
  async checkpoint(): Promise<void> {
    try {
      const actors = () => (this.#board.settled ? this.#board.size : undefined);
      const isWaiting = (key: string) => {
        const cell = this.#cells.get(key);
        return cell !== undefined && this.#writer.isDirty(cell);
      };
      await advanceCheckpoint(this.ports, this.#coverage, actors, isWaiting, (key) => void this.#wake(key));
    } catch (error) {
      this.ports.log.warn({ error }, "the checkpoint could not be advanced");
    }
  }

  async #wake(key: string): Promise<void> {
    const address = addressOfStateKey(key);
    if (address === undefined || !this.owns(address)) return;
    const cell = this.#cellOf(address, key, this.partitionOf(address));
    if (cell === undefined || this.#writer.isDirty(cell)) return;
    this.#writer.mark(cell);
  }

  #cellOf(address: Address, key: string, partition: number): Cell | undefined {
    const known = this.#cells.get(key);
    if (known !== undefined) return known;
    const definition = this.#registry.get(address.kind);
    if (definition === undefined) return;
    const cell = new Cell(definition, address, partition, this);
    this.#cells.set(key, cell);
    return cell;
  }

  /** One for each kind of actor that is reacted to. */
  #reactorsOf(reactions: readonly Reaction[]): readonly Reactor[] {
    const board = this.#board;
    const host = {
      ports: this.ports,
      partitionOf: (address: Address) => this.partitionOf(address),
      send: (to: Address, message: Message) => this.send(to, message),
      pendingCommits: () => this.committer.pending,
      isPressed: () => this.pressure.isHigh,
      shown: () => board.sequence,
    };
    const kinds = [...new Set(reactions.map(({ of }) => of))];
    const reactors = kinds.map(
      (kind) =>
        new Reactor(
          kind,
          reactions.filter((reaction) => reaction.of === kind),
          host,
        ),
    );
    board.onEntry((address, entry) => {
      for (const reactor of reactors) reactor.told(address, entry);
    });
    return reactors;
  }

  #gained(partition: number): void {
    const stop = this.ports.transport.serve(subjects.commandsOf(partition), async (payload) => {
      const { to, message } = JSON.parse(payload) as { to: Address; message: Message };
      return JSON.stringify(await this.deliver(to, message));
    });
    this.#serving.get(partition)?.();
    this.#serving.set(partition, stop);
    for (const reactor of this.#reactors) reactor.gained(partition);
  }

  async #leave(partition: number): Promise<void> {
    this.#leaving.add(partition);
    const cells = [...this.#cells.values()].filter((cell) => cell.partition === partition);
    await this.#untilQuiet(cells);
    await this.#writer.flush(cells);
    this.#leaving.delete(partition);
  }

  #lost(partition: number): void {
    this.#serving.get(partition)?.();
    this.#serving.delete(partition);
    for (const reactor of this.#reactors) reactor.lost(partition);
    for (const [key, cell] of this.#cells) {
      if (cell.partition !== partition) continue;
      this.#cells.delete(key);
      this.#writer.forget(cell);
      cell.letGo();
    }
  }

  async #untilQuiet(cells: readonly Cell[]): Promise<void> {
    const giveUpAt = this.ports.clock.monotonicMs() + this.#hostOptions.drainMs;
    while (cells.some((cell) => !cell.quiet) && this.ports.clock.monotonicMs() < giveUpAt)
      await pause(this.ports.clock, 5);
  }

  /** Idle actors leave memory once a snapshot covers them. */
  #sweep(): void {
    const now = this.ports.clock.monotonicMs();
    for (const [key, cell] of this.#cells) {
      if (now - cell.lastUsedMs < cell.idleMs || !cell.quiet || this.#writer.isDirty(cell)) continue;
      this.#cells.delete(key);
    }
  }

  /**
   * A deadline is due. After hours without a host there are tens of thousands at once: those that are late already take
   * turns, so that who is here now, and what is due now, need not wait for all of them.
   */
  #due(payload: string): Promise<void> {
    const ring = JSON.parse(payload) as Ring;
    const isLate = this.ports.clock.now() - Date.parse(ring.at) > LATE_MS;
    return isLate ? this.#late.pass(() => this.#ring(ring)) : this.#ring(ring);
  }

  /** Its actor decides whether it still means anything. Rejecting makes it ring again. */
  async #ring({ kind, id, name, at, command }: Ring): Promise<void> {
    const cause = `deadline:${name}:${at}`;
    const reply = await within(
      this.ports.clock,
      DUE_TIMEOUT_MS,
      this.#send(
        { kind, id },
        {
          op: "command",
          by: systemPrincipal("deadline"),
          requestId: this.ports.ids.token(),
          // The same ring always has the same id, so that ringing twice does it once.
          commandId: `${kind}.${id}.${name}.${at}`,
          command,
          cause,
        },
      ),
      () => failure("no_host", "no answer in time"),
    );
    if (!reply.ok && (reply.code === "not_owner" || reply.code === "no_host" || reply.code === "stopping")) {
      throw new Error(`the deadline of ${kind}.${id} found no host: ${reply.code}`);
    }
  }

  #every(everyMs: number, action: () => Promise<void>): void {
    let cancelled = false;
    let cancel: () => void = () => undefined;
    const next = () => {
      cancel = this.ports.clock.after(everyMs, () => {
        void action().finally(() => {
          if (!cancelled) next();
        });
      });
    };
    next();
    this.#cancels.push(() => {
      cancelled = true;
      cancel();
    });
  }
}

const DUE_TIMEOUT_MS = 20_000;
/** A deadline this much past its time is no alarm of this moment. */
const LATE_MS = 10_000;
/** Late ones under way at once: a few per cent of what a host can do. */
const LATE_AT_ONCE = 4;

interface Ring {
  readonly kind: string;
  readonly id: string;
  readonly name: string;
  readonly at: string;
  readonly command: { readonly type: string };
}

function refused(code: ErrorCode, detail: string): Promise<CellReply> {
  return Promise.resolve(failure(code, detail));
}
