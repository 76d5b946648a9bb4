import { z } from "zod";
import { entityVersion, page, said, timestamp, uuid } from "./common.ts";
import { concerns } from "./incident.ts";
import { agencyId, type Role } from "./principal.ts";

export const deviceKinds = ["webpush", "ntfy", "fcm", "apns"] as const;
export type DeviceKind = (typeof deviceKinds)[number];

/** Limits of what one person may register, and of one page. */
export const pushLimits = {
  devices: 20,
  /** A page of more is cut to those who come first: nobody answers a call to a crowd. */
  recipients: 500,
} as const;

const base64url = (bytes: number) =>
  z.string().regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((bytes * 4) / 3)}}=?=?$`), `${bytes} bytes, base64url`);

const name = said(100).optional().describe("as its owner calls it");

/** Where a device can be reached, as each service says it. */
export const registerDevice = z
  .union([
    z.strictObject({
      kind: z.literal("ntfy"),
      name,
      topic: z.string().regex(/^[-_A-Za-z0-9]{1,64}$/, "1 to 64 letters, digits, - or _; it is as good as a password"),
      server: z
        .url({ protocol: /^https?$/ })
        .max(200)
        .optional()
        .describe("default: the server's own, where it has one"),
    }),
    z.strictObject({
      kind: z.literal("webpush"),
      name,
      endpoint: z
        .url({ protocol: /^https?$/ })
        .max(2_000)
        .describe("of the push service: a browser's, or one of UnifiedPush"),
      keys: z.strictObject({ p256dh: base64url(65), auth: base64url(16) }),
    }),
    z.strictObject({
      kind: z.literal("fcm"),
      name,
      token: z.string().regex(/^[\x21-\x7e]{1,4096}$/, "a registration token"),
    }),
    z.strictObject({ kind: z.literal("apns"), name, token: z.string().regex(/^[0-9a-fA-F]{64,200}$/, "hex") }),
  ])
  .meta({ id: "RegisterDevice" });
export type RegisterDevice = z.infer<typeof registerDevice>;

export const device = z
  .strictObject({
    id: uuid,
    kind: z.enum(deviceKinds),
    name: z.string().nullable(),
    createdAt: timestamp,
  })
  .meta({ id: "Device" });

const clock = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, "HH:MM");

export const preferences = z
  .strictObject({
    quietHours: z
      .strictObject({ from: clock, to: clock, timeZone: z.string().min(1).max(64).describe("as in the IANA list") })
      .nullable()
      .describe("held back until their end; a page never is"),
    messages: z
      .enum(["all", "urgent", "none"])
      .describe("of which messages to be told; `none` holds for urgent ones, too"),
  })
  .meta({ id: "PushPreferences" });
export type Preferences = z.infer<typeof preferences>;
export const defaultPreferences: Preferences = { quietHours: null, messages: "all" };

export const pushService = z.strictObject({
  vapidPublicKey: z.string().describe("`applicationServerKey` for a browser's subscription"),
  kinds: z.array(z.enum(deviceKinds)).describe("kinds of devices that can be reached"),
});

export const deviceList = z.strictObject({
  items: z.array(device),
  next: z.null(),
  complete: z.boolean(),
});

/** Somebody's devices, and how to be told. */
export interface Owner {
  readonly agencyId: string;
  readonly subject: string;
  readonly agencies: readonly string[];
  readonly roles: readonly Role[];
  readonly resourceId: string | null;
}

export interface KeptDevice {
  readonly id: string;
  readonly kind: DeviceKind;
  readonly name: string | null;
  /** Its address, which only this installation can read. */
  readonly sealed: string;
  /** The same for the same address, whoever registers it, and tells nothing of it. Left out before it was kept. */
  readonly mark?: string;
}

export type DevicesCommand =
  | { readonly type: "register"; readonly owner: Owner; readonly device: KeptDevice }
  | { readonly type: "remove"; readonly deviceId: string }
  /** Its service says that nobody is there any more; the address is that one, not a newer one. */
  | { readonly type: "gone"; readonly deviceId: string; readonly sealed: string }
  /** Somebody else has registered the address, at that time: it is theirs, unless it was registered here again since. */
  | { readonly type: "passOn"; readonly mark: string; readonly at: string }
  | { readonly type: "prefer"; readonly owner: Owner; readonly preferences: Preferences };

export type DevicesEvent =
  | { readonly type: "devices.owner"; readonly owner: Owner }
  | { readonly type: "devices.registered"; readonly device: KeptDevice }
  | { readonly type: "devices.removed"; readonly deviceId: string; readonly because: "asked" | "gone" | "passed_on" }
  | { readonly type: "devices.preferred"; readonly preferences: Preferences };

/** How far a page has come at one device. */
export const deliveryStates = ["queued", "sent", "delivered", "seen", "failed", "stopped"] as const;
export const pageEnds = ["acknowledged", "withdrawn", "expired"] as const;

export const pageAbout = z.union([
  z.strictObject({ kind: z.literal("assignment"), incidentId: uuid, unitId: uuid }),
  z.strictObject({ kind: z.literal("message"), channelId: uuid, messageId: uuid, author: z.string() }),
  z.strictObject({ kind: z.literal("alerts"), groupId: uuid, alertIds: z.array(uuid) }),
  z
    .strictObject({ kind: z.literal("concern"), incidentId: uuid, concern: z.enum(concerns), reason: z.string() })
    .describe("nobody is on an incident, its alarm is high, or a phase of it is about to miss its time target"),
]);
export type PageAbout = Readonly<z.infer<typeof pageAbout>>;

/** Who was called about what, by which devices, and what came of it. */
export const pageShown = z
  .strictObject({
    id: uuid,
    agencyId,
    urgency: z.enum(["page", "normal"]).describe("`page`: it is never held back"),
    about: pageAbout,
    recipients: z.array(
      z.strictObject({
        subject: z.string().nullable().describe("null: nobody has registered a device for this resource"),
        resourceId: uuid.nullable(),
        acknowledgedAt: timestamp.nullable(),
        devices: z.array(
          z.strictObject({
            id: uuid,
            kind: z.enum(deviceKinds),
            state: z.enum(deliveryStates),
            attempts: z.number().int(),
            nextAt: timestamp.nullable().describe("when it is tried next"),
            sentAt: timestamp.nullable(),
            deliveredAt: timestamp.nullable(),
            seenAt: timestamp.nullable(),
            detail: z.string().nullable().describe("what its service said last, where that was no success"),
          }),
        ),
      }),
    ),
    openedAt: timestamp,
    expiresAt: timestamp,
    closedAt: timestamp.nullable(),
    end: z.enum(pageEnds).nullable(),
    acknowledgedBy: z.string().nullable(),
    version: entityVersion,
  })
  .meta({ id: "Page" });
export type PageShown = z.infer<typeof pageShown>;

export const pageFilters = z.strictObject({
  ...page,
  incidentId: uuid.optional(),
  unitId: uuid.optional(),
  open: z.enum(["true", "false"]).optional(),
  agencyId: agencyId.optional(),
});
export type PageFilters = z.infer<typeof pageFilters>;

export const pageReceipt = z
  .strictObject({ deviceId: uuid, state: z.enum(["delivered", "seen"]) })
  .meta({ id: "PageReceipt" });

export interface Recipient {
  readonly subject: string | null;
  readonly resourceId: string | null;
  readonly devices: readonly {
    readonly id: string;
    readonly kind: DeviceKind;
    /** Not before: its owner's quiet hours. */
    readonly heldUntil: string | null;
  }[];
}

export interface PageOpening {
  /** Version of what it is about: what was said before is not said again. */
  readonly cause: number;
  readonly agencyId: string;
  readonly urgency: "page" | "normal";
  readonly about: PageAbout;
  readonly recipients: readonly Recipient[];
  /** Everybody has to answer for themselves. */
  readonly each: boolean;
  readonly expiresAt: string;
}

/** What came of an attempt. */
export interface Attempt {
  readonly deviceId: string;
  readonly outcome: "sent" | "retry" | "failed";
  readonly detail?: string;
  /** The service asks not to be asked earlier. */
  readonly afterMs?: number;
}

export type PageCommand =
  | ({ readonly type: "open" } & PageOpening)
  | { readonly type: "report"; readonly round: number; readonly attempts: readonly Attempt[] }
  | { readonly type: "receipt"; readonly deviceId: string; readonly state: "delivered" | "seen" }
  /** `by`: on behalf of whoever that was, where it comes of something else. */
  | { readonly type: "acknowledge"; readonly cause?: number; readonly by?: string }
  | { readonly type: "withdraw"; readonly cause: number }
  | { readonly type: "expire"; readonly due: string }
  /** Once more for a device that was given up: from the dead letters. */
  | { readonly type: "retry"; readonly deviceId: string }
  /** It may leave the journal, if nothing has been expected of it since before that time. */
  | { readonly type: "archive"; readonly before: string };

export type PageEvent =
  | ({ readonly type: "page.opened" } & PageOpening)
  | { readonly type: "page.sent"; readonly deviceId: string }
  | { readonly type: "page.postponed"; readonly deviceId: string; readonly nextAt: string; readonly detail: string }
  | { readonly type: "page.failed"; readonly deviceId: string; readonly detail: string }
  | { readonly type: "page.retried"; readonly deviceId: string }
  | { readonly type: "page.cleared"; readonly deviceId: string }
  | { readonly type: "page.delivered"; readonly deviceId: string }
  | { readonly type: "page.seen"; readonly deviceId: string }
  | { readonly type: "page.acknowledged"; readonly by: string; readonly ends: boolean }
  | { readonly type: "page.withdrawn"; readonly cause: number }
  | { readonly type: "page.expired" }
  | { readonly type: "page.archived" };
