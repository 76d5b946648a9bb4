import { type ActorDefinition, assert, type Refusal, refuse } from "../../runtime/actor.ts";
import type { View } from "../../runtime/board.ts";
import {
  type NewSilence,
  SILENCES_KEPT_MS,
  SILENCES_MAX,
  type Silence,
  type SilencesCommand,
  type SilencesEvent,
} from "../../schema/routing/silence.ts";
import { compileMatcher } from "./matching.ts";
import { stateOf } from "./silencing.ts";

export interface SilencesState {
  readonly agencyId: string | null;
  readonly silences: Readonly<Record<string, Silence>>;
}

/**
 * An agency's silences and maintenance windows; its id is the agency's. Rules of editing as in Alertmanager: in place while
 * what it mutes stays the same and it has not ended; else the old one ends and a new one starts.
 */
export const silences: ActorDefinition<SilencesState, SilencesCommand, SilencesEvent> = {
  kind: "silences",
  initial: { agencyId: null, silences: {} },
  limits: { mailboxMax: 64, idleMs: 600_000 },
  agencyOf: (s) => s.agencyId ?? undefined,

  decide: {
    silence: (s, { id, silence }, { at, by }) => {
      const checked = check(silence, at);
      if ("refused" in checked) return checked;
      return roomFor(s, at) ?? [{ type: "silence.created", silence: made(id, checked, by.subject, at) }];
    },

    change: (s, { id, replacementId, silence }, { at, by }) => {
      const before = s.silences[id];
      if (before === undefined) return refuse("not_found", "no such silence");
      const checked = check({ startsAt: before.startsAt, ...silence }, at);
      if ("refused" in checked) return checked;
      const state = stateOf(before, at);
      const isSame = JSON.stringify(before.matchers) === JSON.stringify(silence.matchers);
      // What has begun stays begun, and what has ended is over: the record must go on saying what was muted.
      const inPlace = state === "pending" || (state === "active" && isSameTime(checked.startsAt, before.startsAt));
      if (isSame && inPlace) {
        const changed = { ...made(id, checked, before.createdBy, at) };
        return [{ type: "silence.changed", silence: changed }];
      }
      const events: SilencesEvent[] = state === "expired" ? [] : [{ type: "silence.expired", id }];
      const full = events.length === 0 ? roomFor(s, at) : undefined;
      const again = { ...checked, startsAt: Date.parse(checked.startsAt) < Date.parse(at) ? at : checked.startsAt };
      const fresh = made(replacementId, again, by.subject, at);
      return full ?? [...events, { type: "silence.created", silence: fresh, replaces: id }];
    },

    expire: (s, { id }, { at }) => {
      const silence = s.silences[id];
      if (silence === undefined) return refuse("not_found", "no such silence");
      return stateOf(silence, at) === "expired" ? [] : [{ type: "silence.expired", id }];
    },
  },

  evolve: {
    "silence.created": (s, { silence }, { id, at }) => ({ agencyId: id, silences: kept(s, silence, at) }),
    "silence.changed": (s, { silence }, { at }) => ({ ...s, silences: kept(s, silence, at) }),
    "silence.expired": (s, { id }, { at }) => {
      const silence = s.silences[id];
      assert(silence !== undefined, `there is no silence ${id}`);
      // One that had not begun never will.
      const startsAt = Date.parse(silence.startsAt) > Date.parse(at) ? at : silence.startsAt;
      return { ...s, silences: kept(s, { ...silence, startsAt, endsAt: at, updatedAt: at }, at) };
    },
  },

  deadlines: () => [],
};

export const silencesView: View = {
  present: (agencyId, state) => ({ agencyId, silences: Object.values((state as SilencesState).silences) }),
  matches: () => true,
};

type Checked = NewSilence & { readonly startsAt: string };

/** Source of the rules: Alertmanager's `silence.validateSilence`. */
function check(silence: NewSilence, at: string): Checked | Refusal {
  const { startsAt = at, endsAt, matchers } = silence;
  const issues: { path: string; message: string }[] = [];
  if (Date.parse(endsAt) <= Date.parse(startsAt))
    issues.push({ path: "endsAt", message: "it has to end after it starts" });
  else if (Date.parse(endsAt) <= Date.parse(at)) issues.push({ path: "endsAt", message: "it would be over already" });
  const compiled = matchers.map(compileMatcher);
  for (const [index, one] of compiled.entries()) {
    if ("wrong" in one) issues.push({ path: `matchers[${index}]`, message: one.wrong });
  }
  if (compiled.every((one) => "wrong" in one || one.matches({}))) {
    issues.push({
      path: "matchers",
      message: "one at least has to refuse the empty value: this would mute everything",
    });
  }
  return issues.length > 0 ? refuse("invalid_body", "see issues", { issues }) : { ...silence, startsAt };
}

function made(
  id: string,
  { matchers, startsAt, endsAt, during, comment }: Checked,
  createdBy: string,
  at: string,
): Silence {
  return { id, matchers, startsAt, endsAt, during: during ?? null, comment, createdBy, updatedAt: at };
}

function roomFor({ silences: all }: SilencesState, at: string): Refusal | undefined {
  if (Object.values(all).filter((one) => stateOf(one, at) !== "expired").length < SILENCES_MAX) return undefined;
  return refuse("limit_reached", `at most ${SILENCES_MAX} silences that have not ended`);
}

/** Those that ended long ago are left to the journal. */
function kept({ silences: all }: SilencesState, changed: Silence, at: string): SilencesState["silences"] {
  const oldest = Date.parse(at) - SILENCES_KEPT_MS;
  const others = Object.entries(all).filter(([, { endsAt }]) => Date.parse(endsAt) > oldest);
  return { ...Object.fromEntries(others), [changed.id]: changed };
}

function isSameTime(a: string, b: string): boolean {
  return Date.parse(a) === Date.parse(b);
}
