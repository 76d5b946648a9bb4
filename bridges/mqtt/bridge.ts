import type { Board } from "../../runtime/board.ts";
import { KeyedQueue } from "../../runtime/keyed-queue.ts";
import { pause } from "../../runtime/pause.ts";
import { DISPATCH_TOPICS, type MqttTopic } from "../../schema/mqtt.ts";
import { type Address, mqttSessionKey } from "../../schema/subjects.ts";
import { Downlink } from "./downlink.ts";
import { Inbound, type InboundParts } from "./inbound.ts";
import { levelsOf } from "./levels.ts";
import { readerOf } from "./reading.ts";
import { MqttSession, type SessionOptions } from "./session.ts";
import { Units } from "./units.ts";

/** Whoever owns this address's partition has the session: no lease beside those that there are. */
const BRIDGE: Address = { kind: "engine", id: "mqtt" };
const LOOK_EVERY_MS = 200;
const RETRY_MS = 1_000;

export interface BridgeParts extends Omit<InboundParts, "read" | "units"> {
  readonly board: Board;
  /** Does this process's host own the partition of the address? */
  readonly owns: (address: Address) => boolean;
  readonly session: SessionOptions;
  readonly topics: readonly MqttTopic[];
}

interface Running {
  readonly session: MqttSession;
  readonly inbound: Inbound;
  readonly downlink: Downlink;
}

/** Between a broker and the core: what devices and units say, and what units are sent to. One host at a time has it. */
export class MqttBridge {
  readonly #parts: BridgeParts;
  readonly #subscriptions: readonly string[];
  #running: Running | undefined;
  #cancel: () => void = () => undefined;
  #isStopping = false;
  #done = 0;
  #refused = 0;

  constructor(parts: BridgeParts) {
    this.#parts = parts;
    const filters = parts.topics.map(({ filter }) => levelsOf(filter).subscription);
    this.#subscriptions = [...new Set([...filters, DISPATCH_TOPICS])];
    parts.board.onEntry((address) => this.#running?.downlink.changed(address));
  }

  get figures() {
    const now = this.#running?.inbound.figures;
    return {
      mqttConnected: this.#running?.session.connected === true ? 1 : 0,
      mqttMessagesDone: this.#done + (now?.mqttMessagesDone ?? 0),
      mqttMessagesRefused: this.#refused + (now?.mqttMessagesRefused ?? 0),
      mqttDispatchesTold: this.#running?.downlink.count ?? 0,
    };
  }

  /** Publishes by the connection that there is; undefined while this host has none. */
  get publish(): ((topic: string, payload: string) => Promise<void>) | undefined {
    const session = this.#running?.session;
    return session?.connected === true ? (topic, payload) => session.publish(topic, payload, false) : undefined;
  }

  start(): void {
    this.#cancel = this.#parts.ports.clock.after(LOOK_EVERY_MS, () => {
      const isOwned = this.#parts.owns(BRIDGE);
      if (isOwned && this.#running === undefined) this.#running = this.#begin();
      else if (!isOwned && this.#running !== undefined) void this.#end(this.#running);
      if (!this.#isStopping) this.start();
    });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#cancel();
    if (this.#running !== undefined) await this.#end(this.#running);
  }

  #begin(): Running {
    const { ports, intake, executor, board, session: options, topics } = this.#parts;
    const { clock, log } = ports;
    const units = new Units(board, () => clock.monotonicMs());
    const inbound = new Inbound({ ports, intake, executor, units, read: readerOf(topics) });
    const queue = new KeyedQueue();
    let identity: Promise<string> = Promise.resolve("");
    const session: MqttSession = new MqttSession(
      options,
      {
        opened: (isPresent) => {
          identity = this.#identityOf(options.clientId, isPresent);
          void this.#subscribe(session).then(() => downlink.open());
        },
        message: (message) => {
          if (isDispatch(message.topic)) {
            if (message.retained) downlink.kept(message.topic, message.payload.toString());
            return Promise.resolve();
          }
          // What a device says is done in the order in which it says it.
          return queue.run(message.topic, async () => inbound.take(message, await identity));
        },
        closed: () => downlink.close(),
      },
      clock,
      log,
    );
    const downlink = new Downlink(
      board,
      (topic, payload) => session.publish(topic, payload, true),
      (error) => log.warn({ error }, "a unit could not be told by MQTT; it will be"),
    );
    return { session, inbound, downlink };
  }

  async #end({ session, inbound, downlink }: Running): Promise<void> {
    this.#running = undefined;
    inbound.stop();
    downlink.close();
    await session.stop();
    this.#done += inbound.figures.mqttMessagesDone;
    this.#refused += inbound.figures.mqttMessagesRefused;
  }

  /** Resolves once it is done, or the connection is gone: the next one subscribes anew. */
  async #subscribe(session: MqttSession): Promise<void> {
    const { clock, log } = this.#parts.ports;
    while (session.connected) {
      try {
        return await session.subscribe(this.#subscriptions);
      } catch (error) {
        log.warn({ error }, "MQTT topics cannot be listened to; they will be");
        await pause(clock, RETRY_MS);
      }
    }
  }

  /** Of the broker's session, whoever of us has it: packet ids mean something within it. */
  async #identityOf(clientId: string, isPresent: boolean): Promise<string> {
    const { config, ids, clock, log } = this.#parts.ports;
    const key = mqttSessionKey(clientId);
    const fresh = ids.token();
    while (true) {
      try {
        const known = isPresent ? await config.get(key) : undefined;
        if (known !== undefined) return known.value;
        await config.put([{ key, value: fresh }]);
        return fresh;
      } catch (error) {
        log.warn({ error }, "the MQTT session cannot be noted; it will be");
        await pause(clock, RETRY_MS);
      }
    }
  }
}

const dispatch = levelsOf(DISPATCH_TOPICS);
const isDispatch = (topic: string) => dispatch.read(topic) !== undefined;
