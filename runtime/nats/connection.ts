import { connect, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { within } from "../pause.ts";
import { type Clock, type Log, PortUnavailable, UncertainOutcome } from "../ports/index.ts";
import { MessageHeaders } from "./message-headers.ts";
import { WriteHealth } from "./write-health.ts";

/** Older servers lack atomic batches with schedules, counters and per-key TTL as used here. */
const SERVER_AT_LEAST = [2, 14] as const;

const PUBLISH_TIMEOUT_MS = 5_000;

/** The answer of JetStream to a publish. */
export interface Ack {
  readonly seq: number;
  readonly val?: string;
  /** Of one by itself: a message of its id is there already. */
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code: number; readonly description: string };
}

export interface ConnectionOptions {
  /** How long to wait for the server to come up. */
  readonly waitMs?: number;
  /** False: what this connection publishes does not come back to what it has subscribed to. */
  readonly echo?: boolean;
  /** Where it is noted what the server takes and what not; default: its own. */
  readonly writes?: WriteHealth;
}

interface Pending {
  readonly resolve: (ack: Ack) => void;
  readonly reject: (error: Error) => void;
  readonly sentMs: number;
  readonly subject: string;
}

/**
 * One connection, and publishing with as little as possible around it: one inbox, one map of what waits for an answer, one
 * timer for all time-outs.
 */
export class Connection {
  readonly nc: NatsConnection;
  readonly writes: WriteHealth;
  readonly #inbox: string;
  readonly #pending = new Map<string, Pending>();
  readonly #clock: Clock;
  #next = 0;
  #cancelSweep: () => void = () => undefined;
  #connected = true;

