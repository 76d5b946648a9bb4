import { timestamp } from "./common.ts";

/** Longer than this is asked for in parts: a report is an answer, not a dump. */
const SPAN_MAX_DAYS = 400;
const DAY_MS = 86_400_000;

export const span = {
  from: timestamp.optional().describe("inclusive; default: a day before `to`"),
  to: timestamp.optional().describe("exclusive; default: now"),
};

interface Span {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** Both ends as they are meant, in UTC. */
export function spanOf({ from, to }: Span, nowMs: number): { readonly from: string; readonly to: string } {
  const toMs = to === undefined ? nowMs : Date.parse(to);
  const fromMs = from === undefined ? toMs - DAY_MS : Date.parse(from);
  return { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
}

export const isSpan = ({ from, to }: Span): boolean => {
  if (from === undefined || to === undefined) return true;
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS;
  return days > 0 && days <= SPAN_MAX_DAYS;
};
export const SPAN_NEEDS = `from comes before to, by ${SPAN_MAX_DAYS} days at most`;
