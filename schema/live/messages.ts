import { z } from "zod";
import { alert } from "../alert.ts";
import { channel } from "../channel.ts";
import { json, timestamp, uuid } from "../common.ts";
import { type ErrorCode, errorKinds } from "../errors.ts";
import { incident } from "../incident.ts";
import { presenceUpdate, present } from "../presence.ts";
import { agencyId, roles } from "../principal.ts";
import { pageShown } from "../push.ts";
import { resource } from "../resource.ts";
import { alertGroup } from "../routes/routing.ts";
import { type OperationId, routes } from "../routes.ts";
import { topicName } from "./topics.ts";

/** The WebSocket subprotocol. A token may be offered beside it, as `bearer.<JWT>`: browsers can send no headers. */
export const SUBPROTOCOL = "tocsin.v1";
export const TOKEN_SUBPROTOCOL = "bearer.";

const digits = z.string().regex(/^\d{1,16}$/, "a number in digits");

/** Where in the journal somebody is: after this event. As it came from the server, all of it. */
export const position = z
  .strictObject({
    epoch: z.string().max(64).describe("which journal"),
    offset: digits.describe("sequence in the journal"),
    mark: z
      .string()
      .max(16)
      .optional()
      .describe("what stood there: tells a journal that was restored from an older copy"),
  })
  .meta({ id: "Position" });
export type Position = z.infer<typeof position>;

const requestId = z.string().min(1).max(64).describe("chosen by the client; the answer names it");
const strings = z.record(z.string().max(64), z.string().max(2_000));

/** CloudEvents' own attributes are welcome in what a client sends, and mean nothing. */
const envelope = {
  specversion: z.literal("1.0").optional(),
  source: z.string().max(200).optional(),
  time: z.string().max(64).optional(),
  datacontenttype: z.string().max(64).optional(),
};

const request = <T extends string, D extends z.ZodType>(type: T, data: D) =>
  z.strictObject({ ...envelope, type: z.literal(type), id: requestId, data });

/** What a client may send. */
export const clientMessages = {
  authenticate: request("authenticate", z.strictObject({ token: z.string().min(1).max(8_192).describe("a JWT") })),
  subscribe: request(
    "subscribe",
    z.strictObject({
      topic: topicName,
      since: position.optional().describe("the last position the client has seen: it gets everything after it"),
      snapshot: z
        .boolean()
        .default(true)
        .describe("whether the state as it is comes first, unless everything since could be recovered"),
    }),
  ),
  unsubscribe: request("unsubscribe", z.strictObject({ topic: topicName })),
  command: request(
    "command",
    z.strictObject({
      operation: z.enum(Object.keys(routes) as [OperationId, ...OperationId[]]).describe("an operationId of the API"),
      path: strings.default({}),
      query: strings.default({}),
      body: z.unknown().optional(),
      idempotencyKey: z.string().max(200).default(""),
      ifMatch: z.string().max(100).default(""),
      sequence: z.string().max(20).default(""),
    }),
  ),
  typing: request("typing", z.strictObject({ channelId: uuid })),
  ping: request("ping", z.strictObject({}).optional()),
};

/** As it goes over the wire, before defaults are filled in. */
export type ClientMessage = {
  [T in keyof typeof clientMessages]: z.input<(typeof clientMessages)[T]>;
}[keyof typeof clientMessages];

export const clientMessage = z.discriminatedUnion("type", [
  clientMessages.authenticate,
  clientMessages.subscribe,
  clientMessages.unsubscribe,
  clientMessages.command,
  clientMessages.typing,
  clientMessages.ping,
]);

const problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.enum(Object.keys(errorKinds) as [ErrorCode, ...ErrorCode[]]),
  requestId: z.string(),
});

const entity = z.union([incident, resource, channel, alert, alertGroup, pageShown]);

