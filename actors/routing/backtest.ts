import type { GroupAlert } from "../../schema/routing/group.ts";
import type { Silence } from "../../schema/routing/silence.ts";
import type { CompiledRouting } from "./compile.ts";
import { opensIncident } from "./decide.ts";
import type { Labels } from "./matching.ts";
import { routesFor } from "./tree.ts";
import { VirtualRouting } from "./virtual.ts";

/** An alert as it turned out. Times are RFC 3339. */
export interface PastAlert {
  readonly id: string;
  readonly title: string;
  readonly labels: Labels;
  readonly severity: string;
  readonly startsAt: string;
  readonly acknowledgedAt: string | null;
  readonly resolvedAt: string | null;
}

export interface BacktestOptions {
  readonly agencyId: string;
  readonly active: CompiledRouting;
  readonly candidate: CompiledRouting;
  readonly silences: readonly Silence[];
  /** Oldest first. */
  readonly alerts: readonly PastAlert[];
  readonly until: string;
  /** Lets others have a turn: alerts go on being routed while this runs. */
  readonly rest: () => Promise<void>;
}

interface ToldPage {
  readonly alertId: string;
  readonly title: string;
  readonly receiver: string;
  readonly at: string;
}

/** Steps of virtual time between two rests: some milliseconds of work. */
const STEPS_A_TURN = 100;
/** A page this much later or earlier is another one to whoever waits for it. */
const MOVED_MS = 1_000;
const LISTED_MAX = 1_000;

/**
 * What a candidate would have changed: both documents run on virtual time over the same alerts, with the silences that
 * there were, as they are known now. Acknowledgements are taken as they were, though other people might have been asked.
 */
export async function backtest(options: BacktestOptions) {
  const { active, candidate, alerts } = options;
  const before = await pagesOf(active, options);
  const after = await pagesOf(candidate, options);
  const only = (pages: ReadonlyMap<string, ToldPage>, others: ReadonlyMap<string, ToldPage>) =>
    [...pages].filter(([key]) => !others.has(key)).map(([, page]) => page);
  const moved = [...before.pages].flatMap(([key, page]) => {
    const candidateAt = after.pages.get(key)?.at;
    if (candidateAt === undefined || Math.abs(Date.parse(candidateAt) - Date.parse(page.at)) < MOVED_MS) return [];
    return [{ ...page, candidateAt }];
  });
  const opened = alerts.map((alert) => ({ alert, was: opens(active, alert), would: opens(candidate, alert) }));
  const incidents = (wanted: (one: (typeof opened)[number]) => boolean) =>
    opened
      .filter(wanted)
      .map(({ alert: { id, title } }) => ({ alertId: id, title }))
      .slice(0, LISTED_MAX);
  return {
    notifications: { active: before.notifications, candidate: after.notifications },
    pagesGained: only(after.pages, before.pages).slice(0, LISTED_MAX),
    pagesLost: only(before.pages, after.pages).slice(0, LISTED_MAX),
    pagesMoved: moved.slice(0, LISTED_MAX),
    incidentsGained: incidents(({ was, would }) => !was && would),
    incidentsLost: incidents(({ was, would }) => was && !would),
  };
}

function opens({ root }: CompiledRouting, { labels, severity }: PastAlert): boolean {
  return opensIncident(routesFor(root, labels), severity);
}

/** Of every receiver and alert, when it was told first that the alert fires. */
async function pagesOf(routing: CompiledRouting, { agencyId, alerts, silences, until, rest }: BacktestOptions) {
  const virtual = new VirtualRouting(agencyId, routing);
  virtual.silences = silences;
  for (const [index, step] of stepsOf(alerts, until).entries()) {
    if (step.what === "acknowledge") virtual.acknowledge(step.alert, step.at);
    else virtual.put(step.alert, step.at);
    if (index % STEPS_A_TURN === 0) await rest();
  }
  virtual.advance(until);
  const titles = new Map(alerts.map(({ id, title }) => [id, title]));
  const pages = new Map<string, ToldPage>();
  for (const { at, event } of virtual.told) {
    if (event.reason === "acknowledged") continue;
    for (const alertId of event.firing) {
      const key = `${event.receiver} ${alertId}`;
      if (!pages.has(key)) pages.set(key, { alertId, title: titles.get(alertId)!, receiver: event.receiver, at });
    }
  }
  return { pages, notifications: virtual.told.length };
}

interface Step {
  readonly at: string;
  readonly what: "put" | "acknowledge";
  readonly alert: GroupAlert;
}

function stepsOf(alerts: readonly PastAlert[], until: string): readonly Step[] {
  const steps = alerts.flatMap(({ id, title, labels, startsAt, acknowledgedAt, resolvedAt }): Step[] => {
    const alert: GroupAlert = { id, labels, title, startsAt, resolvedAt: null, acknowledgedAt: null };
    const all: Step[] = [{ at: startsAt, what: "put", alert }];
    if (acknowledgedAt !== null) all.push({ at: acknowledgedAt, what: "acknowledge", alert });
    if (resolvedAt !== null) all.push({ at: resolvedAt, what: "put", alert: { ...alert, resolvedAt } });
    return all;
  });
  const timed = steps.map((step) => ({ step, ms: Date.parse(step.at) }));
  return timed
    .filter(({ ms }) => ms <= Date.parse(until))
    .sort((a, b) => a.ms - b.ms)
    .map(({ step }) => step);
}
