import { parseEnvelope } from "../schema/envelope.ts";
import { type Address, addressOfEvents, subjects } from "../schema/subjects.ts";
import type { AnyActor } from "./actor.ts";
import { applyEntry, applyEnvelope, blankImage, type Image } from "./image.ts";
import type { Journal, JournalEntry } from "./ports/index.ts";

/** Entries read at once. */
const PAGE = 500;

async function* entriesOf(journal: Journal, address: Address): AsyncGenerator<JournalEntry> {
  for (let after = 0; ; ) {
    const page = await journal.read(subjects.eventsOf(address), after, PAGE);
    yield* page;
    if (page.length < PAGE) return;
    after = page[page.length - 1]!.sequence;
  }
}

/** A moment of an actor's past: up to a sequence of the journal, or up to a time (RFC 3339). Both are inclusive. */
export type Moment = { readonly sequence: number } | { readonly at: string };

/** The actor as it was then, by its journal alone. Version 0: it did not exist. */
export async function imageAsOf(
  definition: AnyActor,
  address: Address,
  moment: Moment,
  journal: Journal,
): Promise<Image> {
  let image = blankImage(definition);
  for await (const entry of entriesOf(journal, address)) {
    if ("sequence" in moment && entry.sequence > moment.sequence) break;
    const envelope = parseEnvelope(entry.payload);
    if ("at" in moment && Date.parse(envelope.at) > Date.parse(moment.at)) break;
    image = applyEnvelope(definition, image, envelope, entry.sequence, entry.payload);
  }
  return image;
}

export interface Audit {
  /** The agency that the journal's subject names; undefined when there is no entry. */
  readonly agency?: string;
  /** Entries that were found good, from the first on. */
  readonly verified: number;
  readonly firstBad?: { readonly sequence: number; readonly problem: string };
}

/** Goes along an actor's hash chain: versions without a gap, each naming the bytes before it, events that can have happened. */
export async function auditOf(definition: AnyActor, address: Address, journal: Journal): Promise<Audit> {
  let image = blankImage(definition);
  let agency: string | undefined;
  let verified = 0;
  const result = () => (agency === undefined ? { verified } : { agency, verified });
  for await (const entry of entriesOf(journal, address)) {
    const { sequence } = entry;
    agency ??= addressOfEvents(entry.subject)?.agency;
    try {
      image = applyEntry(definition, image, entry);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      return { ...result(), firstBad: { sequence, problem } };
    }
    verified += 1;
  }
  return result();
}
