import { z } from "zod";
import { schemaOf } from "./json-schema.ts";
import { closeCodes } from "./live/close-codes.ts";
import { liveEvents } from "./live/events.ts";
import { liveLimits } from "./live/limits.ts";
import {
  clientMessages,
  eventAttributes,
  eventData,
  messageSummaries,
  SUBPROTOCOL,
  serverMessages,
  TOKEN_SUBPROTOCOL,
} from "./live/messages.ts";
import { topicForms } from "./live/topics.ts";

const { idleSeconds, authenticationMs, typingEveryMs } = liveLimits;

const DESCRIPTION = `Live events and commands over one WebSocket, as JSON text frames. What the server sends are CloudEvents 1.0.

**Who you are.** Offer the subprotocols \`${SUBPROTOCOL}\` and \`${TOKEN_SUBPROTOCOL}<JWT>\`, or send \`authenticate\` within
${authenticationMs / 1_000} s. Never put a token into the URL: such a connection is refused. Send \`authenticate\` again
with a fresh token before the old one expires.

**What you follow.** \`subscribe\` to a topic: \`subscription.opened\`, then the state as it is as \`subscription.snapshot\`
frames, then \`subscription.live\`, then events. An event whose \`version\` is not above that of the state you have is in it already.

**When you come back.** Keep the position (\`epoch\`, \`offset\`, \`mark\`) of the last event that had no \`more\`, and give it
as \`since\`, to any gateway: you get every event after it, in order, each once, or \`recovered: false\` and a snapshot. The topic
of an area is never recovered: its snapshot is cheaper than its past.

**Channels** are told to their members, and what is written comes opened, as \`message.new\`. Who is a member is looked at with
each event: whoever is removed gets nothing any more; \`channel/{id}\` then ends with \`subscription.closed\`, \`channels\` tells
that this one is gone. Whoever comes back to \`channels\` gets what was missed in those that it is a member of by then.

**Who types** is kept nowhere. Send \`typing\` while somebody does; more often than every ${typingEveryMs / 1_000} s it is not told.
Other members who follow the channel get \`channel.typing\`: it ends by itself after its \`seconds\`, so that nobody need say that they
have stopped. A reader who is slow, or comes back, is not told what was.

**Positions** of units are measurements, outside the journal: a slow reader gets the latest of each unit, marked
\`conflated\`. Events are never left out: a reader too slow for them is closed with 4413 and comes back with its position.

**Heartbeats.** The server pings; a socket that shows no life for ${idleSeconds} s is closed. Browsers cannot see pings: send
\`ping\` and expect \`pong\`.

**Origin** is not looked at: it protects cookies, and there are none; whoever has no token gets nothing.`;

/** The AsyncAPI 3 document of the live connection, made from the schemas that also validate. */
export function asyncApi(version: string): object {
  const schemas: Record<string, object> = {};
  const messages: Record<string, object> = {};
  const add = (name: keyof typeof messageSummaries, payload: z.ZodType, io: "input" | "output") => {
    const summary = messageSummaries[name];
    messages[name] = { name, summary, contentType: "application/json", payload: schemaOf(payload, io, schemas) };
  };
  for (const [type, schema] of entries(clientMessages)) add(type, schema, "input");
  for (const [type, data] of entries(serverMessages)) {
    add(type, z.strictObject({ ...controlAttributes, type: z.literal(type), data }), "output");
  }
  schemas["Event"] = schemaOf(z.strictObject({ ...eventAttributes, data: eventData }), "output", schemas);
  for (const [type, summary] of Object.entries(liveEvents)) {
    const payload = { allOf: [{ $ref: "#/components/schemas/Event" }, { properties: { type: { const: type } } }] };
    messages[type] = { name: type, summary, contentType: "application/json", payload };
  }
  const named = (names: readonly string[]) => names.map((name) => ({ $ref: `#/channels/live/messages/${name}` }));
  const sent = Object.keys(clientMessages);
  const received = Object.keys(messages).filter((name) => !sent.includes(name));
  return {
    asyncapi: "3.0.0",
    info: { title: "Tocsin live", version, description: DESCRIPTION, license: { name: "Apache-2.0" } },
    defaultContentType: "application/json",
    channels: {
      live: {
        address: "/ws",
        messages: Object.fromEntries(
          Object.keys(messages).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
        bindings: { ws: { method: "GET", bindingVersion: "0.1.0" } },
        "x-topics": topicForms,
        "x-close-codes": closeCodes,
        "x-limits": liveLimits,
      },
    },
    operations: {
      fromClient: { action: "receive", channel: { $ref: "#/channels/live" }, messages: named(sent) },
      toClient: { action: "send", channel: { $ref: "#/channels/live" }, messages: named(received) },
    },
    components: { messages, schemas },
  };
}

/** Of what is said about the connection itself. */
const controlAttributes = {
  specversion: z.literal("1.0"),
  id: z.string(),
  source: z.literal("/ws"),
  datacontenttype: z.literal("application/json"),
  request: z.string().optional().describe("id of the client's message that this answers"),
  topic: eventAttributes.topic.optional(),
};

const entries = <T extends object>(of: T) => Object.entries(of) as [keyof T, T[keyof T]][];
