import { type ActorDefinition, assert, refuse } from "../../runtime/actor.ts";
import type { View } from "../../runtime/board.ts";
import { changesOf } from "../../schema/changes.ts";
import type { HookCommand, HookEvent, HookFields, HookShown } from "../../schema/notification.ts";

export type HookState = { readonly phase: "unknown" } | KnownHook;

export interface KnownHook {
  readonly phase: "known";
  readonly agencyId: string;
  readonly fields: HookFields;
  /** How often its secret was changed. The secret itself is no part of this: it follows from the node's key. */
  readonly generation: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** Another system that is told of alerts by webhook. */
export const hook: ActorDefinition<HookState, HookCommand, HookEvent> = {
  kind: "hook",
  initial: { phase: "unknown" },
  limits: { mailboxMax: 64, idleMs: 600_000 },
  agencyOf: (s) => (s.phase === "unknown" ? undefined : s.agencyId),

  decide: {
    create: (s, { agencyId, fields }) =>
      s.phase === "known"
        ? refuse("already_exists", "this webhook exists already")
        : [{ type: "hook.created", agencyId, fields }],
    update: (s, { changes }) => {
      if (s.phase === "unknown") return refuse("not_found", "no such hook");
      const changed = changesOf(s.fields, changes);
      return changed === undefined ? [] : [{ type: "hook.updated", ...changed }];
    },
    rotate: (s) =>
      s.phase === "unknown"
        ? refuse("not_found", "no such hook")
        : [{ type: "hook.rotated", generation: s.generation + 1 }],
  },

  evolve: {
    "hook.created": (s, { agencyId, fields }, { at }) => {
      assert(s.phase === "unknown", "a webhook is created once");
      return { phase: "known", agencyId, fields, generation: 1, createdAt: at, updatedAt: at };
    },
    "hook.updated": (s, { changes }, { at }) => ({
      ...existing(s),
      fields: { ...existing(s).fields, ...changes },
      updatedAt: at,
    }),
    "hook.rotated": (s, { generation }, { at }) => ({ ...existing(s), generation, updatedAt: at }),
  },

  deadlines: () => [],
};

function existing(s: HookState): KnownHook {
  assert(s.phase === "known", "something happened to a webhook before it was created");
  return s;
}

export const hookView: View = {
  present(id, state, version): HookShown {
    const { agencyId, fields, createdAt, updatedAt } = state as KnownHook;
    return { id, agencyId, ...fields, version, createdAt, updatedAt };
  },
  matches: (state, { agencyId }) => agencyId === undefined || agencyId === (state as KnownHook).agencyId,
};
