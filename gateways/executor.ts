import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { z } from "zod";
import { ArchiveUnavailable, NoSuchCursor } from "../runtime/archive.ts";
import { PortUnavailable, UncertainOutcome } from "../runtime/ports/index.ts";
import { limits } from "../schema/common.ts";
import { problemInJson } from "../schema/json.ts";
import type { Principal } from "../schema/principal.ts";
import { type OperationId, pathParameters, type Route, routes, takes } from "../schema/routes.ts";
import type { Answer } from "./http/exchange.ts";
import { handlers, type Services } from "./http/handlers.ts";
import { identityOf } from "./http/idempotency.ts";
import { issuesOf, type ProblemDetails, ProblemError, pathOf } from "./http/problem.ts";
import { isLong, type LongList, parsedInTurns } from "./in-turns.ts";
import { mustBeOneOf } from "./roles.ts";

/** A request of a known principal, by whichever door it came. Headers that were not given are empty. */
export interface Request {
  readonly operation: OperationId;
  readonly principal: Principal;
  readonly requestId: string;
  /** What stands in the path, in its order. */
  readonly parameters: readonly string[];
  /** As text, by name. */
  readonly query: () => Readonly<Record<string, string>>;
  /** Asked only of a principal who may, and only where the operation takes a body. */
  readonly body: () => Promise<RequestBody>;
  readonly idempotencyKey: string;
  readonly ifMatch: string;
  readonly sequence: string;
}

export interface RequestBody {
  readonly json: unknown;
  /** What a repetition is told from another request by. */
  readonly bytes: Uint8Array;
}

const ETAG = /^(?:W\/)?"(\d{1,15})"$/;
const IN_BRACES = /\{(\w+)\}/g;
const noBody: RequestBody = { json: undefined, bytes: new Uint8Array() };

/**
 * Behind every door: whether this principal may, at which rate, what the request means, and its answer. What is checked
 * here and in the handlers is checked whichever way a request came.
 */
export class Executor {
  readonly #services: Services;
  readonly #ratePerSecond: number;
  readonly #limiter: RateLimiterMemory | undefined;

  /** @param ratePerSecond requests a principal may make in a second, by all doors together; 0: as many as it likes */
  constructor(services: Services, ratePerSecond: number) {
    this.#services = services;
    this.#ratePerSecond = ratePerSecond;
    this.#limiter = ratePerSecond > 0 ? new RateLimiterMemory({ points: ratePerSecond, duration: 1 }) : undefined;
  }

  /** @throws what `problemIn` tells of, and defects */
  async execute(request: Request): Promise<Answer> {
    const { operation, principal, requestId } = request;
    const route: Route = routes[operation];
    // What brings a credential of its own is checked, and limited, by that.
    if (route.credential === undefined) await this.#admit(route, principal);
    const path = decodePath(parametersOf(operation), request.parameters);
    const { json, bytes } = route.body === undefined ? noBody : await request.body();
    const long = route.longList === undefined ? undefined : await this.#decodeLong(route, route.longList, json);
    return handlers[operation](this.#services, {
      principal,
      requestId,
      path,
      body: route.body === undefined ? undefined : (long ?? decode(route.body, json, "invalid_body")),
      query: route.query === undefined ? undefined : decode(route.query, request.query(), "invalid_query"),
      identity:
        request.idempotencyKey !== "" && takes.idempotencyKey(route)
          ? identityOf(request.idempotencyKey, principal, [route.path, ...Object.values(path)].join(" "), bytes)
          : undefined,
      expectedVersion: takes.ifMatch(route) ? versionOf(request.ifMatch) : undefined,
      sequence: takes.sequence(route) ? sequenceOf(request.sequence) : undefined,
    });
  }

  /** @returns undefined for a body that has to be decoded as a whole */
  async #decodeLong({ body }: Route, list: LongList, given: unknown): Promise<object | undefined> {
    if (body === undefined || !isLong(list, given) || problemInJson(given, limits.body) !== undefined) return;
    return parsedInTurns(body, list, given, () => new Promise((resolve) => this.#services.ports.clock.soon(resolve)));
  }

  async #admit(route: Route, principal: Principal): Promise<void> {
    mustBeOneOf(route.roles, principal);
    if (this.#limiter !== undefined && principal.unlimited !== true) await this.#limit(this.#limiter, principal);
  }

  async #limit(limiter: RateLimiterMemory, { subject }: Principal): Promise<void> {
    try {
      await limiter.consume(subject);
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      const retryAfterSeconds = Math.max(1, Math.ceil(refused.msBeforeNext / 1_000));
      throw new ProblemError("rate_limited", `at most ${this.#ratePerSecond} requests a second`, {
        retryAfterSeconds,
      });
    }
  }
}

/** What a port that does not answer means to the sender: nothing was done, or it is not known. Else it is a defect. */
export function problemIn(error: unknown): ProblemDetails | undefined {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof PortUnavailable) return { code: "no_host", detail: "the journal cannot be reached just now" };
  if (error instanceof ArchiveUnavailable) {
    return {
      code: "archive_unavailable",
      detail: "history, search and reports wait for PostgreSQL; dispatch does not",
    };
  }
  if (error instanceof NoSuchCursor) return { code: "invalid_query", detail: error.message };
  if (error instanceof UncertainOutcome) {
    return { code: "outcome_unknown", detail: "send it again, with the same Idempotency-Key" };
  }
  return;
}

const parameterNames = new Map<string, readonly string[]>(
  Object.entries<Route>(routes).map(([operation, { path }]) => [
    operation,
    [...path.matchAll(IN_BRACES)].map(([, name = ""]) => name),
  ]),
);

/** Names of what stands in braces in an operation's path, in order. */
export function parametersOf(operation: OperationId): readonly string[] {
  return parameterNames.get(operation)!;
}

function decodePath(names: readonly string[], given: readonly string[]): Readonly<Record<string, string>> {
  const path: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const parameter = pathParameters[name as keyof typeof pathParameters];
    const parsed = parameter.safeParse(given[index]);
    if (!parsed.success) {
      const known = "options" in parameter ? `; there are ${parameter.options.join(", ")}` : "";
      throw new ProblemError("not_found", `no such ${name}${known}`);
    }
    path[name] = parsed.data;
  }
  return path;
}

function decode(schema: z.ZodType, given: unknown, otherwise: "invalid_body" | "invalid_query"): unknown {
  const problem = problemInJson(given, limits.body);
  if (problem !== undefined) {
    const { path, message } = problem;
    throw new ProblemError(otherwise, "see issues", { issues: [{ path: pathOf(path), message }] });
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new ProblemError(otherwise, "see issues", { issues: issuesOf(parsed.error) });
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
