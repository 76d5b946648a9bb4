import { connect, type IClientOptions, type IConnackPacket, type IPublishPacket, type MqttClient } from "mqtt";
import type { Clock, Log } from "../../runtime/ports/index.ts";

export interface SessionOptions {
  /** Such as mqtt://127.0.0.1:1883 or mqtts://broker.example. */
  readonly url: string;
  /** The broker keeps what comes while we are away under this name. Whoever connects by it takes the session over. */
  readonly clientId: string;
  readonly version: 4 | 5;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** PEM: whom to trust beside the usual ones, and who we are. */
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
}

export interface Message {
  readonly topic: string;
  readonly payload: Buffer;
  /** Of QoS 1: the broker keeps the message under it until it is acknowledged, and sends it again under the same. */
  readonly packetId: number | undefined;
  /** It was kept by the broker, from before. */
  readonly retained: boolean;
}

export interface SessionEvents {
  /** Connected. Without `present` the broker knows nothing of us from before. */
  opened(present: boolean): void;
  closed(): void;
  /** Resolves once it is done for good, and may be acknowledged. Must not reject. */
  message(message: Message): Promise<void>;
}

/** More than this are not under way at once; the broker keeps the rest. */
const UNDER_WAY_MAX = 1_000;
const RECONNECT_FIRST_MS = 500;
const RECONNECT_MAX_MS = 20_000;
/** A connection that lasted so long has nothing to do with the failures before it. */
const LASTED_MS = 10_000;
const WEEK_SECONDS = 7 * 86_400;
/** MQTT 5: somebody else connected as we. */
const TAKEN_OVER = 0x8e;

interface UnderWay {
  readonly packetId: number;
  isDone: boolean;
}

/**
 * A persistent session with a broker. Messages are worked on side by side, and acknowledged in the order in which they came,
 * each once it is done and on the connection on which it came: what is not acknowledged there, the broker sends again.
 */
export class MqttSession {
  readonly #client: MqttClient;
  readonly #events: SessionEvents;
  readonly #clock: Clock;
  /** In the order in which they came; of the connection that is open now. */
  #underWay: UnderWay[] = [];
  #isHeld: (() => void) | undefined;
  #openedMs: number | undefined;

  constructor(options: SessionOptions, events: SessionEvents, clock: Clock, log: Log) {
    this.#events = events;
    this.#clock = clock;
    this.#client = connect(options.url, optionsOf(options));
    this.#client.handleMessage = (packet, next) => this.#receive(packet, next);
    this.#client.on("connect", (connack: IConnackPacket) => this.#opened(connack));
    this.#client.on("close", () => this.#closed());
    this.#client.on("disconnect", ({ reasonCode }) => {
      if (reasonCode === TAKEN_OVER)
        log.error({ clientId: options.clientId }, "another client took the MQTT session over");
    });
    this.#client.on("error", (error) => log.warn({ error }, "MQTT"));
  }

  get connected(): boolean {
    return this.#client.connected;
  }

  /** Resolves once the broker has it. @throws when it may not have it */
  async publish(topic: string, payload: string, retain: boolean): Promise<void> {
    if (!this.#client.connected) throw new Error("the broker is not connected");
    await this.#client.publishAsync(topic, payload, { qos: 1, retain });
  }

  /** @throws when the broker refuses one of them, or went away */
  async subscribe(filters: readonly string[]): Promise<void> {
    const granted = await this.#client.subscribeAsync([...filters], { qos: 1 });
    const refused = granted.filter(({ qos }) => (qos as number) >= 128).map(({ topic }) => topic);
    if (refused.length > 0) throw new Error(`the broker refuses ${refused.join(", ")}`);
  }

  /** The broker keeps what comes from now on. */
  async stop(): Promise<void> {
    // What is under way is not waited for: it is known when it comes again.
    await this.#client.endAsync(true);
  }

  #opened({ sessionPresent }: IConnackPacket): void {
    this.#underWay = [];
    this.#openedMs = this.#clock.monotonicMs();
    this.#events.opened(sessionPresent);
  }

  #closed(): void {
    const lastedMs = this.#openedMs === undefined ? 0 : this.#clock.monotonicMs() - this.#openedMs;
    this.#openedMs = undefined;
    this.#underWay = [];
    this.#goOn();
    this.#events.closed();
    const { options } = this.#client;
    const waited = options.reconnectPeriod ?? RECONNECT_FIRST_MS;
    options.reconnectPeriod = lastedMs > LASTED_MS ? RECONNECT_FIRST_MS : Math.min(RECONNECT_MAX_MS, 2 * waited);
  }

  #receive({ topic, payload, qos, messageId, retain }: IPublishPacket, next: (error?: Error) => void): void {
    const packetId = qos === 0 ? undefined : messageId;
    const message = { topic, payload: Buffer.from(payload), packetId, retained: retain === true };
    const done = this.#events.message(message);
    // Told of an error, the library goes on and acknowledges nothing: that is ours to do, later.
    const goOn = () => (packetId === undefined ? next() : next(NOT_YET));
    if (packetId !== undefined) {
      const one: UnderWay = { packetId, isDone: false };
      this.#underWay.push(one);
      void done.then(() => {
        one.isDone = true;
        this.#acknowledge();
      });
    }
    if (this.#underWay.length < UNDER_WAY_MAX) goOn();
    else this.#isHeld = goOn;
  }

  #acknowledge(): void {
    while (this.#underWay[0]?.isDone === true) {
      const { packetId } = this.#underWay.shift()!;
      if (!this.#client.connected) continue;
      this.#client["_sendPacket"]({ cmd: "puback", messageId: packetId, reasonCode: 0 });
    }
    if (this.#underWay.length < UNDER_WAY_MAX) this.#goOn();
  }

  #goOn(): void {
    const held = this.#isHeld;
    this.#isHeld = undefined;
    held?.();
  }
}

const NOT_YET = new Error("acknowledged later");

function optionsOf({ clientId, version, username, password, ca, cert, key }: SessionOptions): IClientOptions {
  return {
    clientId,
    clean: false,
    protocolVersion: version,
    ...(version === 5 ? { properties: { sessionExpiryInterval: WEEK_SECONDS, receiveMaximum: UNDER_WAY_MAX } } : {}),
    keepalive: 30,
    connectTimeout: 10_000,
    reconnectPeriod: RECONNECT_FIRST_MS,
    reconnectOnConnackError: true,
    resubscribe: false,
    queueQoSZero: false,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
