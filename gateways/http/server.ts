import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { z } from "zod";
import { PortUnavailable, UncertainOutcome } from "../../runtime/ports/index.ts";
import type { Principal } from "../../schema/principal.ts";
import { type OperationId, pathParameters, type Route, routes, takes } from "../../schema/routes.ts";
import type { Authenticator } from "./authentication.ts";
import { serveDocs } from "./docs.ts";
import { Exchange } from "./exchange.ts";
import { type Call, handlers, type Services } from "./handlers.ts";
import { identityOf } from "./idempotency.ts";
import type { Metrics } from "./metrics.ts";
import { issuesOf, type ProblemDetails, ProblemError } from "./problem.ts";
import { createApp, type HttpRequest, type HttpResponse, listen } from "./uws.ts";

export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  /** Requests a principal may make in a second; 0: as many as it likes. */
  readonly ratePerSecond: number;
  readonly version: string;
}

/** What `/health/ready` answers from. */
export type Health = () => { readonly ready: boolean; readonly details: object };

/** What is not UTF-8 is refused, not mended: a name with marks for what was lost would be kept for ever. */
const utf8 = new TextDecoder("utf-8", { fatal: true });
const noBody = Buffer.alloc(0);
const ETAG = /^(?:W\/)?"(\d{1,15})"$/;
const IN_BRACES = /\{(\w+)\}/g;

interface Endpoint {
  readonly operation: OperationId;
  readonly route: Route;
  readonly parameters: readonly string[];
}

/** Route table → uWS → client. */
export class HttpServer {
  readonly #services: Services;
  readonly #authenticator: Authenticator;
  readonly #metrics: Metrics;
  readonly #health: Health;
  readonly #options: HttpOptions;
  readonly #limiter: RateLimiterMemory | undefined;
  #closeSocket: () => void = () => undefined;
  #inFlight = 0;

  constructor(
    services: Services,
    authenticator: Authenticator,
    metrics: Metrics,
    health: Health,
    options: HttpOptions,
  ) {
    this.#services = services;
    this.#authenticator = authenticator;
    this.#metrics = metrics;
    this.#health = health;
    this.#options = options;
    this.#limiter =
      options.ratePerSecond > 0 ? new RateLimiterMemory({ points: options.ratePerSecond, duration: 1 }) : undefined;
  }

  async start(): Promise<void> {
    const app = createApp();
    for (const [operation, route] of Object.entries<Route>(routes)) {
      const pattern = route.path.replace(IN_BRACES, ":$1");
      const endpoint = { operation: operation as OperationId, route, parameters: parametersOf(route) };
      app[route.method === "delete" ? "del" : route.method](pattern, (response, request) =>
        this.#serve(endpoint, response, request),
      );
    }
    const open = (path: string, answer: () => Promise<{ status: number; body: string; contentType?: string }>) =>
      app.get(path, (response, request) => {
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
    app.any("/*", (response, request) => {
      const known = Object.values<Route>(routes).filter(({ path }) => matches(path, request.getUrl()));
      const exchange = this.#exchange(response, request, 0);
      if (known.length === 0) exchange.fail({ code: "not_found", detail: "there is nothing at this path; see /docs" });
      else {
        const allowed = known.map(({ method }) => method.toUpperCase());
        exchange.fail({ code: "method_not_allowed", detail: `allowed here: ${allowed.join(", ")}`, data: { allowed } });
      }
    });
    this.#closeSocket = await listen(app, this.#options.host, this.#options.port);
  }

  /** Takes no more connections, and waits until what is under way is answered. */
  async stop(): Promise<void> {
    this.#closeSocket();
    const { clock } = this.#services.ports;
    const giveUpAt = clock.monotonicMs() + DRAIN_MS;
    while (this.#inFlight > 0 && clock.monotonicMs() < giveUpAt) {
      await new Promise<void>((resolve) => void clock.after(10, resolve));
    }
  }

  #exchange(response: HttpResponse, request: HttpRequest, parameters: number): Exchange {
    return new Exchange(response, request, parameters, () => this.#services.ports.ids.token());
  }

  #serve(endpoint: Endpoint, response: HttpResponse, request: HttpRequest): void {
    const { operation, route, parameters } = endpoint;
    const exchange = this.#exchange(response, request, parameters.length);
    const { clock, log } = this.#services.ports;
    const startedMs = clock.monotonicMs();
    this.#inFlight += 1;
    // The body must be listened for before anything is awaited.
    const body = route.body === undefined ? Promise.resolve(noBody) : exchange.body();
    void this.#handle(endpoint, exchange, body)
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

  async #handle(endpoint: Endpoint, exchange: Exchange, body: Promise<Buffer | undefined>): Promise<number> {
    const { operation, route } = endpoint;
    const principal =
      this.#authenticator.known(exchange.authorization) ?? (await this.#authenticator.check(exchange.authorization));
    if (!route.roles.some((role) => principal.roles.includes(role))) {
      throw new ProblemError("forbidden", `this takes one of the roles ${route.roles.join(", ")}`);
    }
    if (this.#limiter !== undefined && principal.unlimited !== true) await this.#limit(this.#limiter, principal);
    const answer = await handlers[operation](this.#services, await this.#decode(endpoint, exchange, principal, body));
    exchange.answer(answer);
    return answer.status;
  }

  async #limit(limiter: RateLimiterMemory, { subject }: Principal): Promise<void> {
    try {
      await limiter.consume(subject);
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      const retryAfterSeconds = Math.max(1, Math.ceil(refused.msBeforeNext / 1_000));
      throw new ProblemError("rate_limited", `at most ${this.#options.ratePerSecond} requests a second`, {
        retryAfterSeconds,
      });
    }
  }

  async #decode(
    { route, parameters }: Endpoint,
    exchange: Exchange,
    principal: Principal,
    body: Promise<Buffer | undefined>,
  ): Promise<Call> {
    const path = decodePath(parameters, exchange.parameters);
    const bytes = await body;
    if (bytes === undefined) throw new ProblemError("body_too_large", "at most 1 MiB");
    return {
      principal,
      requestId: exchange.requestId,
      path,
      body: route.body === undefined ? undefined : decodeBody(route.body, exchange.contentType, bytes),
      query: route.query === undefined ? undefined : decodeQuery(route.query, exchange.query),
      identity: takes.idempotencyKey(route)
        ? identityOf(exchange.idempotencyKey, principal, [route.path, ...Object.values(path)].join(" "), bytes)
        : undefined,
      expectedVersion: takes.ifMatch(route) ? versionOf(exchange.ifMatch) : undefined,
      sequence: takes.sequence(route) ? sequenceOf(exchange.sequence) : undefined,
    };
  }
}

const DRAIN_MS = 10_000;

/** What a port that does not answer means to the sender: nothing was done, or it is not known. Else it is a defect. */
function problemIn(error: unknown): ProblemDetails | undefined {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof PortUnavailable) return { code: "no_host", detail: "the journal cannot be reached just now" };
  if (error instanceof UncertainOutcome) {
    return { code: "outcome_unknown", detail: "send it again, with the same Idempotency-Key" };
  }
  return;
}

