import { importPKCS8, SignJWT } from "jose";
import { z } from "zod";
import type { Clock } from "../../../runtime/ports/index.ts";
import { type Notification, type Outcome, type Provider, payloadOf, type TargetOf } from "../notification.ts";
import { type Answer, type Outward, outcomeOf, tried } from "../outward.ts";

/** As Google gives it out, in JSON. */
export const serviceAccount = z.object({
  project_id: z.string().min(1),
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  private_key_id: z.string().optional(),
  token_uri: z.url(),
});
export type ServiceAccount = z.infer<typeof serviceAccount>;

const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
const ASSERTION_SECONDS = 3_600;
/** A token is renewed this long before it ends. */
const RENEW_MS = 60_000;

/** Firebase Cloud Messaging, HTTP v1: https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages */
export class Fcm implements Provider<"fcm"> {
  readonly #outward: Outward;
  readonly #account: ServiceAccount;
  readonly #url: string;
  readonly #clock: Clock;
  #token: { readonly value: string; readonly untilMs: number } | undefined;
  #renewing: Promise<string> | undefined;

  constructor(outward: Outward, account: ServiceAccount, url: string, clock: Clock) {
    this.#outward = outward;
    this.#account = account;
    this.#url = `${url}/v1/projects/${account.project_id}/messages:send`;
    this.#clock = clock;
  }

  send({ token }: TargetOf<"fcm">, notification: Notification): Promise<Outcome> {
    return tried(async () => {
      const answer = await this.#post(JSON.stringify({ message: messageTo(token, notification) }));
      if (answer.status === 401) {
        this.#token = undefined;
        return { outcome: "retry", detail: `401 ${answer.text.slice(0, 200)}` };
      }
      // 404 says UNREGISTERED of a token, and of a project that it is not there.
      if (answer.status === 404 && !answer.text.includes("UNREGISTERED")) {
        return { outcome: "failed", detail: `404 ${answer.text.slice(0, 200)}` };
      }
      return outcomeOf(answer);
    });
  }

  async #post(body: string): Promise<Answer> {
    const headers = { authorization: `Bearer ${await this.#accessToken()}`, "content-type": "application/json" };
    return this.#outward.send(this.#url, { method: "POST", headers, body });
  }

  async #accessToken(): Promise<string> {
    if (this.#token !== undefined && this.#token.untilMs > this.#clock.now()) return this.#token.value;
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /** RFC 7523: a signed assertion for a token. */
  async #renew(): Promise<string> {
    const { client_email, private_key, private_key_id, token_uri } = this.#account;
    const issued = Math.floor(this.#clock.now() / 1_000);
    const assertion = await new SignJWT({ scope: SCOPE })
      .setProtectedHeader({
        alg: "RS256",
        typ: "JWT",
        ...(private_key_id === undefined ? {} : { kid: private_key_id }),
      })
      .setIssuer(client_email)
      .setAudience(token_uri)
      .setIssuedAt(issued)
      .setExpirationTime(issued + ASSERTION_SECONDS)
      .sign(await importPKCS8(private_key, "RS256"));
    const body = new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion,
    }).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const { status, text } = await this.#outward.send(token_uri, { method: "POST", headers, body });
    if (status !== 200) throw new Error(`no access token: ${status} ${text.slice(0, 200)}`);
    const { access_token, expires_in } = tokenAnswer.parse(JSON.parse(text));
    this.#token = { value: access_token, untilMs: this.#clock.now() + expires_in * 1_000 - RENEW_MS };
    return access_token;
  }
}

const tokenAnswer = z.object({ access_token: z.string(), expires_in: z.number() });

function messageTo(token: string, notification: Notification): object {
  const { urgency, ttlSeconds, topic, title, body, clear } = notification;
  return {
    token,
    data: { tocsin: payloadOf(notification) },
    ...(clear ? {} : { notification: { title, body } }),
    android: {
      priority: urgency === "page" ? "HIGH" : "NORMAL",
      ttl: `${ttlSeconds}s`,
      collapse_key: topic,
      ...(clear ? {} : { notification: { tag: topic } }),
    },
  };
}
