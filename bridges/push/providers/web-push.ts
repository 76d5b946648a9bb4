import { createECDH, createHash } from "node:crypto";
import webpush from "web-push";
import { type Notification, type Outcome, type Provider, payloadOf, type TargetOf } from "../notification.ts";
import { type Outward, outcomeOf, tried } from "../outward.ts";

export interface VapidKeys {
  readonly publicKey: string;
  readonly privateKey: string;
}

/** The pair of keys (P-256) that a secret leads to. */
export function vapidKeysFrom(secret: Buffer): VapidKeys {
  for (let attempt = 0; ; attempt++) {
    const scalar = createHash("sha256").update("tocsin vapid").update(secret).update(String(attempt)).digest();
    const curve = createECDH("prime256v1");
    try {
      curve.setPrivateKey(scalar);
    } catch {
      // One in four thousand millions is none.
      continue;
    }
    return { publicKey: curve.getPublicKey("base64url"), privateKey: scalar.toString("base64url") };
  }
}

/**
 * Browsers and UnifiedPush: RFC 8030 (delivery), RFC 8291 (the payload is encrypted for the device), RFC 8292 (VAPID: who
 * sends). Whoever carries it can read nothing of it.
 */
export class WebPush implements Provider<"webpush"> {
  readonly #outward: Outward;
  readonly #keys: VapidKeys;
  readonly #contact: string;

  constructor(outward: Outward, keys: VapidKeys, contact: string) {
    this.#outward = outward;
    this.#keys = keys;
    this.#contact = contact;
  }

  send({ endpoint, keys }: TargetOf<"webpush">, notification: Notification): Promise<Outcome> {
    return tried(async () => {
      const request = this.#request({ endpoint, keys }, notification);
      if (typeof request === "string") return { outcome: "failed", detail: request };
      return outcomeOf(await this.#outward.send(endpoint, request));
    });
  }

  #request(subscription: webpush.PushSubscription, notification: Notification) {
    const { ttlSeconds, urgency, topic } = notification;
    try {
      const { headers, body } = webpush.generateRequestDetails(subscription, payloadOf(notification), {
        vapidDetails: { subject: this.#contact, ...this.#keys },
        TTL: ttlSeconds,
        urgency: urgency === "page" ? "high" : "normal",
        topic,
        contentEncoding: "aes128gcm",
      });
      const texts = Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)] as const);
      return { method: "POST" as const, headers: Object.fromEntries(texts), body: body ?? "" };
    } catch (error) {
      // The keys are none: the next try would be no better.
      return String(error);
    }
  }
}
