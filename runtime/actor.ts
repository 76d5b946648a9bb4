/**
 * The contract between what dispatch means (actors/) and how actors live (runtime/).
 *
 * A definition is pure: no I/O, no clock, no randomness. Time and ids arrive as arguments.
 */

import type { Refusal } from "../schema/errors.ts";
import type { Principal } from "../schema/principal.ts";
import type { Address } from "../schema/subjects.ts";

export { isRefusal, type Refusal, refuse } from "../schema/errors.ts";
export type { Principal } from "../schema/principal.ts";
export type { Address } from "../schema/subjects.ts";

interface Typed {
  readonly type: string;
}

/** What an actor asks of another one within the same commit: both happen or neither does. */
export interface Participation {
  readonly to: Address;
  readonly command: Typed & Readonly<Record<string, unknown>>;
  /**
   * The leader answers for it: the participant takes part though the principal may not know of it, as when one agency's
   * dispatcher resolves an incident that another agency's unit works on.
   */
  readonly trusted?: boolean;
}

/** Events of this actor, together with what others must accept in the same commit. */
export interface Joint<Event> {
  readonly events: readonly Event[];
  readonly with: readonly Participation[];
}

/**
 * Another actor leads here. The runtime asks it with the same command id, and answers with this actor's state after.
 * Order of leadership: incidents lead resources, never the other way, so that no two commits wait for each other.
 */
export interface Forward {
  readonly forwardTo: Address;
  readonly command: Typed & Readonly<Record<string, unknown>>;
  /** This actor answers for it: the other does it though the principal may not know of it. */
  readonly trusted?: boolean;
}

/** Events (none: nothing to do, and nothing is written), a refusal, or something that involves other actors. */
export type Decision<Event> = readonly Event[] | Refusal | Joint<Event> | Forward;

export interface DecideContext {
  readonly id: string;
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly by: Principal;
}

export interface EvolveContext {
  readonly id: string;
  readonly at: string;
  readonly by: string;
  /** Journal sequence of the actor's envelope before this one; 0 for its first. */
  readonly previous: number;
}

/** Something that must happen unasked. The name is unique within the actor; a later one of that name replaces it. */
export interface Deadline<Command> {
  readonly name: string;
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly command: Command;
}

export interface ActorLimits {
  /** Commands that may wait. One more is answered with 503. */
  readonly mailboxMax: number;
  /** After this long without a message the actor leaves memory. */
  readonly idleMs: number;
}

export interface ActorDefinition<State, Command extends Typed, Event extends Typed> {
  readonly kind: string;
  readonly initial: State;
  readonly limits: ActorLimits;
  /** The agency that owns the actor; undefined while it does not exist. Nobody else may so much as learn of it. */
  readonly agencyOf: (state: State) => string | undefined;
  /** Agencies that the owner lets see it, and do what `decide` lets them do. */
  readonly sharedWith?: (state: State) => readonly string[];
  /** Agencies that the owner has ever stopped sharing it with: they are still to be told so, if they were away. */
  readonly onceSharedWith?: (state: State) => readonly string[];
  /** What may be asked. Refusals are checked in the order written; the order is part of the API. */
  readonly decide: {
    readonly [T in Command["type"]]: (
      state: State,
      command: Extract<Command, { type: T }>,
      context: DecideContext,
    ) => Decision<Event>;
  };
  /** What it becomes. An event has happened: assert, never refuse. */
  readonly evolve: {
    readonly [T in Event["type"]]: (state: State, event: Extract<Event, { type: T }>, context: EvolveContext) => State;
  };
  readonly telemetry?: Telemetry<State>;
  readonly departure?: Departure<State, Command>;
  /**
   * What a repeated command is answered with: the actor as it was after the first time (the default), or as it is, for an
   * actor whose journal is too long to be folded for an answer.
   */
  readonly repeats?: "as_it_was" | "as_it_is";
  /** What it must do unasked. Derived from state, so that it can be armed again from a snapshot or a journal. */
  readonly deadlines: (state: State) => readonly Deadline<Command>[];
}

