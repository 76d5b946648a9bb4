import type { Client } from "../../runtime/client.ts";
import type { Log, Ports } from "../../runtime/ports/index.ts";
import type { Presence, Visit } from "../../runtime/presence/presence.ts";
import type { CloseCode } from "../../schema/live/close-codes.ts";
import { liveLimits } from "../../schema/live/limits.ts";
import { clientMessage, type ServerMessages } from "../../schema/live/messages.ts";
import { parseTopic, type Topic } from "../../schema/live/topics.ts";
import type { Principal } from "../../schema/principal.ts";
import { anyone, crew } from "../../schema/routes.ts";
import { type Executor, parametersOf, problemIn } from "../executor.ts";
import type { Authenticator } from "../http/authentication.ts";
import { memberBy, readableBy } from "../http/handlers/reader.ts";
import { issuesOf, ProblemError, problemOf } from "../http/problem.ts";
import { mustBeOneOf } from "../roles.ts";
import { Allowance } from "./allowance.ts";
import { ChannelSubscription } from "./channel-subscription.ts";
import type { Connection } from "./connection.ts";
import { answered, control } from "./frames.ts";
import { PresenceSubscription } from "./presence-subscription.ts";
import { type Live, type Say, Subscription } from "./subscription.ts";

/** What all sessions of a gateway stand on. */
export interface SessionServices {
  readonly ports: Pick<Ports, "clock" | "ids" | "log">;
  readonly live: Live;
  readonly client: Client;
  readonly board: Live["board"];
  readonly executor: Executor;
  readonly authenticator: Authenticator;
  readonly presence: Presence;
  /** Says whether one more socket of this principal is welcome, and remembers it. */
  readonly admit: (session: Session, principal: Principal) => boolean;
}

type Request = ReturnType<typeof clientMessage.parse>;
type RequestOf<T extends Request["type"]> = Extract<Request, { type: T }>;

/** A token is looked at again after this long, so that a key that is not trusted any more stops working here, too. */
const CHECK_AGAIN_MS = 60_000;
/** The board follows within milliseconds what an actor's own host has said. */
const BOARD_WAIT_MS = 2_000;
const decoder = new TextDecoder();

/** One socket's conversation. */
export class Session {
  readonly connection: Connection;
  readonly #services: SessionServices;
  readonly #id: string;
  readonly #openedMs: number;
  readonly #allowance: Allowance;
  /** What ends each of them. */
  readonly #subscriptions = new Map<string, () => void>();
  #visit: Visit | undefined;
  #principal: Principal | undefined;
  #authorization = "";
  #expiresMs = Number.POSITIVE_INFINITY;
  #checkedMs = 0;
  #noticed = false;
  #said = 0;
  #faults = 0;
  #commands = 0;
  /** Messages of a session are looked at in their order, commands answered as they are done. */
  #turn: Promise<void> = Promise.resolve();

  constructor(connection: Connection, services: SessionServices) {
    this.connection = connection;
    this.#services = services;
    const { ids, clock } = services.ports;
    this.#id = ids.token();
    this.#openedMs = clock.monotonicMs();
    this.#allowance = new Allowance(liveLimits.messagesPerSecond, liveLimits.messagesAtOnce, this.#openedMs);
  }

  get principal(): Principal | undefined {
    return this.#principal;
  }

  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  /** With the token that the upgrade request brought. */
  opened(authorization: string): void {
    if (authorization !== "") this.#next("", () => this.#authenticate(authorization, ""));
  }

