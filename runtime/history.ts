import { addressOfEvents } from "../schema/subjects.ts";
import { type JournalEntry, type Ports, PortUnavailable } from "./ports/index.ts";

/** Where an actor's past is: in the journal, and what has left it in the archive. */
export type Past = Pick<Ports, "journal" | "archive">;

export interface Place {
  readonly sequence: number;
  /** The actor's version there, where it is known: it saves looking where the journal begins. */
  readonly version?: number;
}

export const BEGINNING: Place = { sequence: 0, version: 0 };

/** Entries read at once. */
const PAGE = 500;

/**
 * An actor's entries after a place and up to another, by its subject, in order and without a gap, wherever they are.
 * @throws PortUnavailable when a part of them has left the journal and the archive cannot be reached
 */
export async function* entriesAfter(
  past: Past,
  subject: string,
  after: Place,
  limit = PAGE,
  until = Number.POSITIVE_INFINITY,
): AsyncGenerator<JournalEntry> {
  let { sequence, version } = after;
  for (;;) {
    const page = await past.journal.read(subject, sequence, Math.min(PAGE, limit));
    const [first] = page;
    if (first === undefined) return;
    for (const entry of page) {
      // They may leave while this is read: so between any two, not at the beginning alone.
      if (await isBehindGap(past, subject, entry, version))
        yield* await departed(past, subject, sequence, Math.min(entry.sequence, until + 1));
      if (entry.sequence > until) return;
      yield entry;
      ({ sequence } = entry);
      version = versionOf(entry);
    }
    if (page.length < Math.min(PAGE, limit)) return;
  }
}

/** An envelope that cannot be read has no version that anything could be concluded from. */
function versionOf({ payload }: JournalEntry): number | undefined {
  try {
    const { version } = JSON.parse(payload) as { version?: unknown };
    return typeof version === "number" ? version : undefined;
  } catch {
    return undefined;
  }
}

async function isBehindGap(
  { journal }: Past,
  subject: string,
  entry: JournalEntry,
  versionThere: number | undefined,
): Promise<boolean> {
  const version = versionOf(entry);
  if (version === undefined || version === 1) return false;
  if (versionThere !== undefined) return version > versionThere + 1;
  // There is a gap before what the journal begins with, and nowhere else.
  const [head] = await journal.read(subject, 0, 1);
  return head?.sequence === entry.sequence;
}

async function departed(
  { archive }: Past,
  subject: string,
  after: number,
  below: number,
): Promise<readonly JournalEntry[]> {
  const of = addressOfEvents(subject);
  if (archive === undefined || of === undefined) {
    throw new PortUnavailable(`a part of ${subject} has left the journal, and there is no archive here to ask`);
  }
  return archive.read({ kind: of.kind, id: of.id }, after, below);
}
