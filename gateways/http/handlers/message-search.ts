import { type Archive, ArchiveUnavailable } from "../../../runtime/archive.ts";
import type { Ports } from "../../../runtime/ports/index.ts";
import { type HistoryPage, readHistory, type Told } from "./history.ts";
import type { Readable } from "./reader.ts";

/** Without an index a page of a search looks at so many messages, and says whether there is more. */
export const LOOK_AT_MESSAGES = 2_000;

interface Search {
  readonly ports: Ports;
  readonly archive: Archive | undefined;
  readonly channelId: string;
  readonly channel: Readable;
  /** As only the channel's key tells them. */
  readonly words: readonly string[];
  readonly before: number;
  readonly limit: number;
  /** Only this message and what answers it. */
  readonly thread: string | undefined;
}

/** Messages that have all of these words: what the archive does not have yet is looked through, the rest is found by its index. */
export async function searchMessages(search: Search): Promise<HistoryPage> {
  const { archive, channelId, words, before, limit } = search;
  const found = await archive?.messages({ channelId, words, before, limit: limit + 1 }).catch((error: unknown) => {
    if (!(error instanceof ArchiveUnavailable)) throw error;
    return undefined;
  });
  if (found === undefined) return lookThrough(search, before, LOOK_AT_MESSAGES);
  const { newest, numbers } = found;
  const messages: Told[] = [];
  if (before > newest + 1) {
    const fresh = await lookThrough(search, before, LOOK_AT_MESSAGES);
    const recent = fresh.messages.filter(({ number }) => number > newest);
    // They fill the page, or the archive is too far behind for one page.
    if (recent.length === limit || (fresh.next ?? 0) > newest + 1) return { ...fresh, messages: recent };
    messages.push(...recent);
  }
  const older = numbers.filter((number) => number <= newest);
  for (const number of older) {
    if (messages.length === limit) return { messages, next: number + 1, complete: true };
    // What was changed since may not have the words any more.
    const [message] = (await lookThrough(search, number + 1, 1)).messages;
    if (message !== undefined) messages.push(message);
  }
  const next = numbers.length > limit ? older.at(-1) : undefined;
  return { messages, next, complete: next === undefined || messages.length === limit };
}

function lookThrough({ ports, channelId, channel, words, limit, thread }: Search, before: number, lookAt: number) {
  const accept = ({ id, replyTo, deletedAt, sealed }: Told) =>
    deletedAt === null &&
    (thread === undefined || id === thread || replyTo === thread) &&
    words.every((word) => sealed.words.includes(word));
  return readHistory(ports, channelId, channel.state, channel.sequence, { before, limit, lookAt, accept });
}
