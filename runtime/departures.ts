import { systemPrincipal } from "../schema/principal.ts";
import { type Address, addressOfStateKey, stateKey, subjects } from "../schema/subjects.ts";
import type { AnyActor, Registry } from "./actor.ts";
import type { Board } from "./board.ts";
import { expectOneSnapshotLess, readCheckpoint } from "./checkpoint.ts";
import type { Client } from "./client.ts";
import { noteDepartedUntil } from "./departed-until.ts";
import { applyEntry, blankImage, readSnapshot } from "./image.ts";
import { pause } from "./pause.ts";
import { type Archive, type JournalEntry, type Ports, PortUnavailable } from "./ports/index.ts";

export interface DepartureOptions {
  /** How long an actor has been at rest when its past leaves the journal. */
  readonly restMs: number;
  readonly everyMs: number;
  /** Actors looked at in one go: dispatch has its turn in between. */
  readonly batch: number;
}

export const departureDefaults = { everyMs: 60_000, batch: 100 };

/** Why an actor's past is in the journal still; `gone` when it is not. */
type Outcome = "gone" | "awaits the archive" | "awaits its snapshot" | "differs from the archive" | "is back";

/**
 * Takes the past of actors that have come to rest out of the journal, once the archive has it. Each step can be repeated, by
 * any host at any time, and a crash between any two loses nothing:
 * 1. The actor is asked to depart. Its last event says so, and stays in the journal for good: it is the fence.
 * 2. The archive must have every entry up to that one, byte for byte as the journal has it, its hash chain unbroken from the
 *    first on; and on its disk.
 * 3. Every board must be able to start without what goes: a snapshot of the departed actor is written, and the checkpoint is
 *    past it.
 * 4. It is noted up to where the journal is no longer whole, and the journal forgets what is below the last event. Whatever happens to the actor meanwhile comes after it.
 * 5. The snapshot goes, unless it is of something newer.
 */
export class Departures {
  readonly #registry: Registry;
  readonly #ports: Ports & { readonly archive: Archive };
  readonly #board: Board;
  readonly #client: Client;
  readonly #owns: (address: Address) => boolean;
  readonly #options: DepartureOptions;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  #departed = 0;
  #told = "";

  /** @param owns whether this host has the actor: one host is enough to ask it */
  constructor(
    registry: Registry,
    ports: Ports & { readonly archive: Archive },
    board: Board,
    client: Client,
    owns: (address: Address) => boolean,
    options: DepartureOptions,
  ) {
    this.#registry = registry;
    this.#ports = ports;
    this.#board = board;
    this.#client = client;
    this.#owns = owns;
    this.#options = options;
  }

  /** What an operator wants to know. */
  get figures() {
    return { departures: this.#departed, departing: this.#board.departing.size };
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Resolves once the step under way is done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await this.pass().catch((error) => this.#tell("departures were interrupted; they go on", { error }));
      await this.#wait();
    }
  }

  async #wait(): Promise<void> {
    const { clock } = this.#ports;
    const until = clock.monotonicMs() + this.#options.everyMs;
    while (!this.#stopped && clock.monotonicMs() < until) await pause(clock, Math.min(200, this.#options.everyMs));
  }

  /** Asks all that are due, and takes out of the journal what may go. */
  async pass(): Promise<void> {
    await this.#askThoseDue();
    for (const key of [...this.#board.departing.keys()]) {
      if (this.#stopped) return;
      const address = addressOfStateKey(key);
      const definition = address && this.#registry.get(address.kind);
      if (address === undefined || definition === undefined) continue;
      const outcome = await this.#depart(definition, address);
      if (outcome === "gone" || outcome === "is back") this.#board.departing.delete(key);
      if (outcome === "gone") this.#departed += 1;
      if (outcome === "differs from the archive") this.#tell("an actor's past stays in the journal", { key, outcome });
      if (outcome === "awaits the archive") return;
    }
  }

  async #askThoseDue(): Promise<void> {
    const { clock, ids } = this.#ports;
    const before = new Date(clock.now() - this.#options.restMs).toISOString();
    for (const { kind, departure } of this.#registry.values()) {
      if (departure === undefined) continue;
      const due: Address[] = [];
      for (const { id, state } of this.#board.all(kind)) {
        const since = departure.restsSince(state);
        if (since !== undefined && since < before && this.#owns({ kind, id })) due.push({ kind, id });
        if (due.length === this.#options.batch) break;
      }
      for (const address of due) {
        if (this.#stopped) return;
        const by = systemPrincipal("archiving");
        await this.#client.ask(address, departure.command(before) as { type: string }, { by, requestId: ids.token() });
      }
    }
  }

  async #depart(definition: AnyActor, address: Address): Promise<Outcome> {
    const { journal, archive, state } = this.#ports;
    const entries = await journal.read(subjects.eventsOf(address), 0);
    const last = entries[entries.length - 1];
    if (last === undefined || definition.departure === undefined) return "gone";
    const archived = await archive.read(address, 0, last.sequence + 1);
    if (archived[archived.length - 1]?.sequence !== last.sequence) return "awaits the archive";
    const image = foldOf(definition, archived);
    if (image === undefined || !holds(archived, entries)) return "differs from the archive";
    if (!definition.departure.hasDeparted(image.state)) return "is back";
    const snapshot = await state.get(stateKey(address));
    if (entries.length > 1) {
      const kept = snapshot && readSnapshot(snapshot.value)?.sequence === last.sequence;
      if (!kept || (await readCheckpoint(this.#ports)) < last.sequence) return "awaits its snapshot";
      await archive.onDisk();
      await noteDepartedUntil(this.#ports.config, entries[entries.length - 2]!.sequence);
      await journal.forget(last.subject, last.sequence);
    }
    const covered = snapshot && readSnapshot(snapshot.value);
    if (snapshot !== undefined && covered !== undefined && covered.sequence <= last.sequence) {
      await expectOneSnapshotLess(this.#ports);
      await state.forget(snapshot.key, snapshot.revision);
    }
    return "gone";
  }

  #tell(message: string, details: object): void {
    const text = JSON.stringify([message, details]);
    if (text === this.#told) return;
    this.#told = text;
    this.#ports.log.warn(details, message);
  }
}

/** Undefined when it is not one unbroken story from the first entry on. */
function foldOf(definition: AnyActor, entries: readonly JournalEntry[]) {
  try {
    return entries.reduce((image, entry) => applyEntry(definition, image, entry), blankImage(definition));
  } catch (error) {
    if (error instanceof PortUnavailable) throw error;
    return undefined;
  }
}

/** Byte for byte, each at its sequence. */
function holds(archived: readonly JournalEntry[], entries: readonly JournalEntry[]): boolean {
  const known = new Map(archived.map((entry) => [entry.sequence, entry]));
  return entries.every(({ sequence, subject, payload }) => {
    const one = known.get(sequence);
    return one?.payload === payload && one.subject === subject;
  });
}
