import { z } from "zod";
import { entityVersion, page, said, text, timestamp, uuid } from "./common.ts";
import { agencyId } from "./principal.ts";
import { resourceTypes } from "./resource.ts";

export const channelKinds = ["incident", "team", "agency", "direct"] as const;
export type ChannelKind = (typeof channelKinds)[number];

/** Limits of a channel; its state is in every snapshot, and must not grow with what was ever said. */
export const channelLimits = {
  members: 500,
  /** More is no longer a talk between few. */
  directMembers: 8,
  /** Who has read how far is kept of so many, those heard of last. */
  readers: 500,
  /** Metadata of the newest messages, and of the newest urgent ones. */
  recent: 50,
  urgent: 50,
  bodyCharacters: 8_000,
} as const;

/** Who a token speaks for: its `sub`. */
export const subject = text(128)
  .min(1)
  .meta({ examples: ["dispatcher-7"], description: "a principal: the `sub` of its token" });

export const memberRoles = ["owner", "member"] as const;

const messagePriority = z
  .enum(["normal", "urgent"])
  .describe("`urgent` is to be acknowledged by everybody who is to read it");

const messageNumber = z
  .number()
  .int()
  .positive()
  .describe("place in its channel, from 1 without a gap")
  .meta({ examples: [1] });

/** A channel as its members see it. */
export const channel = z
  .strictObject({
    id: uuid.describe("of an incident's channel: the incident's own id"),
    agencyId,
    kind: z.enum(channelKinds),
    name: z.string().nullable(),
    incidentId: uuid.nullable(),
    members: z.array(z.strictObject({ subject, role: z.enum(memberRoles), since: timestamp })),
    units: z
      .array(z.strictObject({ unitId: uuid, unitType: z.enum(resourceTypes), since: timestamp }))
      .describe("units whose crews are members for as long as they are assigned"),
    messageCount: z.number().int().nonnegative(),
    unread: z.number().int().nonnegative().describe("messages that the caller has not read"),
    unacknowledged: z.array(uuid).describe("urgent messages that the caller has still to acknowledge"),
    receipts: z
      .array(
        z.strictObject({
          subject,
          delivered: z.number().int().nonnegative().describe("number of the newest message delivered"),
          read: z.number().int().nonnegative().describe("number of the newest message read"),
          at: timestamp,
        }),
      )
      .describe("how far each reader has come"),
    lastMessageAt: timestamp.nullable(),
    createdBy: z.string(),
    version: entityVersion,
    createdAt: timestamp,
    updatedAt: timestamp,
    closedAt: timestamp.nullable(),
  })
  .meta({ id: "Channel" });
export type Channel = z.infer<typeof channel>;

export const message = z
  .strictObject({
    id: uuid,
    channelId: uuid,
    number: messageNumber,
    author: z.string(),
    at: timestamp,
    body: z.string().nullable().describe("null once it is deleted"),
    replyTo: uuid.nullable().describe("the message of this channel that it answers"),
    priority: messagePriority,
    editedAt: timestamp.nullable(),
    deletedAt: timestamp.nullable(),
    acknowledgements: z.array(z.strictObject({ by: z.string(), at: timestamp })),
    unreadable: z.literal(true).optional().describe("it was tampered with, or its key is lost"),
  })
  .meta({ id: "Message" });
export type MessageShown = z.infer<typeof message>;

const name = said(100);

export const createChannel = z
  .strictObject({
    kind: z.enum(channelKinds),
    name: name.optional().describe("a team's or an agency channel has one"),
    members: z.array(subject).max(channelLimits.members).optional().describe("beside the caller"),
    incidentId: uuid.optional().describe("whose channel the caller joins; of kind `incident` alone"),
    agencyId: agencyId.optional().describe("only for a caller that acts for several agencies"),
  })
  .refine(
    (body) => (body.kind === "incident") === (body.incidentId !== undefined),
    "incidentId and kind incident go together",
  )
  .refine((body) => (body.kind !== "team" && body.kind !== "agency") || body.name !== undefined, "it needs a name")
  .refine((body) => body.kind !== "direct" || (body.members?.length ?? 0) > 0, "a direct channel needs members")
  .refine(
    (body) => body.kind !== "direct" || (body.members?.length ?? 0) < channelLimits.directMembers,
    `a direct channel has at most ${channelLimits.directMembers} members`,
  )
  .meta({ id: "CreateChannel" });

export const changeMembers = z
  .strictObject({
    add: z.array(subject).max(channelLimits.members).optional(),
    remove: z.array(subject).max(channelLimits.members).optional(),
  })
  .refine((body) => (body.add?.length ?? 0) + (body.remove?.length ?? 0) > 0, "nobody to add or remove")
  .meta({ id: "ChangeMembers" });

const body = said(channelLimits.bodyCharacters);

export const postMessage = z
  .strictObject({ body, replyTo: uuid.optional(), priority: messagePriority.optional().describe("default: normal") })
  .meta({ id: "PostMessage" });

export const editMessage = z.strictObject({ body }).meta({ id: "EditMessage" });

