import type { z } from "zod";
import type { Known } from "../../../actors/channel/state.ts";
import { idFrom } from "../../../runtime/id-from.ts";
import type { ChannelKey } from "../../../runtime/vault/channel-key.ts";
import type {
  ChannelCommand,
  editMessage,
  FoundMessage,
  MessageShown,
  MessagesQuery,
  postMessage,
} from "../../../schema/channel.ts";
import type { Answer } from "../exchange.ts";
import { ProblemError } from "../problem.ts";
import { type Call, type Handler, headersOf, orThrow, type Services, send } from "./call.ts";
import { type HistoryQuery, readHistory, type Told } from "./history.ts";
import { LOOK_AT_MESSAGES, searchMessages } from "./message-search.ts";
import { channelAt, member, type Readable, readable, through } from "./reader.ts";

/** A message that is answered or changed is looked for among so many: those that can still be changed. */
const FIND_AMONG_MESSAGES = 5_000;

type Operation = "listMessages" | "postMessage" | "editMessage" | "deleteMessage" | "acknowledgeMessage";

/** Texts are sealed here, before anything else is done with them, and opened here: no other part ever sees them. */
export const messageHandlers: Readonly<Record<Operation, Handler>> = {
  async listMessages(services, call) {
    const { limit, cursor, q, thread }: MessagesQuery = call.query;
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor);
    if (!Number.isSafeInteger(before) || before < 1) throw new ProblemError("invalid_query", "cursor: not one of ours");
    const channel = await readable(services, call);
    const key = await services.vault.keyOf(channelAt(call).id);
    const words = q === undefined ? undefined : (key?.wordsIn(q) ?? []);
    if (words?.length === 0 && key !== undefined) throw new ProblemError("invalid_query", "q: there is no word in it");
    const { messages, next, complete } =
      words === undefined
        ? await history(services, call, channel, {
            before,
            limit,
            lookAt: thread === undefined ? Number.POSITIVE_INFINITY : LOOK_AT_MESSAGES,
            accept: ({ id, replyTo }) => thread === undefined || id === thread || replyTo === thread,
          })
        : await searchMessages({
            ...{ ports: services.ports, archive: services.archive, channelId: channelAt(call).id },
            ...{ channel, words, before, limit, thread },
          });
    const items = messages.map((message) => shownMessage(services, call, message, key));
    return { status: 200, body: JSON.stringify({ items, next: next === undefined ? null : String(next), complete }) };
  },

  async postMessage(services, call) {
    const { body, priority = "normal", ...rest }: z.infer<typeof postMessage> = call.body;
    const replyTo = rest.replyTo ?? null;
    const { identity, principal } = call;
    const { id } = channelAt(call);
    const known = await member(services, call);
    if (replyTo !== null) await found(services, call, known, replyTo);
    const key = await services.vault.keyFor(id);
    // A repeat has to mean the same message.
    const messageId = identity === undefined ? services.ports.ids.uuidV7() : idFrom(identity.commandId);
    const sealed = key.seal(body, { messageId, author: principal.subject });
    const command: ChannelCommand = { type: "post", messageId, sealed, priority, replyTo, ...through(services, call) };
    const reply = orThrow(await send(services, blinded(call, key), channelAt(call), { ...command }));
    const headers = headersOf(reply);
    const state = reply.state as Known;
    if (reply.replayed !== true) {
      const { messageCount: number, lastMessageAt } = state;
      const fresh: Told = {
        ...{ id: messageId, number, author: principal.subject, at: lastMessageAt!, sealed, priority, replyTo },
        ...{ editedAt: null, deletedAt: null, acknowledgements: [] },
      };
      return { status: 201, headers, body: JSON.stringify(shownMessage(services, call, fresh, key)) };
    }
    return shown(services, call, { ...reply, state }, messageId, 201);
  },

  async editMessage(services, call) {
    const { body }: z.infer<typeof editMessage> = call.body;
    const messageId = call.path["messageId"]!;
    const about = await found(services, call, await member(services, call), messageId);
    const key = await services.vault.keyFor(channelAt(call).id);
    const sealed = key.seal(body, { messageId, author: about.author });
    return change(services, blinded(call, key), about, { type: "edit", sealed });
  },

  deleteMessage: async (services, call) => {
    const about = await found(services, call, await member(services, call), call.path["messageId"]!);
    return change(services, call, about, { type: "remove" });
  },

  acknowledgeMessage: async (services, call) => {
    const about = await found(services, call, await member(services, call), call.path["messageId"]!);
    return change(services, call, about, { type: "acknowledge" });
  },
};

