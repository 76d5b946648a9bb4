import { LiveProblem } from "./problem.ts";
import { LiveSubscription, type SubscribeOptions } from "./subscription.ts";
import type {
  ClientMessage,
  CommandAnswer,
  CommandRequest,
  Item,
  OperationId,
  WebSocketConstructor,
  WebSocketLike,
} from "./types.ts";

export interface LiveClientOptions {
  /** Of a gateway's `/ws`, or of several: the next one is tried when one is gone. */
  readonly url: string | readonly string[];
  /** A JWT, or what gets a fresh one: asked at every connection, and before the old one expires. */
  readonly token: string | (() => string | Promise<string>);
  /** Default: the one of the browser, or of Node 22 and later. */
  readonly WebSocket?: WebSocketConstructor;
  /** A ping this often; a connection that is silent for twice as long is given up. Default: 10,000 */
  readonly heartbeatMs?: number;
  /** The longest pause between two attempts to connect. Default: 15,000 */
  readonly backoffMaxMs?: number;
  readonly onState?: (state: LiveState) => void;
  /** Why it could not connect: a token that is refused, one that could not be got. It tries again all the same. */
  readonly onProblem?: (problem: Error) => void;
}

/** `waiting`: for the next attempt to connect. */
export type LiveState = "connecting" | "open" | "waiting" | "closed";

interface Pending {
  readonly message: string;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

const OPEN = 1;
const BACKOFF_MIN_MS = 250;
const TYPING_EVERY_MS = 2_500;
const SUBPROTOCOL = "tocsin.v1";

/** One connection to the live gateway that comes back by itself, with nothing lost of what is subscribed to. */
export class LiveClient {
  readonly #options: LiveClientOptions;
  readonly #urls: readonly string[];
  readonly #subscriptions = new Map<string, LiveSubscription>();
  /** Commands that were not answered yet: sent again by the next connection, under the same key. */
  readonly #commands = new Map<string, Pending>();
  /** Topic by the id of the request that subscribes to it. */
  readonly #opening = new Map<string, string>();
  /** When it was last said of each channel. */
  readonly #typingMs = new Map<string, number>();
  #socket: WebSocketLike | undefined;
  #state: LiveState = "waiting";
  #attempts = 0;
  #connections = 0;
  #ids = 0;
  #heardMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heartbeat: ReturnType<typeof setInterval> | undefined;

  constructor(options: LiveClientOptions) {
    this.#options = options;
    this.#urls = typeof options.url === "string" ? [options.url] : options.url;
    void this.#connect();
  }

  get state(): LiveState {
    return this.#state;
  }

