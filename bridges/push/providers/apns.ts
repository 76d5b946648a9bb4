import { type ClientHttp2Session, connect, constants } from "node:http2";
import { importPKCS8, SignJWT } from "jose";
import type { Clock } from "../../../runtime/ports/index.ts";
import { type Notification, type Outcome, type Provider, payloadOf, type TargetOf } from "../notification.ts";
import { tried } from "../outward.ts";

export interface ApnsCredentials {
  /** PKCS#8, as Apple gives it out (.p8). */
  readonly privateKey: string;
  readonly keyId: string;
  readonly teamId: string;
  /** The app's bundle id. */
  readonly topic: string;
}

const TIMEOUT_MS = 10_000;
/** Apple takes tokens of at most an hour, and refuses fresh ones more often than every twenty minutes. */
const TOKEN_MS = 40 * 60_000;
/** Reasons after which the device is not there any more, or never was: another try would be refused as well. */
const GONE: ReadonlySet<string> = new Set(["BadDeviceToken", "Unregistered", "ExpiredToken", "DeviceTokenNotForTopic"]);

/** Apple's push service: https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns */
export class Apns implements Provider<"apns"> {
  readonly #credentials: ApnsCredentials;
  readonly #url: string;
  readonly #clock: Clock;
  #session: ClientHttp2Session | undefined;
  #token: { readonly value: string; readonly untilMs: number } | undefined;

  constructor(credentials: ApnsCredentials, url: string, clock: Clock) {
    this.#credentials = credentials;
    this.#url = url;
    this.#clock = clock;
  }

  send({ token }: TargetOf<"apns">, notification: Notification): Promise<Outcome> {
    return tried(async () => {
      const { status, reason, retryAfterMs } = await this.#post(token, notification);
      const detail = `${status} ${reason}`.trim();
      if (status === 200) return { outcome: "sent" };
      if (status === 410 || GONE.has(reason)) return { outcome: "gone", detail };
      if (status === 403 && reason === "ExpiredProviderToken") {
        this.#token = undefined;
        return { outcome: "retry", detail };
      }
      if (status === 429 || status >= 500) {
        return { outcome: "retry", detail, ...(retryAfterMs === undefined ? {} : { afterMs: retryAfterMs }) };
      }
      return { outcome: "failed", detail };
    });
  }

  stop(): void {
    this.#session?.destroy();
  }

  async #post(token: string, notification: Notification) {
    const { urgency, topic, ttlSeconds, clear } = notification;
    const expiration = Math.floor(this.#clock.now() / 1_000) + ttlSeconds;
    const stream = this.#connected().request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: `/3/device/${token}`,
      authorization: `bearer ${await this.#providerToken()}`,
      "apns-topic": this.#credentials.topic,
      "apns-push-type": clear ? "background" : "alert",
      // A background push of another priority is refused.
      "apns-priority": urgency === "page" && !clear ? "10" : "5",
      "apns-expiration": String(expiration),
      "apns-collapse-id": topic,
      "content-type": "application/json",
    });
    return new Promise<{ status: number; reason: string; retryAfterMs: number | undefined }>((resolve, reject) => {
      let [status, text] = [0, ""];
      let retryAfterMs: number | undefined;
      stream.setTimeout(TIMEOUT_MS, () => stream.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
      stream.setEncoding("utf8");
      stream.on("response", (headers) => {
        status = Number(headers[constants.HTTP2_HEADER_STATUS]);
        const seconds = Number(headers["retry-after"]);
        if (seconds > 0) retryAfterMs = seconds * 1_000;
      });
      stream.on("data", (chunk: string) => {
        text = (text + chunk).slice(0, 4_096);
      });
      stream.on("error", reject);
      stream.on("close", () => {
        if (status === 0) reject(new Error("the connection ended"));
        else resolve({ status, reason: reasonIn(text), retryAfterMs });
      });
      stream.end(JSON.stringify(bodyOf(notification)));
    });
  }

  #connected(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const session = connect(this.#url);
    const forget = () => {
      if (this.#session === session) this.#session = undefined;
    };
    // What was under way hears of it by itself.
    session.on("error", forget).on("goaway", forget).on("close", forget);
    session.unref();
    this.#session = session;
    return session;
  }

  async #providerToken(): Promise<string> {
    const nowMs = this.#clock.now();
    if (this.#token !== undefined && this.#token.untilMs > nowMs) return this.#token.value;
    const { privateKey, keyId, teamId } = this.#credentials;
    const value = await new SignJWT()
      .setProtectedHeader({ alg: "ES256", kid: keyId })
      .setIssuer(teamId)
      .setIssuedAt(Math.floor(nowMs / 1_000))
      .sign(await importPKCS8(privateKey, "ES256"));
    this.#token = { value, untilMs: nowMs + TOKEN_MS };
    return value;
  }
}

function bodyOf(notification: Notification): object {
  const { title, body, urgency, topic, clear } = notification;
  const level = urgency === "page" ? "time-sensitive" : "active";
  const alert = { alert: { title, body }, sound: "default", "thread-id": topic, "interruption-level": level };
  return { aps: clear ? { "content-available": 1 } : alert, tocsin: payloadOf(notification) };
}

function reasonIn(text: string): string {
  try {
    return String((JSON.parse(text) as { reason?: unknown }).reason ?? "");
  } catch {
    return text.slice(0, 100);
  }
}