/** What a request is recognised by when it comes again must not tell what was written. */
function blinded(call: Call, key: ChannelKey): Call {
  const { identity } = call;
  if (identity === undefined) return call;
  return { ...call, identity: { ...identity, fingerprint: key.fingerprint(identity.fingerprint) } };
}

async function change(
  services: Services,
  call: Call,
  { number, author, priority }: FoundMessage,
  command: { readonly type: string; readonly [field: string]: unknown },
): Promise<Answer> {
  const messageId = call.path["messageId"]!;
  const asked = { ...command, messageId, found: { number, author, priority }, ...through(services, call) };
  const reply = orThrow(await send(services, call, channelAt(call), asked));
  return shown(services, call, { ...reply, state: reply.state as Known }, messageId, 200, number);
}

async function shown(
  services: Services,
  call: Call,
  channel: Readable,
  messageId: string,
  status: number,
  number = channel.state.recent.find(({ id }) => id === messageId)?.number,
): Promise<Answer> {
  const before = number === undefined ? Number.MAX_SAFE_INTEGER : number + 1;
  const [message] = await lookFor(services, call, channel, messageId, before);
  if (message === undefined) throw new ProblemError("not_found", "no such message in this channel");
  const key = await services.vault.keyOf(channelAt(call).id);
  const headers = headersOf({ ok: true, ...channel });
  return { status, headers, body: JSON.stringify(shownMessage(services, call, message, key)) };
}

/** A message of the channel: as the channel remembers it, else as its history tells. @throws 404 */
async function found(services: Services, call: Call, known: Known, messageId: string): Promise<FoundMessage> {
  const remembered = known.recent.find(({ id }) => id === messageId);
  if (remembered !== undefined) return remembered;
  const [message] = await lookFor(services, call, await readable(services, call), messageId, Number.MAX_SAFE_INTEGER);
  if (message === undefined) {
    throw new ProblemError("not_found", `no such message among the last ${FIND_AMONG_MESSAGES} of this channel`);
  }
  return message;
}

async function lookFor(services: Services, call: Call, channel: Readable, messageId: string, before: number) {
  const accept = ({ id }: Told) => id === messageId;
  return (await history(services, call, channel, { before, limit: 1, lookAt: FIND_AMONG_MESSAGES, accept })).messages;
}

function history({ ports }: Services, call: Call, { state, sequence }: Readable, query: HistoryQuery) {
  return readHistory(ports, channelAt(call).id, state, sequence, query);
}

function shownMessage(
  { ports }: Services,
  call: Call,
  { sealed, ...message }: Told,
  key: ChannelKey | undefined,
): MessageShown {
  const shownAs = (body: string | null, more = {}): MessageShown => ({
    ...message,
    channelId: channelAt(call).id,
    body,
    acknowledgements: [...message.acknowledgements],
    ...more,
  });
  if (message.deletedAt !== null) return shownAs(null);
  try {
    if (key === undefined) throw new Error("the channel's key is gone");
    return shownAs(key.open(sealed, { messageId: message.id, author: message.author }));
  } catch (error) {
    // One that does not open must not hide the others.
    ports.log.error({ requestId: call.requestId, messageId: message.id, error }, "a message cannot be opened");
    return shownAs(null, { unreadable: true });
  }
}
