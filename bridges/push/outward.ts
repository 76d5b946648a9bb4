import { lookup } from "node:dns";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { Reachable } from "../notify/private-addresses.ts";
import type { Outcome } from "./notification.ts";

const TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 16_384;
const DETAIL_CHARACTERS = 200;

export interface Answer {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly text: string;
}

export interface OutwardRequest {
  readonly method: "POST" | "PUT";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** Sends to addresses that users have given; into networks of our own only where the operator has listed them. */
export class Outward {
  readonly #reachable: Reachable;

  constructor(reachable: Reachable) {
    this.#reachable = reachable;
  }

  /** @throws what the network says, and where it may not go */
  send(to: string, { method, headers, body }: OutwardRequest): Promise<Answer> {
    const url = new URL(to);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    if (isIP(host) !== 0 && !this.#reachable.allows(host)) throw new Error(`${host} is an inner address`);
    const request = url.protocol === "https:" ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const options = {
        method,
        headers: { ...headers, "content-length": Buffer.byteLength(body) },
        lookup: this.#lookup,
        timeout: TIMEOUT_MS,
      };
      const sent = request(url, options, (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > ANSWER_BYTES_MAX) answer.destroy();
        });
        answer.on("close", () => {
          const seconds = Number(answer.headers["retry-after"]);
          const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : undefined;
          resolve({ status: answer.statusCode ?? 0, retryAfterMs, text });
        });
        answer.on("error", reject);
      });
      sent.on("timeout", () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** Looked at where a name is resolved for the very connection, so that it cannot lead elsewhere a moment later. */
  readonly #lookup: LookupFunction = (name, options, callback) => {
    lookup(name, options, (error, address, family) => {
      const addresses = Array.isArray(address) ? address.map((one) => one.address) : [address];
      const inner = error === null && addresses.some((one) => !this.#reachable.allows(one));
      if (inner) callback(new Error(`${name} is an inner address`), "", 4);
      else callback(error, address, family);
    });
  };
}

/** As most push services mean it. */
export function outcomeOf({ status, retryAfterMs, text }: Answer): Outcome {
  const detail = `${status} ${text.slice(0, DETAIL_CHARACTERS)}`.trim();
  if (status >= 200 && status < 300) return { outcome: "sent" };
  if (status === 404 || status === 410) return { outcome: "gone", detail };
  if (status === 429 || status >= 500 || status === 408) {
    return { outcome: "retry", detail, ...(retryAfterMs === undefined ? {} : { afterMs: retryAfterMs }) };
  }
  return { outcome: "failed", detail };
}

/** Whatever went wrong on the way may go right the next time. */
export async function tried(send: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await send();
  } catch (error) {
    return { outcome: "retry", detail: error instanceof Error ? error.message : String(error) };
  }
}