export const markRead = z
  .strictObject({
    upTo: z
      .number()
      .int()
      .positive()
      .max(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe("number of a message; default: the newest"),
    state: z.enum(["read", "delivered"]).optional().describe("default: read"),
  })
  .meta({ id: "MarkRead" });

export const channelFilters = z.strictObject({
  ...page,
  kind: z.enum(channelKinds).optional(),
  incidentId: uuid.optional(),
  open: z.enum(["true", "false"]).optional().describe("only those that are not closed, or only those that are"),
  agencyId: agencyId.optional(),
});
export type ChannelFilters = z.infer<typeof channelFilters>;

export const messagesQuery = z.strictObject({
  ...page,
  limit: z.coerce.number().int().min(1).max(200).default(50).describe("messages a page"),
  q: text(200)
    .min(1)
    .optional()
    .describe("only messages that have all of these words; a page looks through 2,000 messages at most"),
  thread: uuid.optional().describe("only this message and what answers it"),
});
export type MessagesQuery = z.infer<typeof messagesQuery>;

export const channelMessages = z.strictObject({
  items: z.array(message),
  next: z.string().nullable().describe("`cursor` of the next page; null at the beginning of the channel"),
  complete: z.boolean().describe("false when the search goes on in the next page, however few were found in this one"),
});

/** A text that only holders of the channel's key can read, and the blind index of its words. */
export interface Sealed {
  /** See `runtime/vault/sealed.ts`. */
  readonly text: string;
  readonly words: readonly string[];
}

export type Urgency = z.infer<typeof messagePriority>;

/** What the journal says of a message that the channel itself no longer remembers. */
export interface FoundMessage {
  readonly number: number;
  readonly author: string;
  readonly priority: Urgency;
}

/** Through which units a principal is a member, beside being named: itself, and what it is aboard of. */
interface Through {
  readonly units?: readonly string[];
}

export interface UnitJoin {
  readonly unitId: string;
  readonly unitType: (typeof resourceTypes)[number];
}

export type ChannelCommand =
  | {
      readonly type: "create";
      readonly agencyId: string;
      readonly kind: Exclude<ChannelKind, "incident">;
      readonly name: string | null;
      readonly members: readonly string[];
    }
  /** What an incident's envelope means to its channel; sent by reactions alone. */
  | {
      readonly type: "follow";
      /** Version of the incident: what was followed before is not followed again. */
      readonly version: number;
      readonly agencyId: string;
      readonly name?: string;
      readonly joined?: readonly UnitJoin[];
      readonly left?: readonly string[];
      /** Who took part. */
      readonly member?: string;
      readonly shared?: string;
      readonly unshared?: string;
      readonly turned?: "closed" | "open";
    }
  /** A dispatcher joins an incident's channel, or one that knows the channel adds and removes. */
  | ({ readonly type: "changeMembers"; readonly add: readonly string[]; readonly remove: readonly string[] } & Through)
  | ({
      readonly type: "post";
      readonly messageId: string;
      readonly sealed: Sealed;
      readonly priority: Urgency;
      readonly replyTo: string | null;
    } & Through)
  | ({
      readonly type: "edit";
      readonly messageId: string;
      readonly sealed: Sealed;
      readonly found?: FoundMessage;
    } & Through)
  | ({ readonly type: "remove"; readonly messageId: string; readonly found?: FoundMessage } & Through)
  | ({ readonly type: "acknowledge"; readonly messageId: string; readonly found?: FoundMessage } & Through)
  | ({ readonly type: "read"; readonly upTo?: number; readonly state: "read" | "delivered" } & Through)
  | { readonly type: "close" }
  /** Its past may leave the journal, if nothing has happened in it since. */
  | { readonly type: "archive"; readonly before: string };

export type ChannelEvent =
  | {
      readonly type: "channel.created";
      readonly agencyId: string;
      readonly kind: ChannelKind;
      readonly name: string | null;
      readonly incidentId: string | null;
      readonly members: readonly string[];
    }
  | { readonly type: "channel.followed"; readonly version: number }
  | { readonly type: "channel.member_joined"; readonly subject: string }
  | { readonly type: "channel.member_left"; readonly subject: string }
  | ({ readonly type: "channel.unit_joined" } & UnitJoin)
  | { readonly type: "channel.unit_left"; readonly unitId: string }
  | { readonly type: "channel.shared"; readonly agencyId: string }
  | { readonly type: "channel.unshared"; readonly agencyId: string }
  | { readonly type: "channel.closed" }
  | { readonly type: "channel.reopened" }
  | { readonly type: "channel.archived" }
  | {
      readonly type: "message.sent";
      readonly messageId: string;
      readonly number: number;
      readonly sealed: Sealed;
      readonly priority: Urgency;
      readonly replyTo: string | null;
    }
  | { readonly type: "message.edited"; readonly messageId: string; readonly number: number; readonly sealed: Sealed }
  | { readonly type: "message.deleted"; readonly messageId: string; readonly number: number }
  | { readonly type: "message.acknowledged"; readonly messageId: string; readonly number: number }
  | { readonly type: "message.read"; readonly upTo: number }
  | { readonly type: "message.delivered"; readonly upTo: number };