/** Names of what stands in braces, in order. */
function parametersOf({ path }: Route): readonly string[] {
  return [...path.matchAll(IN_BRACES)].map(([, name = ""]) => name);
}

function decodePath(names: readonly string[], given: readonly string[]): Readonly<Record<string, string>> {
  const path: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const parsed = pathParameters[name as keyof typeof pathParameters].safeParse(given[index]);
    if (!parsed.success) throw new ProblemError("not_found", `no such ${name}`);
    path[name] = parsed.data;
  }
  return path;
}

function decodeBody(schema: z.ZodType, contentType: string, bytes: Buffer): unknown {
  if (!/^application\/(?:json|merge-patch\+json)\s*(?:;|$)/i.test(contentType)) {
    throw new ProblemError("unsupported_media_type", "send Content-Type: application/json");
  }
  let json: unknown;
  try {
    json = JSON.parse(utf8.decode(bytes));
  } catch (error) {
    throw new ProblemError("malformed_json", error instanceof Error ? error.message.slice(0, 200) : "not JSON");
  }
  const parsed = parse(schema, json);
  if (parsed.success) return parsed.data;
  throw new ProblemError("invalid_body", "see issues", { issues: issuesOf(parsed.error) });
}

/** Nesting so deep that validation runs out of stack is an answer, too. */
function parse(schema: z.ZodType, json: unknown) {
  try {
    return schema.safeParse(json);
  } catch (error) {
    if (error instanceof RangeError) throw new ProblemError("malformed_json", "nested too deeply");
    throw error;
  }
}

function decodeQuery(schema: z.ZodType, query: string): unknown {
  const parameters: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    if (Object.hasOwn(parameters, name)) throw new ProblemError("invalid_query", `${name} is given twice`);
    Object.defineProperty(parameters, name, { value, enumerable: true });
  }
  const parsed = schema.safeParse(parameters);
  if (parsed.success) return parsed.data;
  throw new ProblemError("invalid_query", "see issues", { issues: issuesOf(parsed.error) });
}

function versionOf(ifMatch: string): number | undefined {
  if (ifMatch === "" || ifMatch === "*") return;
  const version = ETAG.exec(ifMatch.trim())?.[1];
  if (version === undefined) throw new ProblemError("bad_request", 'If-Match: an ETag as it was given, such as "3"');
  return Number(version);
}

function sequenceOf(text: string): number | undefined {
  if (text === "") return;
  if (!/^\d{1,15}$/.test(text)) throw new ProblemError("bad_request", "Tocsin-Sequence: a number as it was given");
  return Number(text);
}

function matches(path: string, url: string): boolean {
  return new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`).test(url);
}
