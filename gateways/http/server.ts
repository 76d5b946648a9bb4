import { isUtf8 } from "node:buffer";
import type { Ports } from "../../runtime/ports/index.ts";
import type { Principal } from "../../schema/principal.ts";
import { type OperationId, type Route, routes } from "../../schema/routes.ts";
import { type Credential, Delivery } from "../alerts/delivery.ts";
import { type Executor, parametersOf, problemIn, type RequestBody } from "../executor.ts";
import type { Authenticator } from "./authentication.ts";
import { serveDocs } from "./docs.ts";
import { Exchange } from "./exchange.ts";
import type { Metrics } from "./metrics.ts";
import { ProblemError } from "./problem.ts";
import {
  createApp,
  getOrHead,
  type HttpRequest,
  type HttpResponse,
  listen,
  onConnections,
  type TemplatedApp,
} from "./uws.ts";

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  readonly version: string;
  /** Another door on the same port. */
  readonly attach?: (app: TemplatedApp) => void;
}

export type HttpPorts = Pick<Ports, "clock" | "ids" | "log">;

/** What `/health/ready` answers from. */
export type Health = () => { readonly ready: boolean; readonly details: object };

const noBody = Buffer.alloc(0);
const IN_BRACES = /\{(\w+)\}/g;

/** Route table → uWS → executor. */
export class HttpServer {
  readonly #ports: HttpPorts;
  readonly #executor: Executor;
  readonly #authenticator: Authenticator;
  readonly #metrics: Metrics;
  readonly #health: Health;
  readonly #options: HttpOptions;
  #closeSocket: () => void = () => undefined;
  #closeAll: () => void = () => undefined;
  #connections = 0;
  #inFlight = 0;
  #stopping = false;
  #lastRequestMs = 0;

  constructor(
    ports: HttpPorts,
    executor: Executor,
    authenticator: Authenticator,
    metrics: Metrics,
    health: Health,
    options: HttpOptions,
  ) {
    this.#ports = ports;
    this.#executor = executor;
    this.#authenticator = authenticator;
    this.#metrics = metrics;
    this.#health = health;
    this.#options = options;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  newRequestId(): string {
    return this.#ports.ids.token();
  }

  async start(): Promise<void> {
    const app = createApp();
    this.#closeAll = () => void app.close();
    onConnections(app, (change) => {
      this.#connections += change;
    });
    for (const [operation, route] of Object.entries<Route>(routes)) {
      const pattern = route.path.replace(IN_BRACES, ":$1");
      const serve = (response: HttpResponse, request: HttpRequest) =>
        this.#serve(operation as OperationId, route, response, request);
      if (route.method === "get") getOrHead(app, pattern, serve);
      else app[route.method === "delete" ? "del" : route.method](pattern, serve);
    }
    const open = (path: string, answer: () => Promise<{ status: number; body: string; contentType?: string }>) =>
      getOrHead(app, path, (response, request) => {
        const exchange = this.#exchange(response, request, 0);
        void answer().then(
          (done) => exchange.answer(done),
          () => exchange.fail({ code: "internal", detail: "this could not be told" }),
        );
      });
    open("/health/live", async () => ({ status: 200, body: '{"live":true}' }));
    open("/health/ready", async () => {
      const { ready, details } = this.#health();
      return { status: ready ? 200 : 503, body: JSON.stringify({ ready, ...details }) };
    });
    const { registry } = this.#metrics;
    open("/metrics", async () => ({ status: 200, body: await registry.metrics(), contentType: registry.contentType }));
    serveDocs(app, (response, request) => this.#exchange(response, request, 0), this.#options.version);
    this.#options.attach?.(app);
    app.any("/*", (response, request) => {
      const known = routesAt(request.getUrl());
      const exchange = this.#exchange(response, request, 0);
      if (known.length === 0) exchange.fail({ code: "not_found", detail: "there is nothing at this path; see /docs" });
      else {
        const methods = known.flatMap(({ method }) => (method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()]));
        const allowed = [...new Set(methods)];
        exchange.fail(
          { code: "method_not_allowed", detail: `allowed here: ${allowed.join(", ")}`, data: { allowed } },
          { allow: allowed.join(", ") },
        );
      }
    });
    this.#closeSocket = await listen(app, this.#options.host, this.#options.port);
  }

