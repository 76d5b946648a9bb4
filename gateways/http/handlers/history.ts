import type { Page } from "../../../actors/channel/pages.ts";
import type { Known } from "../../../actors/channel/state.ts";
import { BEGINNING, entriesAfter } from "../../../runtime/history.ts";
import { pause } from "../../../runtime/pause.ts";
import type { JournalEntry, Ports } from "../../../runtime/ports/index.ts";
import type { ChannelEvent, Sealed, Urgency } from "../../../schema/channel.ts";
import { parseEnvelope } from "../../../schema/envelope.ts";
import { subjects } from "../../../schema/subjects.ts";

/** A message as the journal tells it, with everything that has changed it since. */
export interface Told {
  readonly id: string;
  readonly number: number;
  readonly author: string;
  readonly at: string;
  readonly sealed: Sealed;
  readonly priority: Urgency;
  readonly replyTo: string | null;
  readonly editedAt: string | null;
  readonly deletedAt: string | null;
  readonly acknowledgements: readonly { readonly by: string; readonly at: string }[];
}

export interface HistoryQuery {
  /** Only messages with a lower number. */
  readonly before: number;
  readonly limit: number;
  /** At most so many are looked at. */
  readonly lookAt: number;
  readonly accept: (message: Told) => boolean;
}

export interface HistoryPage {
  /** Newest first. */
  readonly messages: readonly Told[];
  /** `before` of the next page; undefined at the beginning of the channel. */
  readonly next: number | undefined;
  /** False when there may be more that fit within what was looked at so far. */
  readonly complete: boolean;
}

/** What has happened to a message after it was sent. */
interface Changes {
  edit?: { readonly at: string; readonly sealed: Sealed };
  deletedAt?: string;
  readonly acknowledgements: { readonly by: string; readonly at: string }[];
}

type Sent = Extract<ChannelEvent, { type: "message.sent" }> & { readonly author: string; readonly at: string };

/** Entries read at once beyond what a page should have: envelopes without an event are not counted by it. */
const SPARE_ENTRIES = 16;
/** A replica may be behind what was acknowledged by so much, and no more. */
const BEHIND_TRIES = 40;
const BEHIND_PAUSE_MS = 25;

/** Reads a channel's messages backwards, page by page of its journal, whatever its length. */
export async function readHistory(
  ports: Pick<Ports, "journal" | "archive" | "clock">,
  channelId: string,
  { agencyId, pages: { coarse, fine }, hasLeft }: Pick<Known, "agencyId" | "pages" | "hasLeft">,
  /** Of the newest envelope that the pages know of. */
  sequence: number,
  { before, limit, lookAt, accept }: HistoryQuery,
): Promise<HistoryPage> {
  // By its exact subject: one for any agency costs the server ten times as much.
  const subject = subjects.events(agencyId, { kind: "channel", id: channelId });
  const pages = [...coarse, ...fine];
  const changes = new Map<number, Changes>();
  const messages: Told[] = [];
  const read = async (index: number): Promise<readonly Sent[]> => {
    const until = pages[index + 1]?.after ?? sequence;
    const entries = hasLeft
      ? await entriesWherever(ports, subject, pages[index]!, until)
      : await entriesOf(ports, subject, pages[index]!, until);
    return fold(entries, changes);
  };
  let index = pages.findLastIndex(({ first }) => first < before);
  for (let later = pages.length - 1; later > index; later--) if (pages[later]!.touches < before) await read(later);
  let looked = 0;
  let lowest = before;
  for (; index >= 0; index--) {
    for (const sent of (await read(index)).toReversed()) {
      if (sent.number >= before) continue;
      lowest = sent.number;
      looked += 1;
      const message = told(sent, changes.get(sent.number));
      if (accept(message)) messages.push(message);
      if (messages.length === limit || looked === lookAt) {
        return { messages, next: lowest > 1 ? lowest : undefined, complete: messages.length === limit || lowest === 1 };
      }
    }
  }
  return { messages, next: undefined, complete: true };
}

async function entriesOf(
  { journal, clock }: Pick<Ports, "journal" | "clock">,
  subject: string,
  page: Page,
  until: number,
): Promise<readonly JournalEntry[]> {
  const entries: JournalEntry[] = [];
  let after = page.after;
  for (let tries = 0; after < until; ) {
    const more = await journal.read(subject, after, page.events + SPARE_ENTRIES);
    for (const entry of more) if (entry.sequence <= until) entries.push(entry);
    if (more.length > 0) after = more[more.length - 1]!.sequence;
    else if (++tries > BEHIND_TRIES) throw new Error(`${subject} does not reach ${until}`);
    else await pause(clock, BEHIND_PAUSE_MS);
  }
  return entries;
}

/** Of a channel that has been in the archive: the journal may not have them any more. */
async function entriesWherever(
  ports: Pick<Ports, "journal" | "archive">,
  subject: string,
  { after: sequence, events }: Page,
  until: number,
): Promise<readonly JournalEntry[]> {
  const entries: JournalEntry[] = [];
  const place = sequence === 0 ? BEGINNING : { sequence };
  for await (const entry of entriesAfter(ports, subject, place, events + SPARE_ENTRIES, until)) entries.push(entry);
  return entries;
}

/** Messages of these entries, oldest first; what changes messages goes to the changes, where later pages were before. */
function fold(entries: readonly JournalEntry[], changes: Map<number, Changes>): readonly Sent[] {
  const sent: Sent[] = [];
  const here = new Map<number, Changes>();
  const of = (number: number): Changes => {
    const known = here.get(number) ?? { acknowledgements: [] };
    here.set(number, known);
    return known;
  };
  for (const { payload } of entries) {
    const { at, by, events } = parseEnvelope(payload);
    for (const event of events as readonly ChannelEvent[]) {
      if (event.type === "message.sent") sent.push({ ...event, author: by, at });
      else if (event.type === "message.edited") of(event.number).edit = { at, sealed: event.sealed };
      else if (event.type === "message.deleted") of(event.number).deletedAt = at;
      else if (event.type === "message.acknowledged") acknowledge(of(event.number), by, at);
    }
  }
  for (const [number, earlier] of here) {
    const later = changes.get(number);
    if (later !== undefined) for (const { by, at } of later.acknowledgements) acknowledge(earlier, by, at);
    changes.set(number, { ...earlier, ...later, acknowledgements: earlier.acknowledgements });
  }
  return sent;
}

/** A second one of the same reader, long after, says nothing more. */
function acknowledge({ acknowledgements }: Changes, by: string, at: string): void {
  if (!acknowledgements.some((one) => one.by === by)) acknowledgements.push({ by, at });
}

function told(
  { messageId: id, number, author, at, sealed, priority, replyTo }: Sent,
  { edit, deletedAt, acknowledgements }: Changes = { acknowledgements: [] },
): Told {
  const text = edit?.sealed ?? sealed;
  const editedAt = edit?.at ?? null;
  return {
    id,
    number,
    author,
    at,
    sealed: text,
    priority,
    replyTo,
    editedAt,
    deletedAt: deletedAt ?? null,
    acknowledgements,
  };
}
