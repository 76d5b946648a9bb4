import { CHAIN_START, type Envelope, parseEnvelope } from "../schema/envelope.ts";
import { type Address, stateKey, subjects } from "../schema/subjects.ts";
import { type AnyActor, assert, evolve } from "./actor.ts";
import { chainHash } from "./chain.ts";
import { BEGINNING, entriesAfter, type Past } from "./history.ts";
import type { JournalEntry, KeyValue } from "./ports/index.ts";
import { type RecentCommand, remember } from "./recent-commands.ts";

/** All that is known of an actor at one point of its journal. */
export interface Image {
  readonly state: unknown;
  /** Number of its envelopes; 0 while it does not exist. */
  readonly version: number;
  /** Journal sequence of the newest one: the fence of the next append. */
  readonly sequence: number;
  /** Hash of the newest one: `prev` of the next. */
  readonly hash: string;
  readonly recent: readonly RecentCommand[];
}

export function blankImage(definition: AnyActor): Image {
  return { state: definition.initial, version: 0, sequence: 0, hash: CHAIN_START, recent: [] };
}

/** The image after one more envelope. @throws AssertionFailure when the envelope cannot follow: a gap or a broken chain. */
export function applyEnvelope(
  definition: AnyActor,
  image: Image,
  envelope: Envelope,
  sequence: number,
  payload: string,
): Image {
  assert(envelope.version === image.version + 1, `version ${envelope.version} cannot follow ${image.version}`);
  assert(envelope.prev === image.hash, `the hash chain breaks at sequence ${sequence}`);
  return advance(
    image,
    envelope,
    evolve(definition, image.state, envelope.events, { previous: image.sequence, ...envelope }),
    sequence,
    chainHash(payload),
  );
}

/** The image once this envelope, whose events lead to this state, stands in the journal. */
export function advance(image: Image, envelope: Envelope, state: unknown, sequence: number, hash: string): Image {
  const command = { commandId: envelope.commandId, version: envelope.version };
  return {
    state,
    version: envelope.version,
    sequence,
    hash,
    recent: remember(
      image.recent,
      envelope.fingerprint === undefined ? command : { ...command, fingerprint: envelope.fingerprint },
    ),
  };
}

export function applyEntry(definition: AnyActor, image: Image, entry: JournalEntry): Image {
  return applyEnvelope(definition, image, parseEnvelope(entry.payload), entry.sequence, entry.payload);
}

/** The layout of a snapshot; another one is ignored, as a snapshot can always be made again. */
export const SNAPSHOT_VERSION = 2;

export function writeSnapshot(image: Image): string {
  return JSON.stringify({ v: SNAPSHOT_VERSION, ...image });
}

/** @returns undefined for a snapshot of another layout or none at all: the journal then tells everything */
export function readSnapshot(text: string): Image | undefined {
  try {
    const { v, ...image } = JSON.parse(text);
    return v === SNAPSHOT_VERSION && typeof image.version === "number" ? (image as Image) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Where an actor's journal is. An exact subject costs the server a tenth of what one for any agency does, so that one is for
 * actors of which nothing is known yet.
 */
export function subjectOf(definition: AnyActor, state: unknown, address: Address): string {
  const agency = definition.agencyOf(state);
  return agency === undefined ? subjects.eventsOf(address) : subjects.events(agency, address);
}

/** Restores an actor: its snapshot, then the tail of its journal. */
export async function loadImage(
  definition: AnyActor,
  address: Address,
  past: Past,
  state: KeyValue,
): Promise<{
  readonly image: Image;
  readonly revision: number /** entries after the snapshot */;
  readonly tail: number;
}> {
  const snapshot = await state.get(stateKey(address));
  let image = (snapshot && readSnapshot(snapshot.value)) ?? blankImage(definition);
  let tail = 0;
  for await (const entry of entriesAfter(past, subjectOf(definition, image.state, address), image)) {
    image = applyEntry(definition, image, entry);
    tail += 1;
  }
  return { image, revision: snapshot?.revision ?? 0, tail };
}

/** The image an actor had at a version: its past, under this subject, from its start. */
export async function imageAt(definition: AnyActor, subject: string, version: number, past: Past): Promise<Image> {
  let image = blankImage(definition);
  for await (const entry of entriesAfter(past, subject, BEGINNING, version)) {
    if (image.version === version) break;
    image = applyEntry(definition, image, entry);
  }
  assert(image.version === version, `the journal ends at version ${image.version}, before ${version}`);
  return image;
}
