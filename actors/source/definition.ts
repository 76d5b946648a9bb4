import { type ActorDefinition, assert, refuse } from "../../runtime/actor.ts";
import type { SourceCommand, SourceEvent, SourceFields } from "../../schema/alert.ts";
import { changesOf } from "../../schema/changes.ts";

/** A source's state. Its secret is no part of it: that follows from the node's key, the source's id and the generation. */
export type SourceState = { readonly phase: "unknown" } | KnownSource;

export interface KnownSource {
  readonly phase: "known";
  readonly agencyId: string;
  readonly fields: SourceFields;
  readonly generation: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** Who may report alerts with a credential of its own, and in which form. */
export const source: ActorDefinition<SourceState, SourceCommand, SourceEvent> = {
  kind: "source",
  initial: { phase: "unknown" },
  limits: { mailboxMax: 64, idleMs: 600_000 },
  agencyOf: (s) => (s.phase === "unknown" ? undefined : s.agencyId),

  decide: {
    create: (s, { agencyId, fields }) =>
      s.phase === "known"
        ? refuse("already_exists", "this source exists already")
        : [{ type: "source.created", agencyId, fields }],
    update: (s, { changes }) => {
      if (s.phase === "unknown") return refuse("not_found", "no such source");
      const changed = changesOf(s.fields, changes);
      return changed === undefined ? [] : [{ type: "source.updated", ...changed }];
    },
    rotate: (s) =>
      s.phase === "unknown"
        ? refuse("not_found", "no such source")
        : [{ type: "source.rotated", generation: s.generation + 1 }],
  },

  evolve: {
    "source.created": (s, { agencyId, fields }, { at }) => {
      assert(s.phase === "unknown", "a source is created once");
      return { phase: "known", agencyId, fields, generation: 1, createdAt: at, updatedAt: at };
    },
    "source.updated": (s, { changes }, { at }) => ({
      ...existing(s),
      fields: { ...existing(s).fields, ...changes },
      updatedAt: at,
    }),
    "source.rotated": (s, { generation }, { at }) => ({ ...existing(s), generation, updatedAt: at }),
  },

  deadlines: () => [],
};

function existing(s: SourceState): KnownSource {
  assert(s.phase === "known", "something happened to a source before it was created");
  return s;
}