/** What a server says beside events: the `data` of each. */
export const serverMessages = {
  "session.opened": z.strictObject({
    subject: z.string(),
    agencies: z.array(agencyId),
    roles: z.array(z.enum(roles)),
    expiresAt: timestamp.nullable().describe("of the token: by then a fresh one is needed"),
    heartbeatSeconds: z.number().int().describe("send something within twice this long, a ping will do"),
    ...position.shape,
  }),
  "session.expiring": z.strictObject({
    expiresAt: timestamp.describe("send `authenticate` with a fresh token before"),
  }),
  "subscription.opened": z.strictObject({
    ...position.shape,
    recovered: z.boolean().describe("true: every event since `since` comes now, in order, each once"),
    reason: z.string().optional().describe("why it was not recovered"),
    snapshot: z.boolean().describe("true: the state as it is comes first"),
  }),
  "subscription.snapshot": z.strictObject({ items: z.array(z.union([entity, present])), last: z.boolean() }),
  "subscription.live": z.strictObject({ ...position.shape }),
  "subscription.closed": z.strictObject({ reason: z.string() }),
  "presence.update": presenceUpdate,
  "channel.typing": z.strictObject({
    channelId: uuid,
    subject: z.string().describe("who types"),
    seconds: z.number().int().describe("show it for so long, unless it is told again or a message of theirs comes"),
  }),
  "command.answered": z.strictObject({
    status: z.number().int(),
    headers: z.record(z.string(), z.string()),
    body: json,
  }),
  "request.refused": problem,
  pong: z.strictObject({}),
};
export type ServerMessages = { [T in keyof typeof serverMessages]: z.output<(typeof serverMessages)[T]> };

/** CloudEvents 1.0, in its JSON format; each has its subscription's `topic` where it belongs to one. */
export const eventAttributes = {
  specversion: z.literal("1.0"),
  id: z.string().describe("sequence in the journal, - and place within its envelope; positions: loc- and a sequence"),
  source: z.string().describe("/agencies/ and the agency that it belongs to"),
  type: z.string(),
  subject: z.string().describe("kind and id of what it happened to, as in the topic of that one"),
  time: timestamp,
  datacontenttype: z.literal("application/json"),
  topic: topicName,
  epoch: z.string().optional().describe("with offset and mark the position; positions of units have none"),
  offset: digits.optional(),
  mark: z.string().optional(),
  more: z
    .literal(true)
    .optional()
    .describe("another event of the same position follows: this one is no place to resume from"),
  area: z.enum(["entered", "moved", "left"]).optional().describe("on an area's topic"),
  conflated: z.literal(true).optional().describe("earlier positions of this unit were left out"),
};

export const eventData = z.strictObject({
  event: z.looseObject({}).describe("what happened, as in the timeline"),
  version: z.number().int().describe("of the entity, after it"),
  by: z.string().optional(),
  cause: z.string().optional(),
  state: entity
    .optional()
    .describe("the entity after it; left out where a later event about it follows right away, and with `message.*`"),
});

/** What each is for, in words. */
export const messageSummaries: Readonly<Record<keyof typeof clientMessages | keyof typeof serverMessages, string>> = {
  authenticate: "says who you are, or brings a fresh token",
  subscribe: "follows a topic, from now or from a position",
  unsubscribe: "stops that",
  command: "does anything that the HTTP API does",
  typing: "says that you type in a channel, every few seconds for as long as you do; answered only when refused",
  ping: "shows that you are there, and asks whether the server is",
  "session.opened": "you are known",
  "session.expiring": "the token is over soon",
  "subscription.opened": "a topic begins: whether everything since your position comes, or the state as it is",
  "subscription.snapshot": "a part of the state as it is",
  "subscription.live": "you have everything up to here; what comes now has just happened",
  "subscription.closed": "a topic ends, because you said so or may not see it any more",
  "presence.update": "somebody has come, or gone: in no journal, so that whoever comes back gets a snapshot",
  "channel.typing": "another member types just now: kept nowhere, and over by itself",
  "command.answered": "what a command came to",
  "request.refused": "what was wrong with a request, as a problem (RFC 9457)",
  pong: "the server is there",
};
