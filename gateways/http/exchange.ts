import { limits } from "../../schema/common.ts";
import { errorKinds } from "../../schema/errors.ts";
import { type ProblemDetails, ProblemError, problemOf } from "./problem.ts";
import type { HttpRequest, HttpResponse } from "./uws.ts";

/** A body that goes on and on is cut off here; up to here it is read to its end, so that its sender hears why. */
const DISCARD_MAX_BYTES = 16 * limits.bodyBytes;

const NONE: readonly string[] = [];
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** What an exchange has to know of its server. */
export interface ExchangeServer {
  newRequestId(): string;
  /** It stops: each connection ends with the answer under way on it. */
  readonly stopping: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly contentType?: string;
}

/** One request and its answer. The uWS request dies with its handler, so all that is needed is copied here at once. */
export class Exchange {
  readonly requestId: string;
  readonly authorization: string;
  readonly idempotencyKey: string;
  readonly ifMatch: string;
  readonly contentType: string;
  readonly accept: string;
  readonly sequence: string;
  readonly query: string;
  readonly parameters: readonly string[];
  /** The request can be taken in two ways: another server before us may have taken it in the other. */
  readonly isAmbiguous: boolean;
  readonly #isHead: boolean;
  readonly #server: ExchangeServer;
  #response: HttpResponse | undefined;
  #aborted: () => void = () => undefined;

  constructor(response: HttpResponse, request: HttpRequest, parameterCount: number, server: ExchangeServer) {
    this.#server = server;
    this.#response = response;
    this.#isHead = request.getMethod() === "head";
    this.isAmbiguous = hasTwoLengths(request);
    response.onAborted(() => {
      this.#response = undefined;
      this.#aborted();
    });
    const given = request.getHeader("x-request-id");
    this.requestId = REQUEST_ID.test(given) ? given : server.newRequestId();
    this.authorization = request.getHeader("authorization");
    this.idempotencyKey = request.getHeader("idempotency-key");
    this.ifMatch = request.getHeader("if-match");
    this.contentType = request.getHeader("content-type");
    this.accept = request.getHeader("accept");
    this.sequence = request.getHeader("tocsin-sequence");
    this.query = request.getQuery();
    this.parameters = parameterCount === 0 ? NONE : parametersOf(request, parameterCount);
  }

  /** Reads the body; undefined when it is larger than allowed. @throws when its sender went away before its end */
  body(): Promise<Buffer | undefined> {
    return new Promise((resolve, reject) => {
      this.#aborted = () => reject(new ProblemError("bad_request", "the request ended before its body did"));
      let size = 0;
      let chunks: Buffer[] = [];
      this.#response?.onData((chunk, isLast) => {
        size += chunk.byteLength;
        if (size > DISCARD_MAX_BYTES) {
          this.#response?.close();
          return;
        }
        if (size <= limits.bodyBytes) {
          // The chunk is uWS's own memory, gone after this call.
          if (chunk.byteLength > 0) chunks.push(Buffer.from(new Uint8Array(chunk)));
        } else chunks = [];
        if (isLast)
          resolve(size > limits.bodyBytes ? undefined : chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
      });
    });
  }

  answer({ status, headers = {}, body, contentType = "application/json" }: Answer): void {
    const response = this.#response;
    if (response === undefined) return;
    this.#response = undefined;
    response.cork(() => {
      response.writeStatus(STATUS_LINES.get(status) ?? String(status));
      response.writeHeader("content-type", contentType);
      response.writeHeader("x-request-id", this.requestId);
      for (const name in headers) response.writeHeader(name, headers[name]!);
      if (this.#isHead) {
        // How long the answer to a GET would be. Told by its own means, uWebSockets would wait for that much before it goes on.
        response.writeHeader("content-length", String(Buffer.byteLength(body)));
        response.endWithoutBody();
      } else response.end(body, this.#server.stopping || this.isAmbiguous);
    });
  }

  fail(details: ProblemDetails, more: Readonly<Record<string, string>> = {}): number {
    const problem = problemOf(details, this.requestId);
    const headers: Record<string, string> = { ...more };
    if (errorKinds[details.code].next === "retry")
      headers["retry-after"] = String(details.data?.["retryAfterSeconds"] ?? 1);
    if (problem.status === 401) headers["www-authenticate"] = "Bearer";
    this.answer({
      status: problem.status,
      headers,
      body: JSON.stringify(problem),
      contentType: "application/problem+json",
    });
    return problem.status;
  }
}

function parametersOf(request: HttpRequest, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => request.getParameter(index) ?? "");
}

/** uWebSockets takes the first of several lengths; a proxy that takes another one would see another request than we do. */
function hasTwoLengths(request: HttpRequest): boolean {
  if (request.getHeader("content-length") === "") return false;
  let lengths = 0;
  request.forEach((name) => {
    if (name === "content-length") lengths += 1;
  });
  return lengths > 1;
}

const STATUS_LINES: ReadonlyMap<number, string> = new Map([
  [200, "200 OK"],
  [201, "201 Created"],
  [202, "202 Accepted"],
  [400, "400 Bad Request"],
  [401, "401 Unauthorized"],
  [403, "403 Forbidden"],
  [404, "404 Not Found"],
  [405, "405 Method Not Allowed"],
  [409, "409 Conflict"],
  [412, "412 Precondition Failed"],
  [413, "413 Content Too Large"],
  [415, "415 Unsupported Media Type"],
  [422, "422 Unprocessable Content"],
  [429, "429 Too Many Requests"],
  [500, "500 Internal Server Error"],
  [503, "503 Service Unavailable"],
]);
