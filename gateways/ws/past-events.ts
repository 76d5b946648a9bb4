import type { Registry } from "../../runtime/actor.ts";
import type { Board } from "../../runtime/board.ts";
import { applyEntry, blankImage } from "../../runtime/image.ts";
import type { Journal } from "../../runtime/ports/index.ts";
import type { EventTopic } from "../../schema/live/topics.ts";
import { addressOfEvents, subjects } from "../../schema/subjects.ts";
import type { Told } from "./recent.ts";

export interface PastOptions {
  readonly board: Board;
  readonly registry: Registry;
  readonly journal: Journal;
}

/** A topic's entries from the journal itself, in pages, `after` < sequence <= `until`: for those who were away for long. */
export async function* pastEvents(
  topic: Exclude<EventTopic, { form: "area" }>,
  after: number,
  until: number,
  options: PastOptions,
): AsyncGenerator<readonly Told[]> {
  const { kind } = topic;
  const guest =
    topic.form === "agency" ? await guestEntries(topic.kind, topic.agency, after, until, options) : undefined;
  const wanted =
    topic.form === "one"
      ? [subjects.eventsOf(topic)]
      : [subjects.eventsOfKind(topic.agency, kind), ...(guest?.subjects ?? [])];
  for await (const page of options.journal.scan(wanted, after, until)) {
    const told: Told[] = [];
    for (const { sequence, subject, payload } of page) {
      const { agency = "", id = "" } = addressOfEvents(subject) ?? {};
      const own = topic.form === "one" || agency === topic.agency;
      if (!own && !guest?.sequences.has(sequence)) continue;
      told.push({ sequence, subject, payload, kind, id, agency, guests: NOBODY, left: NOBODY });
    }
    yield told;
  }
}

const NOBODY: readonly string[] = [];

interface GuestEntries {
  readonly subjects: readonly string[];
  readonly sequences: ReadonlySet<number>;
}

/**
 * What an agency was shown of what others own: it depends on whether it was shared at that moment, which the whole story of
 * each tells. They are few: what was ever shared with this agency and has changed since.
 */
async function guestEntries(
  kind: string,
  agency: string,
  after: number,
  until: number,
  { board, registry, journal }: PastOptions,
): Promise<GuestEntries> {
  const definition = registry.get(kind);
  const wanted: string[] = [];
  const sequences = new Set<number>();
  if (definition?.sharedWith === undefined) return { subjects: wanted, sequences };
  const changed = [...board.sharedWith(kind, agency)].filter(({ sequence }) => sequence > after);
  for (const row of changed) {
    const subject = subjects.events(row.agency, { kind, id: row.id });
    let image = blankImage(definition);
    let shared = false;
    let any = false;
    // Still shared, or the last that it heard of it: what was shared in between and is not any more stays unseen.
    const isGuest = definition.sharedWith(row.state).includes(agency);
    for (const entry of await journal.read(subject, 0)) {
      if (entry.sequence > until) break;
      const before = shared;
      image = applyEntry(definition, image, entry);
      shared = definition.sharedWith(image.state).includes(agency);
      if (entry.sequence <= after || !(before || shared)) continue;
      if (!isGuest && shared) continue;
      sequences.add(entry.sequence);
      any = true;
    }
    if (any) wanted.push(subject);
  }
  return { subjects: wanted, sequences };
}