  closed(): void {
    this.connection.closed();
    for (const close of this.#subscriptions.values()) close();
    this.#subscriptions.clear();
    this.#visit?.end();
  }

  close(code: CloseCode, reason: string): void {
    this.connection.close(code, reason);
  }

  received(message: ArrayBuffer, isBinary: boolean): void {
    const { clock } = this.#services.ports;
    if (!this.#allowance.take(clock.monotonicMs())) {
      const detail = `at most ${liveLimits.messagesPerSecond} messages a second`;
      this.#fault(new ProblemError("rate_limited", detail), "", 4429);
      return;
    }
    let request: Request;
    try {
      request = decode(message, isBinary);
    } catch (error) {
      this.#fault(error as ProblemError, idIn(error), 4400);
      return;
    }
    const { type, id } = request;
    if (type === "ping") this.#say("pong", {}, { request: id });
    else if (type === "command") void this.#guard(id, () => this.#command(request));
    else this.#next(id, () => this.#handle(request));
  }

  /** Looked after every second or so. */
  check(nowMs: number, monotonicMs: number): void {
    if (this.#principal === undefined) {
      if (monotonicMs - this.#openedMs > liveLimits.authenticationMs) this.close(4408, "authenticate in time");
      return;
    }
    if (nowMs >= this.#expiresMs) {
      this.close(4401, "the token has expired");
      return;
    }
    if (!this.#noticed && nowMs >= this.#expiresMs - liveLimits.expiryNoticeMs) {
      this.#noticed = true;
      this.#say("session.expiring", { expiresAt: new Date(this.#expiresMs).toISOString() });
    }
    if (monotonicMs - this.#checkedMs < CHECK_AGAIN_MS) return;
    this.#checkedMs = monotonicMs;
    this.#services.authenticator.check(this.#authorization).catch((error: unknown) => {
      if (problemIn(error)?.code === "unauthenticated") this.close(4401, "the token is not valid any more");
    });
  }

  #handle(request: Exclude<Request, RequestOf<"ping" | "command">>): Promise<void> {
    switch (request.type) {
      case "authenticate":
        return this.#authenticate(`Bearer ${request.data.token}`, request.id);
      case "subscribe":
        return this.#subscribe(request);
      case "unsubscribe":
        return this.#unsubscribe(request);
      case "typing":
        return this.#types(request);
    }
  }