  private constructor(nc: NatsConnection, clock: Clock, token: string, writes: WriteHealth) {
    this.nc = nc;
    this.writes = writes;
    this.#clock = clock;
    this.#inbox = `_INBOX.tocsin.${token}.`;
    nc.subscribe(`${this.#inbox}*`, { callback: (_error, message) => this.#answered(message) });
    this.#sweep();
  }

  /** @throws when the server is too old, naming it; waits for it to come up otherwise, for `waitMs` */
  static async open(
    url: string,
    clock: Clock,
    log: Log,
    token: string,
    { waitMs = 10_000, echo = true, writes = new WriteHealth() }: ConnectionOptions = {},
  ): Promise<Connection> {
    const connecting = connect({
      servers: url.split(","),
      name: `tocsin-${token}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      reconnectJitter: 50,
      pingInterval: 10_000,
      noAsyncTraces: true,
      noEcho: !echo,
      waitOnFirstConnect: true,
      timeout: waitMs,
      ignoreAuthErrorAbort: true,
    });
    const nc = await within(clock, waitMs, connecting, () => undefined);
    if (nc === undefined) {
      // It goes on trying for ever: what it finds after all is not wanted any more.
      void connecting.then((late) => late.close()).catch(() => undefined);
      throw new PortUnavailable(`no nats-server answers at ${url} (tried for ${waitMs / 1_000} s)`);
    }
    const version = nc.info?.version ?? "unknown";
    const [major = 0, minor = 0] = version.split(".").map(Number);
    if (major < SERVER_AT_LEAST[0] || (major === SERVER_AT_LEAST[0] && minor < SERVER_AT_LEAST[1])) {
      await nc.close();
      throw new Error(`nats-server ${version} at ${url} is too old: ${SERVER_AT_LEAST.join(".")} or newer is needed`);
    }
    const connection = new Connection(nc, clock, token, writes);
    void connection.#watch(log);
    return connection;
  }

  get connected(): boolean {
    return this.#connected;
  }

  get serverVersion(): string {
    return this.nc.info?.version ?? "unknown";
  }

  /** @throws UncertainOutcome when no answer came; PortUnavailable when it surely was not sent */
  publish(subject: string, payload: string, header?: MessageHeaders): Promise<Ack> {
    if (!this.#connected) return Promise.reject(new PortUnavailable("not connected to nats-server"));
    const token = String(this.#next++);
    return new Promise((resolve, reject) => {
      this.#pending.set(token, { resolve, reject, sentMs: this.#clock.monotonicMs(), subject });
      this.send(subject, payload, header, this.#inbox + token);
    });
  }

  /** Without waiting for anything: only for what a later answer covers. */
  send(subject: string, payload: string, header?: MessageHeaders, reply?: string): void {
    // Encoded here: the client's encoder takes three times as long.
    this.nc.publish(subject, Buffer.from(payload), {
      ...(header === undefined ? {} : { headers: header.forClient }),
      ...(reply === undefined ? {} : { reply }),
    });
  }

  async close(): Promise<void> {
    this.#cancelSweep();
    await this.nc.close();
    this.#failAll();
  }

  #answered(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length);
    const pending = this.#pending.get(token);
    if (pending === undefined) return;
    this.#pending.delete(token);
    if (message.headers?.code === 503) {
      this.writes.failed(pending.subject, "JetStream does not answer", this.#clock.monotonicMs());
      pending.reject(new PortUnavailable("JetStream does not answer for this subject"));
      return;
    }
    const ack = JSON.parse(message.string()) as Ack;
    if (ack.error === undefined || isFenceError(ack.error.err_code) || isRepeated(ack))
      this.writes.succeeded(pending.subject);
    else this.writes.failed(pending.subject, ack.error.description, this.#clock.monotonicMs());
    pending.resolve(ack);
  }

  #sweep(): void {
    this.#cancelSweep = this.#clock.after(1_000, () => {
      const nowMs = this.#clock.monotonicMs();
      for (const [token, { sentMs, reject, subject }] of this.#pending) {
        if (sentMs > nowMs - PUBLISH_TIMEOUT_MS) break;
        this.#pending.delete(token);
        this.writes.failed(subject, "no answer in time", nowMs);
        reject(new UncertainOutcome("JetStream did not answer in time"));
      }
      this.#sweep();
    });
  }

  /** What was under way when the connection broke may have arrived or not: better known at once than after a time-out. */
  #failAll(): void {
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of lost) reject(new UncertainOutcome("the connection to nats-server broke"));
  }

  async #watch(log: Log): Promise<void> {
    for await (const status of this.nc.status()) {
      if (status.type === "disconnect") {
        this.#connected = false;
        this.#failAll();
        log.warn({}, "disconnected from nats-server");
      } else if (status.type === "reconnect") {
        this.#connected = true;
        this.writes.forget();
        log.info({}, "connected to nats-server again");
      }
    }
  }
}

const FENCE = "Nats-Expected-Last-Subject-Sequence";

export function fenced(expectedSequence: number): MessageHeaders {
  return new MessageHeaders().set(FENCE, expectedSequence);
}

export interface BatchMessage {
  readonly subject: string;
  readonly payload: string;
  readonly header: MessageHeaders;
}

/** All or nothing in one round trip: all but the last are sent without waiting, the last one commits. One goes by itself. */
export function publishBatch(
  connection: Connection,
  newBatchId: () => string,
  messages: readonly BatchMessage[],
): Promise<Ack> {
  const [only] = messages;
  if (only !== undefined && messages.length === 1) return connection.publish(only.subject, only.payload, only.header);
  const batchId = newBatchId();
  messages.forEach(({ header }, index) => {
    header.set("Nats-Batch-Id", batchId).set("Nats-Batch-Sequence", index + 1);
  });
  const last = messages[messages.length - 1]!;
  for (const { subject, payload, header } of messages.slice(0, -1)) connection.send(subject, payload, header);
  last.header.set("Nats-Batch-Commit", "1");
  return connection.publish(last.subject, last.payload, last.header);
}

/** Error codes that say: a fence failed. They differ by version and by what else was under way. */
const FENCE_ERRORS: ReadonlySet<number> = new Set([10071, 10158, 10164]);

function isFenceError(code: number): boolean {
  return FENCE_ERRORS.has(code);
}

/** What a batch is refused with as a whole when it has a message whose id is known, or two of the same. */
const REPEATED = 10201;

/** Nothing was kept, as something of it is there already. */
export function isRepeated({ duplicate, error }: Ack): boolean {
  return duplicate === true || error?.err_code === REPEATED;
}

/**
 * @returns the sequence of the last message, or undefined when a fence failed
 * @throws UncertainOutcome for any other refusal: the caller looks and tries again
 */
export function sequenceOf(ack: Ack): number | undefined {
  if (ack.error === undefined) return ack.seq;
  if (isFenceError(ack.error.err_code)) return;
  throw new UncertainOutcome(`JetStream refused: ${ack.error.description} (${ack.error.err_code})`);
}
