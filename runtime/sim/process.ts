import type { Clock, Ids, IntakeEntry, Log, Ports } from "../ports/index.ts";
import { EPOCH_MS, type SimServer } from "./server.ts";

/** One process's view of the simulated world. Once it has crashed, nothing it started goes on. */
export class SimProcess {
  readonly ports: Ports;
  readonly #server: SimServer;
  /** How far this process's wall clock is off. */
  skewMs = 0;
  alive = true;
  readonly #undo: (() => void)[] = [];
  #ids = 0;

  constructor(server: SimServer, name: string, log: Log = silent) {
    this.#server = server;
    const { world } = server;
    const clock: Clock = {
      now: () => Math.floor(EPOCH_MS + world.nowMs + this.skewMs),
      monotonicMs: () => world.nowMs,
      after: (delayMs, callback) => {
        let cancelled = false;
        world.at(delayMs, () => {
          if (!cancelled && this.alive) callback();
        });
        return () => {
          cancelled = true;
        };
      },
      soon: (callback) => world.at(0, () => this.alive && callback()),
    };
    const ids: Ids = {
      uuidV7: () => `${name}-${this.#ids++}-${world.between(0, 1e9)}`,
      token: () => `${name}${this.#ids++}x${world.between(0, 1e9)}`,
      random: () => world.random(),
    };
    this.ports = {
      clock,
      ids,
      log,
      journal: server.journal,
      archive: server.archive,
      telemetry: server.telemetry,
      intake: {
        append: (entries) => server.intake.append(entries),
        appendOnce: (entries) => server.intake.appendOnce(entries),
        follow: async (subject, after, onEntry) => {
          const handle = (entry: IntakeEntry) => (this.alive ? onEntry(entry) : new Promise<void>(() => undefined));
          return this.#undoable(await server.intake.follow(subject, after, handle));
        },
      },
      state: server.bucket("state"),
      readings: server.bucket("readings"),
      leases: server.bucket("leases"),
      config: server.bucket("config"),
      requests: server.bucket("requests"),
      keys: server.bucket("keys"),
      presence: server.bucket("presence"),
      timers: {
        set: (timers) => server.call(() => timers.forEach((timer) => void server.ring(timer))),
        onDue: async (handler) => {
          const guarded = (payload: string) => (this.alive ? handler(payload) : new Promise<void>(() => undefined));
          server.ringers.add(guarded);
          return this.#undoable(() => server.ringers.delete(guarded));
        },
      },
      transport: {
        request: (subject, payload) => server.request(subject, payload),
        serve: (subject, handler) => this.#serve(subject, handler),
        tell: (subject, payload) => server.tell(subject, payload),
        hear: (subject, handler) => {
          const hearer = { subject, handler };
          server.hearers.add(hearer);
          return this.#undoable(() => server.hearers.delete(hearer));
        },
      },
      numbers: {
        reserve: (subject, count) =>
          server.call(() => {
            const value = (server.counters.get(subject) ?? 0) + count;
            server.counters.set(subject, value);
            return value;
          }),
        value: (subject) => server.ask(() => server.counters.get(subject) ?? 0),
      },
      deadLetters: {
        put: async (letter) => {
          server.deadLetters.push({ ...letter, sequence: ++server.deadLettersEver });
        },
        list: async (limit, after = 0) => server.deadLetters.filter(({ sequence }) => sequence > after).slice(0, limit),
        remove: async (sequence) => {
          const index = server.deadLetters.findIndex((letter) => letter.sequence === sequence);
          if (index >= 0) server.deadLetters.splice(index, 1);
        },
      },
    };
  }

  /** Everything this process serves and waits for is gone at once. What it has sent is on its way all the same. */
  crash(): void {
    this.alive = false;
    for (const undo of this.#undo) undo();
  }

  #serve(subject: string, handler: (payload: string) => Promise<string>): () => void {
    const partition = subject.split(".")[2]!;
    const key = `cmd.${partition}`;
    const handlers = this.#server.services.get(key) ?? new Set();
    this.#server.services.set(key, handlers);
    const guarded = (payload: string) => (this.alive ? handler(payload) : new Promise<string>(() => undefined));
    handlers.add(guarded);
    return this.#undoable(() => handlers.delete(guarded));
  }

  #undoable(undo: () => void): () => void {
    this.#undo.push(undo);
    return undo;
  }
}

export const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