  /** @throws when the topic is subscribed to already: whoever wants it twice shares the one */
  subscribe(topic: string, options: SubscribeOptions = {}): LiveSubscription {
    if (this.#subscriptions.has(topic)) throw new Error(`${topic} is subscribed to`);
    const line = {
      subscribe: (one: LiveSubscription) => this.#subscribe(one),
      unsubscribe: (one: LiveSubscription) => this.#unsubscribe(one),
    };
    const subscription = new LiveSubscription(line, topic, options);
    this.#subscriptions.set(topic, subscription);
    this.#subscribe(subscription);
    return subscription;
  }

  /** Done once, however often the connection breaks before its answer. @throws LiveProblem when it is refused */
  command<O extends OperationId>(operation: O, request: CommandRequest<O> = {}): Promise<CommandAnswer<O>> {
    const id = this.#newId();
    const idempotencyKey = request.idempotencyKey ?? globalThis.crypto.randomUUID();
    const message = JSON.stringify({ type: "command", id, data: { operation, ...request, idempotencyKey } });
    return new Promise((resolve, reject) => {
      if (this.#state === "closed") reject(new Error("this client is closed"));
      this.#commands.set(id, { message, resolve, reject });
      if (this.#state === "open") this.#send(message);
    });
  }

  /** To be called at every key that is pressed: it is said every few seconds, and not at all while there is no connection. */
  typing(channelId: string): void {
    const nowMs = Date.now();
    if (this.#state !== "open" || nowMs - (this.#typingMs.get(channelId) ?? 0) < TYPING_EVERY_MS) return;
    this.#typingMs.set(channelId, nowMs);
    this.#say({ type: "typing", id: this.#newId(), data: { channelId } });
  }

  /** Ends it, its subscriptions, and what waits for an answer. */
  close(): void {
    if (this.#state === "closed") return;
    this.#become("closed");
    clearTimeout(this.#timer);
    clearInterval(this.#heartbeat);
    for (const subscription of [...this.#subscriptions.values()]) subscription.close();
    for (const { reject } of this.#commands.values()) reject(new Error("this client was closed"));
    this.#commands.clear();
    this.#socket?.close(1000);
    this.#socket = undefined;
  }

  async #connect(): Promise<void> {
    this.#become("connecting");
    const attempt = ++this.#connections;
    try {
      const token = await this.#token();
      if (attempt !== this.#connections || this.#state === "closed") return;
      const Constructor = this.#options.WebSocket ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
      if (Constructor === undefined) throw new Error("there is no WebSocket here: give one as an option");
      const socket = new Constructor(this.#urls[attempt % this.#urls.length]!, [SUBPROTOCOL, `bearer.${token}`]);
      this.#socket = socket;
      this.#heardMs = Date.now();
      this.#watch(socket);
      socket.onmessage = ({ data }) => {
        if (socket === this.#socket) this.#receive(String(data));
      };
      socket.onerror = () => undefined;
      socket.onclose = () => this.#lost(socket);
    } catch (error) {
      this.#options.onProblem?.(error instanceof Error ? error : new Error(String(error)));
      this.#again();
    }
  }

  async #token(): Promise<string> {
    const { token } = this.#options;
    return typeof token === "string" ? token : token();
  }

  #watch(socket: WebSocketLike): void {
    const heartbeatMs = this.#options.heartbeatMs ?? 10_000;
    clearInterval(this.#heartbeat);
    this.#heartbeat = setInterval(() => {
      if (Date.now() - this.#heardMs > 2 * heartbeatMs) {
        // A half-open connection closes when it likes: it is not waited for.
        socket.close();
        this.#lost(socket);
      } else if (this.#state === "open") this.#say({ type: "ping", id: "ping" });
    }, heartbeatMs);
  }

  #lost(socket: WebSocketLike): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    clearInterval(this.#heartbeat);
    this.#again();
  }

  /** Full jitter: those who lost the same gateway do not all come back at once. */
  #again(): void {
    if (this.#state === "closed") return;
    this.#become("waiting");
    const longestMs = Math.min(this.#options.backoffMaxMs ?? 15_000, BACKOFF_MIN_MS * 2 ** this.#attempts++);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#connect(), Math.random() * longestMs);
  }

  #receive(text: string): void {
    this.#heardMs = Date.now();
    const message = JSON.parse(text);
    const { type, topic, request, data } = message as { type: string; topic?: string; request?: string; data: never };
    if (type === "session.opened") this.#opened(request);
    else if (type === "session.expiring") void this.#renew();
    else if (type === "command.answered" && request !== undefined) this.#settle(request)?.resolve(data);
    else if (type === "request.refused" && request !== undefined) this.#refused(request, new LiveProblem(data));
    else if (type === "request.refused") this.#options.onProblem?.(new LiveProblem(data));
    else if (topic !== undefined) {
      const subscription = this.#subscriptions.get(topic);
      if (type === "subscription.closed" && request !== undefined) return;
      if (type === "subscription.closed") this.#subscriptions.delete(topic);
      if (type === "subscription.opened" && request !== undefined) this.#opening.delete(request);
      subscription?.receive(message as Item);
    }
  }

  /** @param request of a token that was renewed; without one it is the connection itself */
  #opened(request: string | undefined): void {
    if (request !== undefined) return;
    this.#attempts = 0;
    this.#become("open");
    this.#opening.clear();
    for (const subscription of this.#subscriptions.values()) if (!subscription.paused) this.#subscribe(subscription);
    for (const { message } of this.#commands.values()) this.#send(message);
  }

  async #renew(): Promise<void> {
    const { token } = this.#options;
    if (typeof token === "string") return;
    try {
      this.#say({ type: "authenticate", id: this.#newId(), data: { token: await token() } });
    } catch {
      // The old one goes on until it expires; then the connection comes back, and asks again.
    }
  }

  #settle(request: string): Pending | undefined {
    const pending = this.#commands.get(request);
    this.#commands.delete(request);
    return pending;
  }

  #refused(request: string, problem: LiveProblem): void {
    const topic = this.#opening.get(request);
    this.#opening.delete(request);
    if (topic === undefined) this.#settle(request)?.reject(problem);
    else {
      this.#subscriptions.get(topic)?.fail(problem);
      this.#subscriptions.delete(topic);
    }
  }

  #subscribe(subscription: LiveSubscription): void {
    if (this.#state !== "open") return;
    const { topic, since, snapshot } = subscription;
    const id = this.#newId();
    this.#opening.set(id, topic);
    subscription.opening();
    this.#say({ type: "subscribe", id, data: { topic, since, snapshot } });
  }

  #unsubscribe({ topic, paused }: LiveSubscription): void {
    if (!paused) this.#subscriptions.delete(topic);
    if (this.#state === "open") this.#say({ type: "unsubscribe", id: this.#newId(), data: { topic } });
  }

  #say(message: ClientMessage): void {
    this.#send(JSON.stringify(message));
  }

  #send(message: string): void {
    if (this.#socket?.readyState === OPEN) this.#socket.send(message);
  }

  #newId(): string {
    return String(this.#ids++);
  }

  #become(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState?.(state);
  }
}
