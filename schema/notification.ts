import { z } from "zod";
import { entityVersion, page, text, timestamp, uuid } from "./common.ts";
import { type Concern, concerns } from "./incident.ts";
import { agencyId } from "./principal.ts";
import { type NotificationReason, notificationReasons } from "./routing/group.ts";

/** How those outside are told of alerts and incidents: other systems by webhooks, brokers by MQTT, channels of the hub. */

export const deliveryKinds = ["channel", "webhook", "mqtt"] as const;
export type DeliveryKind = (typeof deliveryKinds)[number];

const hookFields = {
  name: text(200)
    .min(1)
    .regex(/^\S(?:.*\S)?$/u, "no blanks around it")
    .describe("what a receiver's target of kind webhook says in `to`"),
  url: z.url({ protocol: /^https?$/ }).max(2_000),
  enabled: z.boolean(),
};

/** Where notifications are posted to, signed, as the API shows it. */
export const hook = z
  .strictObject({
    id: uuid,
    agencyId,
    ...hookFields,
    version: entityVersion,
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: "Webhook" });
export type HookShown = z.infer<typeof hook>;

export const hookWithSecret = z
  .strictObject({ ...hook.shape, secret: z.string().describe("shown here alone, and kept nowhere") })
  .meta({ id: "WebhookWithSecret" });

export const createHook = z
  .strictObject({
    name: hookFields.name,
    url: hookFields.url,
    agencyId: agencyId.optional().describe("only for a caller that acts for several agencies"),
  })
  .meta({ id: "CreateWebhook" });
export const patchHook = z
  .strictObject(hookFields)
  .partial()
  .refine((body) => Object.keys(body).length > 0, "nothing to change")
  .meta({ id: "PatchWebhook" });

export const hookFilters = z.strictObject({ ...page, agencyId: agencyId.optional() });

export interface HookFields {
  readonly name: string;
  readonly url: string;
  readonly enabled: boolean;
}

export const deliveryStatuses = ["waiting", "delivered", "failed"] as const;

const aboutGroup = z.strictObject({
  groupId: uuid,
  receiver: z.string(),
  page: z.number().int(),
  reason: z.enum(notificationReasons),
  firing: z.array(uuid),
  resolved: z.array(uuid),
  at: timestamp,
});

const aboutIncident = z.strictObject({
  incidentId: uuid,
  concern: z.enum(concerns),
  reason: z.string(),
  at: timestamp,
});

/** One notification on its way to one of those who are told. */
export const delivery = z
  .strictObject({
    id: uuid.describe("the same in every attempt: Tocsin-Delivery"),
    agencyId,
    kind: z.enum(deliveryKinds),
    to: z.string(),
    about: z.union([aboutGroup, aboutIncident]),
    status: z.enum(deliveryStatuses),
    attempts: z.number().int(),
    nextAt: timestamp.nullable(),
    detail: z.string().nullable().describe("what was said to the last attempt, where that was no success"),
    version: entityVersion,
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: "Delivery" });
export type DeliveryShown = z.infer<typeof delivery>;

export const deliveryFilters = z.strictObject({
  ...page,
  status: z.enum(deliveryStatuses).optional(),
  kind: z.enum(deliveryKinds).optional(),
  agencyId: agencyId.optional(),
});
export type DeliveryFilters = z.infer<typeof deliveryFilters>;

export type DeliveryAbout = AboutGroup | AboutIncident;

/** What a group of alerts tells. */
export interface AboutGroup {
  readonly groupId: string;
  readonly receiver: string;
  readonly page: number;
  readonly reason: NotificationReason;
  readonly firing: readonly string[];
  readonly resolved: readonly string[];
  /** RFC 3339, UTC. */
  readonly at: string;
}

/** What somebody has to be told of an incident. */
export interface AboutIncident {
  readonly incidentId: string;
  readonly concern: Concern;
  readonly reason: string;
  /** RFC 3339, UTC. */
  readonly at: string;
}

export interface DeliveryTarget {
  readonly kind: DeliveryKind;
  readonly to: string;
}

export type DeliveryCommand =
  | {
      readonly type: "queue";
      readonly agencyId: string;
      readonly target: DeliveryTarget;
      readonly about: DeliveryAbout;
    }
  | { readonly type: "wake"; readonly due: string }
  /** What came of an attempt: the one that was asked for at that time. */
  | {
      readonly type: "report";
      readonly outcome: "delivered" | "again" | "failed";
      readonly detail: string | null;
    }
  | { readonly type: "retry" };

export type DeliveryEvent =
  | {
      readonly type: "delivery.queued";
      readonly agencyId: string;
      readonly target: DeliveryTarget;
      readonly about: DeliveryAbout;
    }
  /** It is tried now. */
  | { readonly type: "delivery.due" }
  | { readonly type: "delivery.postponed"; readonly nextAt: string; readonly detail: string | null }
  | { readonly type: "delivery.delivered" }
  | { readonly type: "delivery.failed"; readonly detail: string | null };