  async #authenticate(authorization: string, request: string): Promise<void> {
    const { authenticator, admit, live, ports } = this.#services;
    let known: { readonly principal: Principal; readonly expiresMs: number };
    try {
      known = await authenticator.session(authorization);
    } catch (error) {
      this.#refuse(error, request);
      // A fresh token that is wrong leaves the old one as it is.
      if (this.#principal === undefined) this.close(4401, "unauthenticated");
      return;
    }
    const { principal, expiresMs } = known;
    const before = this.#principal;
    if (before !== undefined && !isSameOrMore(before, principal)) {
      throw new ProblemError("forbidden", "a fresh token must be of the same subject, and allow no less: connect anew");
    }
    if (before === undefined && !admit(this, principal)) {
      this.#refuse(new ProblemError("rate_limited", `at most ${liveLimits.socketsPerPrincipal} sockets`), request);
      this.close(4429, "too many sockets");
      return;
    }
    this.#visit ??= this.#services.presence.arrive(principal);
    this.#principal = principal;
    this.#authorization = authorization;
    this.#expiresMs = expiresMs;
    this.#checkedMs = ports.clock.monotonicMs();
    this.#noticed = false;
    const { subject, agencies, roles } = principal;
    this.#say(
      "session.opened",
      {
        subject,
        agencies: [...agencies],
        roles: [...roles],
        expiresAt: Number.isFinite(expiresMs) ? new Date(expiresMs).toISOString() : null,
        heartbeatSeconds: liveLimits.idleSeconds / 2,
        epoch: live.epoch,
        offset: String(live.fanOut.sequence),
      },
      { request },
    );
  }

  async #subscribe({ id, data: { topic: name, since, snapshot } }: RequestOf<"subscribe">): Promise<void> {
    const principal = this.#known();
    const topic = parseTopic(name);
    if (topic === undefined) throw new ProblemError("not_found", `no such topic: ${name}; see /docs/ws`);
    if (this.#subscriptions.has(topic.name)) throw new ProblemError("already_exists", `${topic.name} is subscribed to`);
    if (this.#subscriptions.size >= liveLimits.subscriptionsPerSocket) {
      throw new ProblemError("limit_reached", `at most ${liveLimits.subscriptionsPerSocket} subscriptions a socket`);
    }
    await this.#authorise(topic, principal);
    if (!this.connection.open) return;
    const say = <T extends keyof ServerMessages>(type: T, data: ServerMessages[T]) =>
      this.#say(type, data, { topic: topic.name, ...(type === "subscription.opened" ? { request: id } : {}) });
    const lookAway = isLook(topic) ? this.#visit?.look(topic.name) : undefined;
    const forget = () => {
      this.#subscriptions.delete(topic.name);
      lookAway?.();
    };
    const subscription = this.#subscription(topic, principal, say, forget);
    this.#subscriptions.set(topic.name, () => {
      subscription.close();
      lookAway?.();
    });
    // Reading up may take long; other requests do not wait for it.
    void subscription.start(since, snapshot).catch((error: unknown) => {
      if (!this.connection.open) return;
      this.#log().warn({ error, topic: topic.name }, "a subscription broke off");
      // What was told so far is whole: the client goes on from there.
      this.close(4409, "the journal could not be read");
    });
  }

  #subscription(topic: Topic, principal: Principal, say: Say, forget: () => void) {
    const { live } = this.#services;
    switch (topic.form) {
      case "channel":
      case "channels":
        return new ChannelSubscription(live, topic, principal, this.connection, say, forget);
      case "presence":
        return new PresenceSubscription(live, topic, this.connection, say);
      default:
        return new Subscription(live, topic, principal.agencies, this.connection, say, forget);
    }
  }

  /** @throws ProblemError */
  async #authorise(topic: Topic, principal: Principal): Promise<void> {
    mustBeOneOf(topic.form === "channel" || topic.form === "channels" ? crew : anyone, principal);
    if (topic.form === "channels") return;
    if (topic.form === "channel") {
      const { sequence } = await readableBy(this.#services, principal, this.#id, topic.id);
      await this.#services.board.waitFor(sequence, BOARD_WAIT_MS);
      return;
    }
    if (topic.form !== "one") {
      if (principal.agencies.includes(topic.agency)) return;
      throw new ProblemError("forbidden", `this principal may not act for agency ${topic.agency}`);
    }
    const { client, board } = this.#services;
    const reply = await client.read(topic, principal, this.#id);
    if (!reply.ok) throw new ProblemError(reply.code, reply.detail, reply.data);
    await board.waitFor(reply.sequence, BOARD_WAIT_MS);
  }

  async #unsubscribe({ id, data: { topic: name } }: RequestOf<"unsubscribe">): Promise<void> {
    const topic = parseTopic(name)?.name ?? name;
    const close = this.#subscriptions.get(topic);
    if (close === undefined) throw new ProblemError("not_found", `${topic} is not subscribed to`);
    close();
    this.#subscriptions.delete(topic);
    this.#say("subscription.closed", { reason: "unsubscribed" }, { request: id, topic });
  }

  async #types({ data: { channelId } }: RequestOf<"typing">): Promise<void> {
    const principal = this.#known();
    mustBeOneOf(crew, principal);
    const { closedAt } = await memberBy(this.#services, principal, this.#id, channelId);
    if (closedAt !== null) throw new ProblemError("channel_closed", `the channel was closed at ${closedAt}`);
    this.#services.live.typing.tell({ channelId, subject: principal.subject });
  }

  async #command({ id, data }: RequestOf<"command">): Promise<void> {
    // Whoever sends a command right after its token need not wait for the answer.
    await this.#turn;
    const principal = this.#known();
    if (this.#commands >= liveLimits.commandsInFlight) {
      throw new ProblemError("rate_limited", `at most ${liveLimits.commandsInFlight} commands at once`);
    }
    const { operation, path, query, body, idempotencyKey, ifMatch, sequence } = data;
    this.#commands += 1;
    try {
      const answer = await this.#services.executor.execute({
        operation,
        principal,
        requestId: this.#requestId(id),
        parameters: parametersOf(operation).map((name) => path[name] ?? ""),
        query: () => query,
        body: async () => ({ json: body, bytes: bytesOf(body) }),
        idempotencyKey,
        ifMatch,
        sequence,
      });
      const { status, headers = {}, body: text } = answer;
      this.connection.send(
        answered(this.#nextId(), id, { status, headers }, typeof text === "string" ? text : decoder.decode(text)),
      );
    } finally {
      this.#commands -= 1;
    }
  }

  #known(): Principal {
    if (this.#principal === undefined) throw new ProblemError("unauthenticated", "authenticate first");
    return this.#principal;
  }

  #next(request: string, work: () => Promise<void>): void {
    this.#turn = this.#turn.then(() => this.#guard(request, work));
  }

  async #guard(request: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#refuse(error, request);
    }
  }

  #fault(error: ProblemError, request: string, code: CloseCode): void {
    this.#refuse(error, request);
    this.#faults += 1;
    if (this.#faults > liveLimits.faultsMax) this.close(code, error.problem.code);
  }

  #refuse(error: unknown, request: string): void {
    let problem = problemIn(error);
    if (problem === undefined) {
      this.#log().error({ requestId: this.#requestId(request), error }, "a request over a live connection failed");
      problem = { code: "internal", detail: "see the log for this request id" };
    }
    this.#say("request.refused", { ...problemOf(problem, this.#requestId(request)) }, { request });
  }

  #say<T extends keyof ServerMessages>(
    type: T,
    data: ServerMessages[T],
    { request = "", topic }: { readonly request?: string; readonly topic?: string } = {},
  ): void {
    const attributes = { ...(request === "" ? {} : { request }), ...(topic === undefined ? {} : { topic }) };
    this.connection.send(control(type, this.#nextId(), data, attributes));
  }

  #nextId(): string {
    return `${this.#id}-${this.#said++}`;
  }

  #requestId(request: string): string {
    return request === "" ? this.#id : `${this.#id}.${request}`;
  }

  #log(): Log {
    return this.#services.ports.log;
  }
}

