import type { DeviceKind, PageAbout, RegisterDevice } from "../../schema/push.ts";

/** What a device is told. Nothing in it is a message's text: it goes through the hands of others. */
export interface Notification {
  readonly pageId: string;
  /** Each device by its own, so that what it tells us can be put down to it. */
  readonly deviceId: string;
  readonly urgency: "page" | "normal";
  readonly title: string;
  readonly body: string;
  /** What comes later under the same topic replaces this. At most 32 characters of base64url. */
  readonly topic: string;
  readonly ttlSeconds: number;
  /** Nothing to tell any more: what is shown goes away. */
  readonly clear: boolean;
  readonly about: PageAbout;
}

export type Outcome =
  | { readonly outcome: "sent" }
  | { readonly outcome: "retry"; readonly detail: string; readonly afterMs?: number }
  | { readonly outcome: "failed"; readonly detail: string }
  /** Nobody is there any more. */
  | { readonly outcome: "gone"; readonly detail: string };

export type TargetOf<K extends DeviceKind> = Extract<RegisterDevice, { readonly kind: K }>;

/** A way to reach devices of one kind. It never throws: what went wrong is an outcome. */
export interface Provider<K extends DeviceKind> {
  send(target: TargetOf<K>, notification: Notification): Promise<Outcome>;
  stop?(): void;
}

export type Providers = { readonly [K in DeviceKind]?: Provider<K> };

/** As a device reads it. */
export function payloadOf({ pageId, deviceId, urgency, title, body, topic, clear, about }: Notification): string {
  return JSON.stringify({ v: 1, pageId, deviceId, urgency, title, body, topic, clear, about });
}
