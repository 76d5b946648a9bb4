import { pause } from "../../runtime/pause.ts";
import type { Clock, Journal, JournalEntry } from "../../runtime/ports/index.ts";
import { subjects } from "../../schema/subjects.ts";
import type { JournalCheck } from "./journal-check.ts";

const EVERYTHING = "evt.>";
/** Entries asked for while those before are being checked. */
const PAGE = 2_000;
/** A commit is stored all or nothing, but entry by entry: whoever reads meanwhile may see a part of it. */
const LAST_COMMIT_WITHIN_MS = 2_000;
const LOOK_AGAIN_MS = 50;

/** Where what has left the journal is. */
export interface DepartedEntries {
  between(after: number, below: number, limit: number): Promise<readonly JournalEntry[]>;
}

async function fillGap(departed: DepartedEntries, check: JournalCheck, sequence: number): Promise<void> {
  while (check.position + 1 < sequence) {
    const entries = await departed.between(check.position, sequence, PAGE);
    for (const entry of entries) check.entry(entry, "archive");
    if (entries.length < PAGE) return;
  }
}

/** Some may have departed while the journal was read: their last events are after what was read of it. */
export async function readDepartures(journal: Journal, check: JournalCheck): Promise<void> {
  for (const address of check.unaccounted) {
    for (const entry of await journal.read(subjects.eventsOf(address), check.position)) check.later(entry);
  }
}

/** Feeds a check with all that the journal holds up to a sequence, and with the rest of the commit that it ends in. */
export async function readJournal(
  journal: Journal,
  until: number,
  clock: Clock,
  check: JournalCheck,
  onProgress: (position: number) => void,
  departed?: DepartedEntries,
): Promise<void> {
  const read = (after: number) => journal.read(EVERYTHING, after, PAGE);
  let next = until > 0 ? read(0) : Promise.resolve([]);
  while (check.position < until) {
    const page = await next;
    const last = page[page.length - 1]?.sequence;
    if (last === undefined) {
      check.missing(until + 1);
      return;
    }
    next = last < until ? read(last) : Promise.resolve([]);
    // A failure is met where it is awaited: until then it must not count as met by nobody.
    next.catch(() => undefined);
    for (const entry of page) {
      if (entry.sequence > until && !check.continues(entry)) continue;
      if (departed !== undefined) await fillGap(departed, check, entry.sequence);
      check.entry(entry);
    }
    onProgress(Math.min(check.position, until));
  }
  const giveUpAt = clock.monotonicMs() + LAST_COMMIT_WITHIN_MS;
  while (!check.agrees && clock.monotonicMs() < giveUpAt) {
    for (const entry of await read(check.position)) {
      if (!check.continues(entry)) return;
      check.entry(entry);
    }
    await pause(clock, LOOK_AGAIN_MS);
  }
}
