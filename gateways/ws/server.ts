import type { Registry } from "../../runtime/actor.ts";
import type { Board, Views } from "../../runtime/board.ts";
import type { Client } from "../../runtime/client.ts";
import { readDepartedUntil } from "../../runtime/departed-until.ts";
import type { Ports } from "../../runtime/ports/index.ts";
import type { Presence } from "../../runtime/presence/presence.ts";
import type { Vault } from "../../runtime/vault/vault.ts";
import { liveLimits } from "../../schema/live/limits.ts";
import { SUBPROTOCOL, TOKEN_SUBPROTOCOL } from "../../schema/live/messages.ts";
import type { Principal } from "../../schema/principal.ts";
import type { Executor } from "../executor.ts";
import type { Authenticator } from "../http/authentication.ts";
import type { TemplatedApp, WebSocket } from "../http/uws.ts";
import { Connection, Outbox } from "./connection.ts";
import { FanOut } from "./fan-out.ts";
import { MessageEvents } from "./message-events.ts";
import { Session, type SessionServices } from "./session.ts";
import type { Live } from "./subscription.ts";
import { Typing } from "./typing.ts";

export interface LiveServices {
  readonly ports: Ports;
  readonly registry: Registry;
  readonly views: Views;
  readonly board: Board;
  readonly client: Client;
  readonly executor: Executor;
  readonly authenticator: Authenticator;
  readonly vault: Vault;
  readonly presence: Presence;
}

/** What rides along on a socket. */
interface Riding {
  readonly authorization: string;
  session?: Session;
}

/** Frames larger than this are not even read: uWebSockets.js cuts the connection. Between the two there is an answer. */
const FRAME_CUT_BYTES = 4 * liveLimits.frameBytes;
const TOKEN_IN_URL = /(?:^|&)(?:access_)?token=|(?:^|&)authorization=/i;

/** The live gateway: sockets in, one journal out. It shares the port of HTTP. */
export class LiveGateway {
  readonly #services: LiveServices;
  readonly #fanOut: FanOut;
  readonly #typing: Typing;
  readonly #sessions = new Set<Session>();
  readonly #perPrincipal = new Map<string, number>();
  readonly #outbox: Outbox;
  readonly #sessionServices: SessionServices;
  #cancelCheck: () => void = () => undefined;
  #stopping = false;

  private constructor(services: LiveServices, epoch: string) {
    const { board, registry, views, ports, client, executor, authenticator } = services;
    this.#services = services;
    this.#outbox = new Outbox(ports.clock);
    const onGap = () => this.#closeAll(4409, "gap");
    this.#fanOut = new FanOut({ registry, views, board, epoch, log: ports.log, onGap });
    board.tell(this.#fanOut);
    this.#typing = new Typing(ports, board);
    const { journal, clock, config, log } = ports;
    const departedUntil = () => readDepartedUntil(config);
    const live: Live = {
      ...{ board, registry, views, journal, clock, log, epoch, departedUntil },
      fanOut: this.#fanOut,
      messages: new MessageEvents({ vault: services.vault, log, epoch }),
      presence: services.presence.view,
      typing: this.#typing,
    };
    const admit = (session: Session, principal: Principal) => this.#admit(session, principal);
    const { presence } = services;
    this.#sessionServices = { ports, live, client, board, executor, authenticator, presence, admit };
    this.#check();
  }

  /** To be called once the board has caught up, and before this process commits anything. */
  static async start(services: LiveServices): Promise<LiveGateway> {
    return new LiveGateway(services, await services.ports.journal.identity());
  }

  get figures(): Readonly<Record<string, number>> {
    let liveSubscriptions = 0;
    let liveSlowSockets = 0;
    for (const { subscriptions, connection } of this.#sessions) {
      liveSubscriptions += subscriptions;
      if (connection.slow) liveSlowSockets += 1;
    }
    return {
      liveSockets: this.#sessions.size,
      liveSubscriptions,
      liveSlowSockets,
      liveFramesSent: this.#outbox.frames,
    };
  }

  attach(app: TemplatedApp): void {
    app.ws<Riding>("/ws", {
      maxPayloadLength: FRAME_CUT_BYTES,
      // It is never reached: a socket with anything buffered is given no more.
      maxBackpressure: 2 * liveLimits.backlogBytes,
      idleTimeout: liveLimits.idleSeconds,
      sendPingsAutomatically: true,
      upgrade: (response, request, context) => {
        if (TOKEN_IN_URL.test(request.getQuery())) {
          response.writeStatus("400 Bad Request").end("a token in a URL ends up in logs: send it as /docs/ws says\n");
          return;
        }
        const offered = request
          .getHeader("sec-websocket-protocol")
          .split(",")
          .map((one) => one.trim());
        const token = offered.find((one) => one.startsWith(TOKEN_SUBPROTOCOL))?.slice(TOKEN_SUBPROTOCOL.length);
        response.upgrade<Riding>(
          { authorization: token === undefined ? request.getHeader("authorization") : `Bearer ${token}` },
          request.getHeader("sec-websocket-key"),
          offered.includes(SUBPROTOCOL) ? SUBPROTOCOL : "",
          request.getHeader("sec-websocket-extensions"),
          context,
        );
      },
      open: (socket) => this.#opened(socket),
      message: (socket, message, isBinary) => socket.getUserData().session?.received(message, isBinary),
      drain: (socket) => socket.getUserData().session?.connection.drained(),
      close: (socket) => this.#closed(socket.getUserData().session),
    });
  }

  /** Tells everybody to come back elsewhere. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancelCheck();
    this.#typing.stop();
    this.#closeAll(1001, "going away");
  }

  #opened(socket: WebSocket<Riding>): void {
    const riding = socket.getUserData();
    const session = new Session(new Connection(socket, this.#outbox), this.#sessionServices);
    riding.session = session;
    this.#sessions.add(session);
    if (this.#stopping) session.close(1001, "going away");
    else session.opened(riding.authorization);
  }

  #closed(session: Session | undefined): void {
    if (session === undefined || !this.#sessions.delete(session)) return;
    session.closed();
    const subject = session.principal?.subject;
    const count = subject === undefined ? undefined : this.#perPrincipal.get(subject);
    if (subject === undefined || count === undefined) return;
    if (count > 1) this.#perPrincipal.set(subject, count - 1);
    else this.#perPrincipal.delete(subject);
  }

  #admit(session: Session, { subject, unlimited }: Principal): boolean {
    if (!this.#sessions.has(session)) return false;
    const count = this.#perPrincipal.get(subject) ?? 0;
    if (unlimited !== true && count >= liveLimits.socketsPerPrincipal) return false;
    this.#perPrincipal.set(subject, count + 1);
    return true;
  }

  #closeAll(code: 1001 | 4409, reason: string): void {
    for (const session of [...this.#sessions]) session.close(code, reason);
  }

  #check(): void {
    const { clock } = this.#services.ports;
    this.#cancelCheck = clock.after(CHECK_EVERY_MS, () => {
      for (const session of [...this.#sessions]) session.check(clock.now(), clock.monotonicMs());
      this.#check();
    });
  }
}

const CHECK_EVERY_MS = 1_000;
