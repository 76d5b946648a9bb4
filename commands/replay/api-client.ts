import http from "node:http";
import https from "node:https";
import type { Clock } from "../../runtime/ports/index.ts";

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PATCH";
  /** With query, from the root: "/api/v1/…". */
  readonly path: string;
  readonly body?: unknown;
  /** Makes it safe to send the same write again when it is not known whether the first one arrived. */
  readonly idempotencyKey?: string;
}

export interface ApiAnswer {
  readonly status: number;
  /** The parsed JSON; undefined where there was none. */
  readonly body: unknown;
  /** From the first attempt to this answer, as the caller felt it. */
  readonly tookMs: number;
  /** Attempts before this one. */
  readonly retries: number;
}

export interface ApiClient {
  /**
   * Sends a request until it has an answer that is not "later", for as long as the retry budget lasts.
   * @throws Unreachable
   */
  send(request: ApiRequest): Promise<ApiAnswer>;
  close(): void;
}

export interface ApiClientOptions {
  readonly url: URL;
  readonly token: string;
  readonly connections: number;
  /** How long a request is tried again: long enough for a server to be started anew. */
  readonly retryBudgetMs: number;
  /** Once aborted nothing is tried again. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** 0 <= n < 1, for jitter. */
  readonly random: () => number;
}

/** The server could not be reached, or the connection broke, for the whole of the retry budget. */
export class Unreachable extends Error {
  override name = "Unreachable";
}

interface Attempt {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly text: string;
}

/** An answer slower than this is taken for a lost connection. */
const ATTEMPT_TIMEOUT_MS = 15_000;
const FIRST_BACKOFF_MS = 50;
const BACKOFF_MAX_MS = 2_000;
/** Answers that ask for the same request again. */
const LATER = new Set([429, 502, 503, 504]);

function retryAfterMs(header: string | undefined): number | undefined {
  const seconds = Number(header);
  return header !== undefined && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A client that keeps its connections open, and sends a request again where that is safe and of use. */
export function createApiClient(options: ApiClientOptions): ApiClient {
  const { url, clock, signal } = options;
  const transport = url.protocol === "https:" ? https : http;
  const agent = new transport.Agent({ keepAlive: true, maxSockets: options.connections });
  const prefix = url.pathname.replace(/\/$/, "");

  const attempt = (request: ApiRequest, payload: string | undefined): Promise<Attempt> =>
    new Promise((resolve, reject) => {
      const outgoing = transport.request(
        {
          agent,
          protocol: url.protocol,
          hostname: url.hostname.replace(/^\[|\]$/g, ""),
          port: url.port,
          method: request.method,
          path: prefix + request.path,
          timeout: ATTEMPT_TIMEOUT_MS,
          headers: {
            authorization: `Bearer ${options.token}`,
            accept: "application/json",
            ...(payload !== undefined && {
              "content-type": "application/json",
              "content-length": Buffer.byteLength(payload),
            }),
            ...(request.idempotencyKey !== undefined && { "idempotency-key": request.idempotencyKey }),
          },
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
          incoming.on("error", reject);
          incoming.on("end", () =>
            resolve({
              status: incoming.statusCode ?? 0,
              retryAfterMs: retryAfterMs(incoming.headers["retry-after"]),
              text: Buffer.concat(chunks).toString("utf8"),
            }),
          );
        },
      );
      outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer within ${ATTEMPT_TIMEOUT_MS} ms`)));
      outgoing.on("error", reject);
      outgoing.end(payload);
    });

  // One listener for all that wait: each waiting with its own would be one for every connection.
  const sleepers = new Set<() => void>();
  signal.addEventListener("abort", () => {
    for (const wake of [...sleepers]) wake();
  });

  /** Waits; an abort cuts it short. */
  const pause = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      const wake = () => {
        cancel();
        sleepers.delete(wake);
        resolve();
      };
      const cancel = clock.after(delayMs, wake);
      sleepers.add(wake);
    });

  return {
    async send(request) {
      const payload = request.body === undefined ? undefined : JSON.stringify(request.body);
      const startMs = clock.monotonicMs();
      const leftMs = () => startMs + options.retryBudgetMs - clock.monotonicMs();
      for (let retries = 0; ; retries += 1) {
        const result = await attempt(request, payload).catch((error: Error) => error);
        const over = signal.aborted || leftMs() <= 0;
        if (result instanceof Error) {
          if (over) throw new Unreachable(result.message, { cause: result });
        } else if (over || !LATER.has(result.status)) {
          const tookMs = clock.monotonicMs() - startMs;
          return { status: result.status, body: parseJson(result.text), tookMs, retries };
        }
        const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** retries, BACKOFF_MAX_MS) * (0.5 + options.random() / 2);
        const askedMs = result instanceof Error ? 0 : (result.retryAfterMs ?? 0);
        await pause(Math.min(Math.max(backoffMs, askedMs), Math.max(leftMs(), 0)));
      }
    },
    close: () => agent.destroy(),
  };
}
