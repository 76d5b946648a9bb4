import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { FailingWrites, WriteHealth } from "../../runtime/nats/write-health.ts";
import type { Log } from "../../runtime/ports/index.ts";
import type { NatsServer } from "./nats-server.ts";

/** Longer than any passing trouble of a server that works. */
const FAILING_MS = 5_000;
const LOOK_EVERY_MS = 1_000;
/** After a restart it has so long to work again before the next one, then twice that, and so on. */
const AGAIN_FIRST_MS = 10_000;
const AGAIN_MAX_MS = 300_000;
/** A server that starts and cannot write this much is no better than one that does not. */
const ROOM_BYTES = 1_048_576;

/**
 * Watches whether the server takes writes. A server of our own that takes none is restarted as soon as its disk takes
 * some: a stream whose disk was full does not recover by itself. Another one's operator is told, here and in the log.
 */
export class StorageKeeper {
  readonly #writes: WriteHealth;
  readonly #log: Log;
  readonly #server: NatsServer | undefined;
  readonly #dataDir: string;
  readonly #timer: NodeJS.Timeout;
  #told = "";
  #restarts = 0;
  #nextRestartMs = 0;
  #restarting: Promise<void> = Promise.resolve();

  /** @param server our own, if it is; it writes below `dataDir` */
  constructor(writes: WriteHealth, log: Log, server: NatsServer | undefined, dataDir: string) {
    this.#writes = writes;
    this.#log = log;
    this.#server = server;
    this.#dataDir = dataDir;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  /** What is wrong, for people; undefined while nothing is. */
  get trouble(): string | undefined {
    const failing = this.#writes.failingFor(FAILING_MS);
    return failing.length === 0 ? undefined : `nats-server takes no writes: ${failing.map(inWords).join("; ")}`;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#restarting;
  }

  #look(): void {
    const { trouble } = this;
    if (trouble === undefined) {
      if (this.#told !== "") this.#log.info({}, "nats-server takes writes again");
      this.#told = "";
      return;
    }
    const nowMs = performance.now();
    const full = this.#server && this.#whyNoRoom();
    const advice =
      full === undefined
        ? this.#server === undefined && "look at its disk and its log, then restart it: it may not recover by itself"
        : `there is no room in ${this.#dataDir} (${full}): make some; the rest happens by itself`;
    this.#tell(trouble, advice || "it is restarted");
    if (this.#server === undefined || full !== undefined || nowMs < this.#nextRestartMs) return;
    this.#nextRestartMs = nowMs + Math.min(AGAIN_MAX_MS, AGAIN_FIRST_MS * 2 ** this.#restarts++);
    this.#restarting = this.#server.restart(trouble);
  }

  /** Once, and again when it is another trouble. */
  #tell(trouble: string, advice: string): void {
    if (this.#told === advice) return;
    this.#told = advice;
    this.#log.error({ trouble, advice }, "nats-server takes no writes");
  }

  /** Why the disk takes nothing: full, over a quota, read-only, broken. By trying, as free space tells of the first alone. */
  #whyNoRoom(): string | undefined {
    const file = join(this.#dataDir, "room.tmp");
    try {
      const descriptor = openSync(file, "w", 0o600);
      try {
        const bytes = Buffer.alloc(ROOM_BYTES);
        if (writeSync(descriptor, bytes) < bytes.length) return "ENOSPC";
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
      return undefined;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error);
    } finally {
      rmSync(file, { force: true });
    }
  }
}

function inWords({ of, forMs, reason }: FailingWrites): string {
  return `${of} for ${Math.round(forMs / 1_000)} s (${reason})`;
}
