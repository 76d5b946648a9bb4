import { parseEnvelope } from "../schema/envelope.ts";
import { type Address, addressOfEvents, subjects } from "../schema/subjects.ts";
import type { AnyActor } from "./actor.ts";
import { BEGINNING, entriesAfter, type Past } from "./history.ts";
import { applyEntry, applyEnvelope, blankImage, type Image } from "./image.ts";

/** A moment of an actor's past: up to a sequence of the journal, or up to a time (RFC 3339). Both are inclusive. */
export type Moment = { readonly sequence: number } | { readonly at: string };

/** The actor as it was then, by its entries alone. Version 0: it did not exist. */
export async function imageAsOf(definition: AnyActor, address: Address, moment: Moment, past: Past): Promise<Image> {
  let image = blankImage(definition);
  for await (const entry of entriesAfter(past, subjects.eventsOf(address), BEGINNING)) {
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
export async function auditOf(definition: AnyActor, address: Address, past: Past): Promise<Audit> {
  let image = blankImage(definition);
  let agency: string | undefined;
  let verified = 0;
  const result = () => (agency === undefined ? { verified } : { agency, verified });
  for await (const entry of entriesAfter(past, subjects.eventsOf(address), BEGINNING)) {
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