/** The id of a frame that is wrong elsewhere, so that its sender hears which one it was. */
class BadFrame extends ProblemError {
  id = "";
}

function idIn(error: unknown): string {
  return error instanceof BadFrame ? error.id : "";
}

/** @throws BadFrame */
function decode(message: ArrayBuffer, isBinary: boolean): Request {
  if (isBinary) throw new BadFrame("unsupported_media_type", "send text frames, not binary ones");
  if (message.byteLength > liveLimits.frameBytes) {
    throw new BadFrame("body_too_large", `at most ${liveLimits.frameBytes} bytes a frame`);
  }
  let json: unknown;
  try {
    json = JSON.parse(decoder.decode(message));
  } catch (error) {
    throw new BadFrame("malformed_json", error instanceof Error ? error.message.slice(0, 200) : "not JSON");
  }
  const parsed = clientMessage.safeParse(json);
  if (parsed.success) return parsed.data;
  const bad = new BadFrame("invalid_body", "see issues, and /docs/ws", { issues: issuesOf(parsed.error) });
  const { id } = (typeof json === "object" && json !== null ? json : {}) as { id?: unknown };
  if (typeof id === "string" && id.length <= 64) bad.id = id;
  throw bad;
}

/** @throws ProblemError for what is nested so deeply that it cannot even be written again */
function bytesOf(body: unknown): Uint8Array {
  try {
    return Buffer.from(JSON.stringify(body) ?? "");
  } catch {
    throw new ProblemError("malformed_json", "nested too deeply");
  }
}

/** Whoever follows a single thing has it before the eyes. */
function isLook(topic: Topic): boolean {
  return topic.form === "channel" || (topic.form === "one" && topic.kind === "incident");
}

function isSameOrMore(before: Principal, now: Principal): boolean {
  return (
    before.subject === now.subject &&
    before.agencies.every((agency) => now.agencies.includes(agency)) &&
    before.roles.every((role) => now.roles.includes(role))
  );
}
