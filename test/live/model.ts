import { channel } from "../../actors/channel/definition.ts";
import type { ChannelState } from "../../actors/channel/state.ts";
import { incident } from "../../actors/incident/definition.ts";
import type { Item } from "../../client/index.ts";
import { type AnyActor, registryOf } from "../../runtime/actor.ts";
import { applyEntry, blankImage, type Image } from "../../runtime/image.ts";
import type { Journal, JournalEntry } from "../../runtime/ports/index.ts";
import type { Envelope } from "../../schema/envelope.ts";
import { addressOfEvents } from "../../schema/subjects.ts";

/** An event as the journal has it. */
export interface Written {
  /** `sequence-index`, as it goes out. */
  readonly id: string;
  readonly sequence: number;
  readonly type: string;
  readonly kind: string;
  readonly entity: string;
  readonly agency: string;
  /** Whom its incident was shared with, or who by name was a member of its channel, right before, and right after. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** The journal as events, each with who could see it: told from the actors' own rules, not from the gateway's. */
export async function writtenIn(journal: Journal): Promise<Written[]> {
  const images = new Map<string, Image>();
  const written: Written[] = [];
  const entries: JournalEntry[] = [];
  for await (const page of journal.scan(["evt.*.*.*"], 0, await journal.lastSequence())) entries.push(...page);
  for (const entry of entries) {
    const { kind = "", id = "", agency = "" } = addressOfEvents(entry.subject) ?? {};
    const definition = definitions.get(kind);
    const image = images.get(`${kind}.${id}`) ?? blankImage(definition ?? incident);
    const next = definition === undefined ? image : applyEntry(definition, image, entry);
    images.set(`${kind}.${id}`, next);
    (JSON.parse(entry.payload) as Envelope).events.forEach(({ type }, index) => {
      const { sequence } = entry;
      const readers = { before: readersOf(kind, image), after: readersOf(kind, next) };
      written.push({ id: `${sequence}-${index}`, sequence, type, kind, entity: id, agency, ...readers });
    });
  }
  return written;
}

const definitions: ReadonlyMap<string, AnyActor> = registryOf([incident, channel]);

function readersOf(kind: string, { state }: Image): readonly string[] {
  if (kind === "incident") return incident.sharedWith?.(state as never) ?? [];
  const it = state as ChannelState;
  return kind === "channel" && it.phase === "known" ? it.members.map(({ subject }) => subject) : [];
}

/** What was heard between two times at which it was said that not everything could be had. */
export interface Stretch {
  /** It begins after this sequence. */
  readonly after: number;
  readonly ids: string[];
}

/** A subscriber's log, cut where it was told to forget what it had. Positions of units are not of the journal. */
export function stretchesOf(items: readonly Item[]): Stretch[] {
  const stretches: Stretch[] = [];
  for (const item of items) {
    if (item.type === "subscription.opened") {
      if (!item.data.recovered) stretches.push({ after: Number(item.data.offset), ids: [] });
    } else if ("offset" in item && item.offset !== undefined) stretches.at(-1)?.ids.push(item.id);
  }
  return stretches;
}