  /**
   * Takes no more connections, answers what is under way and what still comes on those that are open, and ends each of them
   * with its answer. Those on which nothing comes any more are closed.
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#closeSocket();
    const { clock } = this.#ports;
    const startedMs = clock.monotonicMs();
    this.#lastRequestMs = startedMs;
    const isOver = () => {
      const nowMs = clock.monotonicMs();
      const isQuiet = this.#connections <= 0 || nowMs - this.#lastRequestMs > QUIET_MS;
      return nowMs - startedMs > DRAIN_MS || (this.#inFlight === 0 && isQuiet);
    };
    while (!isOver()) await new Promise<void>((resolve) => void clock.after(10, resolve));
    this.#closeAll();
  }

  #exchange(response: HttpResponse, request: HttpRequest, parameters: number): Exchange {
    if (this.#stopping) this.#lastRequestMs = this.#ports.clock.monotonicMs();
    return new Exchange(response, request, parameters, this);
  }

  #serve(operation: OperationId, route: Route, response: HttpResponse, request: HttpRequest): void {
    const exchange = this.#exchange(response, request, parametersOf(operation).length);
    const { clock, log } = this.#ports;
    const startedMs = clock.monotonicMs();
    this.#inFlight += 1;
    // The body must be listened for before anything is awaited.
    const body = route.body === undefined ? Promise.resolve(noBody) : exchange.body();
    const handled =
      route.credential === undefined
        ? this.#handle(operation, exchange, body)
        : this.#handleDelivery(operation, exchange, credentialIn(request), body);
    void handled
      .catch((error: unknown) => {
        const problem = problemIn(error);
        if (problem !== undefined) return exchange.fail(problem);
        log.error({ requestId: exchange.requestId, operation, error }, "a request failed");
        return exchange.fail({ code: "internal", detail: "see the log for this request id" });
      })
      .then((status) => {
        this.#inFlight -= 1;
        this.#metrics.answered(operation, status, (clock.monotonicMs() - startedMs) / 1_000);
      });
  }

  async #handle(operation: OperationId, exchange: Exchange, body: Promise<Buffer | undefined>): Promise<number> {
    if (exchange.isAmbiguous) return refuseAmbiguous(body);
    const principal =
      this.#authenticator.known(exchange.authorization) ?? (await this.#authenticator.check(exchange.authorization));
    return this.#execute(operation, exchange, principal, async () => jsonOf(exchange.contentType, await body));
  }

  /** What comes with a source's own credential, which is checked against the bytes as they came. */
  async #handleDelivery(
    operation: OperationId,
    exchange: Exchange,
    credential: Credential,
    body: Promise<Buffer | undefined>,
  ): Promise<number> {
    if (exchange.isAmbiguous) return refuseAmbiguous(body);
    return this.#execute(operation, exchange, nobody, async () => {
      const bytes = await body;
      if (bytes === undefined) throw new ProblemError("body_too_large", "at most 1 MiB");
      return { json: new Delivery(bytes, exchange.contentType, credential), bytes };
    });
  }

  async #execute(
    operation: OperationId,
    exchange: Exchange,
    principal: Principal,
    body: () => Promise<RequestBody>,
  ): Promise<number> {
    const { requestId, parameters, idempotencyKey, ifMatch, sequence } = exchange;
    const answer = await this.#executor.execute({
      operation,
      principal,
      requestId,
      parameters,
      query: () => withFormat(queryOf(exchange.query), routes[operation], exchange.accept),
      body,
      idempotencyKey,
      ifMatch,
      sequence,
    });
    exchange.answer(answer);
    return answer.status;
  }
}

/** Which of two lengths holds is a matter of opinion, and so is where the next request begins. */
async function refuseAmbiguous(body: Promise<unknown>): Promise<never> {
  await body;
  throw new ProblemError("bad_request", "Content-Length: only one");
}

/** Who has no token. */
const nobody: Principal = { subject: "nobody", agencies: [], roles: [] };

/** The request dies with its handler, so this is read at once. */
function credentialIn(request: HttpRequest): Credential {
  return {
    authorization: request.getHeader("authorization"),
    timestamp: request.getHeader("tocsin-timestamp"),
    signature: request.getHeader("tocsin-signature"),
    delivery: request.getHeader("tocsin-delivery"),
  };
}

const DRAIN_MS = 10_000;
/** A connection on which nothing has come for so long while we stop is one that waits for its user. */
const QUIET_MS = 250;

/** What is not UTF-8 is refused, not mended: a name with marks for what was lost would be kept for ever. */
function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new Error("not UTF-8");
  return bytes.toString();
}

/** Where a format may be asked for by a parameter, the header asks as well. */
function withFormat(query: Readonly<Record<string, string>>, route: Route, accept: string) {
  const asked = route.csv === true && query["format"] === undefined && /^text\/csv\b/i.test(accept);
  return asked ? { ...query, format: "csv" } : query;
}

function jsonOf(contentType: string, bytes: Buffer | undefined): RequestBody {
  if (bytes === undefined) throw new ProblemError("body_too_large", "at most 1 MiB");
  if (!/^application\/(?:json|merge-patch\+json)\s*(?:;|$)/i.test(contentType)) {
    throw new ProblemError("unsupported_media_type", "send Content-Type: application/json");
  }
  try {
    return { json: JSON.parse(textOf(bytes)), bytes };
  } catch (error) {
    throw new ProblemError("malformed_json", error instanceof Error ? error.message.slice(0, 200) : "not JSON");
  }
}

function queryOf(query: string): Readonly<Record<string, string>> {
  const parameters: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    if (Object.hasOwn(parameters, name)) throw new ProblemError("invalid_query", `${name} is given twice`);
    Object.defineProperty(parameters, name, { value, enumerable: true });
  }
  return parameters;
}

/** Those of a path of its own go before those that have a parameter in its place. */
function routesAt(url: string): readonly Route[] {
  const known = Object.values<Route>(routes).filter(({ path }) => matches(path, url));
  const exact = known.filter(({ path }) => path === url);
  return exact.length > 0 ? exact : known;
}

function matches(path: string, url: string): boolean {
  return new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`).test(url);
}
