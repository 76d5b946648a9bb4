import { assert } from "../../runtime/actor.ts";
import type { Silence, silenceStates } from "../../schema/routing/silence.ts";
import { allMatch, type CompiledMatcher, compileMatcher, type Labels } from "./matching.ts";
import { contains } from "./time-intervals.ts";

export interface CompiledSilence {
  readonly silence: Silence;
  readonly matchers: readonly CompiledMatcher[];
}

export function stateOf({ startsAt, endsAt }: Silence, at: string): (typeof silenceStates)[number] {
  if (Date.parse(endsAt) <= Date.parse(at)) return "expired";
  return Date.parse(startsAt) <= Date.parse(at) ? "active" : "pending";
}

export function compileSilences(silences: readonly Silence[]): readonly CompiledSilence[] {
  return silences.map((silence) => ({
    silence,
    matchers: silence.matchers.map(compiled),
  }));
}

/** What is kept was compiled before it was. */
function compiled(text: string): CompiledMatcher {
  const matcher = compileMatcher(text);
  assert(!("wrong" in matcher), `${text} cannot be compiled`);
  return matcher;
}

/** The silence that mutes an alert at a moment; start inclusive, end exclusive. */
export function silencedBy(silences: readonly CompiledSilence[], labels: Labels, at: string): Silence | undefined {
  return silences.find(({ silence, matchers }) => {
    if (stateOf(silence, at) !== "active" || !allMatch(matchers, labels)) return false;
    return silence.during === null || contains(silence.during, at);
  })?.silence;
}
