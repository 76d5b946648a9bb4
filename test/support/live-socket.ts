import { WebSocket } from "ws";
import type { WebSocketConstructor } from "../../client/types.ts";
import { until } from "./until.ts";

/**
 * Another package's WebSocket, as the client takes it. Their types tell of events more narrowly than a browser does; that
 * they work is what the tests try.
 */
export const asBrowsers = (socket: unknown) => socket as WebSocketConstructor;

/** A frame as it came. */
export interface Frame {
  readonly specversion: string;
  readonly id: string;
  readonly type: string;
  readonly topic?: string;
  readonly request?: string;
  readonly subject?: string;
  readonly offset?: string;
  readonly [attribute: string]: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came
  readonly data: any;
}

/** A bare socket of the `ws` package, that keeps all it hears. */
export class LiveSocket {
  readonly frames: Frame[] = [];
  readonly socket: WebSocket;
  closedWith: number | undefined;
  #next = 0;

  constructor(url: string, protocols: string[] = [], options: object = {}) {
    this.socket = new WebSocket(`${url.replace("http", "ws")}/ws`, protocols, options);
    this.socket.on("message", (data) => this.frames.push(JSON.parse(String(data))));
    this.socket.on("close", (code) => {
      this.closedWith = code;
    });
    this.socket.on("error", () => undefined);
  }

  /** With a token beside the subprotocol, and a session. */
  static async open(url: string, token: string): Promise<LiveSocket> {
    const socket = new LiveSocket(url, ["tocsin.v1", `bearer.${token}`]);
    await socket.heard("session.opened");
    return socket;
  }

  say(type: string, data: unknown = {}): string {
    const id = `r${this.#next++}`;
    this.socket.send(JSON.stringify({ type, id, data }));
    return id;
  }

  /** Asks, and waits for what names the request. */
  async ask(type: string, data: unknown = {}): Promise<Frame> {
    const id = this.say(type, data);
    await until(`${type} is answered`, () => this.frames.some(({ request }) => request === id));
    return this.frames.find(({ request }) => request === id)!;
  }

  /** Subscribes, and waits until everything until now has come. */
  async follow(topic: string, more: object = {}): Promise<Frame> {
    const opened = await this.ask("subscribe", { topic, ...more });
    if (opened.type === "subscription.opened") await this.heard("subscription.live", topic);
    return opened;
  }

  async heard(type: string, topic?: string): Promise<Frame> {
    const fits = (frame: Frame) => frame.type === type && (topic === undefined || frame.topic === topic);
    await until(`${type} came`, () => this.frames.some(fits));
    return this.frames.find(fits)!;
  }

  /** Waits for the close code. */
  async closed(): Promise<number> {
    await until("the socket is closed", () => this.closedWith !== undefined);
    return this.closedWith!;
  }

  /** Of a topic: what happened, without what is said of the subscription. */
  eventsOf(topic: string): Frame[] {
    return this.frames.filter((frame) => frame.topic === topic && !frame.type.startsWith("subscription."));
  }

  close(): void {
    this.socket.terminate();
  }
}