/**
 * How an actor comes to rest: what led to its last event may then leave the journal, once an archive has it, and boards show
 * the actor no more. Its last event stays, and fences: whatever happens to the actor after all, happens after that.
 */
export interface Departure<State, Command> {
  /** Since when nothing has happened to it and nothing is expected. RFC 3339; undefined while it is not at rest. */
  readonly restsSince: (state: State) => string | undefined;
  /** Asked of an actor that has rested since before that time: it then departs, by an event of that type. */
  readonly command: (before: string) => Command;
  readonly event: string;
  readonly hasDeparted: (state: State) => boolean;
}

/**
 * What is measured of an actor rather than decided, such as positions: kept in a stream of its own, never in the journal.
 * Readings are plain JSON.
 */
export interface Telemetry<State> {
  /** Looks at a report, in the order in which reports come. Pure, as `decide` is. */
  readonly observe: (state: State, last: unknown, report: unknown, context: DecideContext) => Refusal | Observation;
  /** The reading that a record kept before leads to; undefined when it has none. */
  readonly readingOf: (record: unknown) => unknown;
}

export interface Observation {
  /** Kept: what was reported, and what was thought of it. */
  readonly record: object;
  /** What the sender hears. */
  readonly answer: unknown;
}

/** An envelope of one actor, as another one may react to it. */
export interface Cause {
  readonly id: string;
  readonly agency: string;
  readonly version: number;
  readonly at: string;
  readonly by: string;
  readonly events: readonly Typed[];
}

/** A command that follows from a cause. */
export interface Told {
  readonly to: Address;
  readonly command: Typed & Readonly<Record<string, unknown>>;
}

/**
 * What happens to one actor leads to commands for others, later and for sure: at least once, in the order of the cause's
 * versions. So that at least once is once in effect, a command carries the version of its cause, and whoever is told
 * ignores what it has followed already. Pure.
 */
export interface Reaction {
  /** Part of the commands' ids: a safe token, unique. */
  readonly name: string;
  /** The kind of actor that it reacts to. */
  readonly of: string;
  /**
   * Types of the events that mean something to it, some only where they have a certain field; envelopes without any are not
   * looked at.
   */
  readonly on: readonly (string | { readonly type: string; readonly having: string })[];
  readonly react: (cause: Cause) => readonly Told[];
  /** Somebody is called by it: it does not stand back behind what users do. */
  readonly urgent?: boolean;
}

/** A definition as the runtime sees it, whatever its types. */
// biome-ignore lint/suspicious/noExplicitAny: the registry holds definitions of unrelated types; each is checked where it is written
export type AnyActor = ActorDefinition<any, any, any>;

export type Registry = ReadonlyMap<string, AnyActor>;

export function registryOf(definitions: readonly AnyActor[]): Registry {
  return new Map(definitions.map((definition) => [definition.kind, definition]));
}

export function isJoint<Event>(decision: Decision<Event>): decision is Joint<Event> {
  // Arrays have a method of that name.
  return Object.hasOwn(decision, "with");
}

export function isForward<Event>(decision: Decision<Event>): decision is Forward {
  return Object.hasOwn(decision, "forwardTo");
}

/** A rule that the code itself must keep is broken: a defect, never an answer to a user. */
export class AssertionFailure extends Error {
  override name = "AssertionFailure";
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** Decides by the command's type. @throws for a command that the definition does not know. */
export function decide(definition: AnyActor, state: unknown, command: Typed, context: DecideContext): Decision<Typed> {
  const handler = Object.hasOwn(definition.decide, command.type) ? definition.decide[command.type] : undefined;
  assert(handler !== undefined, `${definition.kind} knows no command ${command.type}`);
  return handler(state, command, context);
}

/** Folds events into the state. @throws for an event that the definition does not know or that cannot have happened. */
export function evolve(
  definition: AnyActor,
  state: unknown,
  events: readonly Typed[],
  context: EvolveContext,
): unknown {
  let next = state;
  for (const event of events) {
    const handler = Object.hasOwn(definition.evolve, event.type) ? definition.evolve[event.type] : undefined;
    assert(handler !== undefined, `${definition.kind} knows no event ${event.type}`);
    next = handler(next, event, context);
  }
  return next;
}
