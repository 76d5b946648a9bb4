import { type ActorDefinition, assert, type EvolveContext, refuse } from "../../runtime/actor.ts";
import { changesOf } from "../../schema/changes.ts";
import type {
  SecretHolderCommand,
  SecretHolderCreated,
  SecretHolderEvent,
  SecretHolderRotated,
  SecretHolderUpdated,
} from "../../schema/secret-holder.ts";

/** The secret is no part of it: that follows from the node's key, the holder's id and the generation. */
export type SecretHolderState<Fields> = { readonly phase: "unknown" } | KnownSecretHolder<Fields>;

export interface KnownSecretHolder<Fields> {
  readonly phase: "known";
  readonly agencyId: string;
  readonly fields: Fields;
  /** How often its secret was changed. */
  readonly generation: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export type SecretHolder<Kind extends string, Fields> = ActorDefinition<
  SecretHolderState<Fields>,
  SecretHolderCommand<Fields>,
  SecretHolderEvent<Kind, Fields>
>;

/**
 * An entity with fields and a secret of its own, which can be changed: all but which event is handled by which of
 * `secretHolderEvents`.
 * @param noun what people call it
 */
export function secretHolder<Kind extends string, Fields extends object>(
  kind: Kind,
  noun: string,
): Omit<SecretHolder<Kind, Fields>, "evolve"> {
  return {
    kind,
    initial: { phase: "unknown" },
    limits: { mailboxMax: 64, idleMs: 600_000 },
    agencyOf: (s) => (s.phase === "unknown" ? undefined : s.agencyId),

    decide: {
      create: (s, { agencyId, fields }) =>
        s.phase === "known"
          ? refuse("already_exists", `this ${noun} exists already`)
          : [{ type: `${kind}.created`, agencyId, fields }],
      update: (s, { changes }) => {
        if (s.phase === "unknown") return refuse("not_found", `no such ${kind}`);
        const changed = changesOf(s.fields, changes);
        return changed === undefined ? [] : [{ type: `${kind}.updated`, ...changed }];
      },
      rotate: (s) =>
        s.phase === "unknown"
          ? refuse("not_found", `no such ${kind}`)
          : [{ type: `${kind}.rotated`, generation: s.generation + 1 }],
    },

    deadlines: () => [],
  };
}

/** What such an entity becomes. @param noun what people call it */
export function secretHolderEvents<Fields extends object>(noun: string) {
  type State = SecretHolderState<Fields>;
  const existing = (s: State): KnownSecretHolder<Fields> => {
    assert(s.phase === "known", `something happened to a ${noun} before it was created`);
    return s;
  };
  return {
    created: (s: State, { agencyId, fields }: SecretHolderCreated<Fields>, { at }: EvolveContext): State => {
      assert(s.phase === "unknown", `a ${noun} is created once`);
      return { phase: "known", agencyId, fields, generation: 1, createdAt: at, updatedAt: at };
    },
    updated: (s: State, { changes }: SecretHolderUpdated<Fields>, { at }: EvolveContext): State => ({
      ...existing(s),
      fields: { ...existing(s).fields, ...changes },
      updatedAt: at,
    }),
    rotated: (s: State, { generation }: SecretHolderRotated, { at }: EvolveContext): State => ({
      ...existing(s),
      generation,
      updatedAt: at,
    }),
  };
}
