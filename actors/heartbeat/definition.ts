import { type ActorDefinition, assert, refuse } from "../../runtime/actor.ts";
import type { View } from "../../runtime/board.ts";
import type { Heart, HeartbeatCommand, HeartbeatEvent } from "../../schema/heartbeat.ts";
import { isSystem } from "../../schema/principal.ts";

/** Whoever was to tell of it may have died on the way: it is told again. */
const TELL_AGAIN_MS = 10_000;

export type HeartbeatState = { readonly phase: "unknown" } | KnownHeartbeat;

export interface KnownHeartbeat {
  readonly phase: "known";
  readonly heart: Heart;
  /** When it was heard of, as far as that is noted: at most half of what it may be silent after that. */
  readonly heardAt: string;
  readonly isSilent: boolean;
  /** What is to be told and is not yet known to have been. */
  readonly toTell: { readonly about: "silent" | "returned"; readonly since: string; readonly askedAt: string } | null;
}

/**
 * Whether a device that should report does. It is noted only now and then that it was heard of, so that a device costs little
 * for reporting often; that it is silent is told after as long as was said, or half as long more.
 */
export const heartbeat: ActorDefinition<HeartbeatState, HeartbeatCommand, HeartbeatEvent> = {
  kind: "heartbeat",
  initial: { phase: "unknown" },
  limits: { mailboxMax: 256, idleMs: 600_000 },
  agencyOf: (s) => (s.phase === "unknown" ? undefined : s.heart.agencyId),
  repeats: "as_it_is",

  decide: {
    beat: (s, { heart, at }, { by }) => {
      if (!isSystem(by)) return refuse("forbidden", "the engine tells who was heard of");
      const known = s.phase === "known" && Date.parse(at) <= Date.parse(s.heardAt);
      if (known) return [];
      if (s.phase === "known" && s.isSilent) return [{ type: "heartbeat.returned", heart, at }];
      const isNoted = s.phase === "known" && s.heart.silentAfterMs === heart.silentAfterMs && !isHalfOver(s, at);
      return isNoted ? [] : [{ type: "heartbeat.heard", heart, at }];
    },
    wake: (s, { due }) => {
      if (s.phase === "unknown" || wakeAt(s) !== due) return [];
      return s.toTell === null ? [{ type: "heartbeat.silent", since: s.heardAt }] : [{ type: "heartbeat.due" }];
    },
    told: (s, { about, since }, { by }) => {
      if (!isSystem(by)) return refuse("forbidden", "this is told by whoever has told it");
      if (s.phase === "unknown" || s.toTell?.about !== about || s.toTell.since !== since) return [];
      return [{ type: "heartbeat.told" }];
    },
  },

  evolve: {
    "heartbeat.heard": (s, { heart, at: heardAt }) => {
      const toTell = s.phase === "known" ? s.toTell : null;
      return { phase: "known", heart, heardAt, isSilent: false, toTell };
    },
    "heartbeat.silent": (s, { since }, { at }) => ({
      ...existing(s),
      isSilent: true,
      toTell: { about: "silent", since, askedAt: at },
    }),
    "heartbeat.returned": (s, { heart, at: heardAt }, { at }) => ({
      ...existing(s),
      ...{ heart, heardAt, isSilent: false, toTell: { about: "returned", since: heardAt, askedAt: at } },
    }),
    "heartbeat.due": (s, _e, { at }) => ({ ...existing(s), toTell: { ...existing(s).toTell!, askedAt: at } }),
    "heartbeat.told": (s) => ({ ...existing(s), toTell: null }),
  },

  deadlines: (s) => {
    const due = s.phase === "known" ? wakeAt(s) : undefined;
    return due === undefined ? [] : [{ name: "wake", at: due, command: { type: "wake", due } }];
  },
};

const later = (at: string, ms: number) => new Date(Date.parse(at) + ms).toISOString();

function isHalfOver({ heardAt, heart }: KnownHeartbeat, at: string): boolean {
  return Date.parse(at) - Date.parse(heardAt) >= heart.silentAfterMs / 2;
}

function wakeAt({ toTell, isSilent, heardAt, heart }: KnownHeartbeat): string | undefined {
  if (toTell !== null) return later(toTell.askedAt, TELL_AGAIN_MS);
  return isSilent ? undefined : later(heardAt, 1.5 * heart.silentAfterMs);
}

function existing(s: HeartbeatState): KnownHeartbeat {
  assert(s.phase === "known", "a device is heard of before it is silent");
  return s;
}

/** Shown to nobody by itself: its silence is an alert. */
export const heartbeatView: View = {
  present: (id, _state, version) => ({ id, version }),
  matches: () => true,
};
