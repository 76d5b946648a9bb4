import type { ActorDefinition } from "../../runtime/actor.ts";
import type { AlertKeyCommand, AlertKeyEvent, Seen } from "../../schema/alert.ts";

/** What a key of a source points to: its newest alert. */
export interface AlertKeyState {
  /** null until its first alert. */
  readonly agencyId: string | null;
  readonly alertId: string | null;
  /** The alert before that one; left out or null while there was none. */
  readonly before?: string | null;
  /** What was done of this key before that alert was. */
  readonly seen: Seen;
  /** The key of the message that takes this one's place. */
  readonly replacedBy: string | null;
  /** When its newest alerts were opened, the newest last; left out while there was none. */
  readonly openedAt?: readonly string[];
}

/** So many alerts of a key within so long: it flaps. */
const FLAPS = 5;
const FLAPPING_MS = 600_000;

/** Its newest alert is one of many that were opened within a short time. */
export function isFlapping({ openedAt = [] }: AlertKeyState): boolean {
  const [first, newest] = [openedAt.at(-FLAPS), openedAt.at(-1)];
  return first !== undefined && Date.parse(newest!) - Date.parse(first) <= FLAPPING_MS;
}

/**
 * A key under which a source reports the same thing again and again; its id is a hash of agency, source and key. It says
 * which alert is the one, and nothing of how that is: whether it is over, the alert alone knows. Who finds it over claims its
 * place by naming it, so that of many who do so at once one alone gets it.
 */
export const alertkey: ActorDefinition<AlertKeyState, AlertKeyCommand, AlertKeyEvent> = {
  kind: "alertkey",
  initial: { agencyId: null, alertId: null, seen: {}, replacedBy: null },
  limits: { mailboxMax: 1_024, idleMs: 60_000 },
  agencyOf: (s) => s.agencyId ?? undefined,

  decide: {
    claim: (s, { agencyId, alertId, over, at, first }) => {
      if (s.alertId !== null && s.alertId !== over?.alertId) return [];
      const seen = over?.seen ?? {};
      const events: AlertKeyEvent[] = [{ type: "alertkey.claimed", agencyId, alertId, seen, at }];
      if (first === undefined) return events;
      const command = { type: "receive", ...first, seenBefore: seen };
      return { events, with: [{ to: { kind: "alert", id: alertId }, command }] };
    },
    replace: (s, { agencyId, by }) => (s.replacedBy === null ? [{ type: "alertkey.replaced", agencyId, by }] : []),
  },
  evolve: {
    "alertkey.claimed": (s, { agencyId, alertId, seen, at }) => {
      const openedAt = at === undefined ? (s.openedAt ?? []) : [...(s.openedAt ?? []), at].slice(-FLAPS);
      return { ...s, agencyId, alertId, before: s.alertId, seen, openedAt };
    },
    "alertkey.replaced": (s, { agencyId, by }) => ({ ...s, agencyId, replacedBy: by }),
  },
  deadlines: () => [],
};
