import { type ActorDefinition, assert, type Decision } from "../../../runtime/actor.ts";
import {
  GROUP_ALERTS_MAX,
  type GroupAlert,
  type GroupCommand,
  type GroupEvent,
} from "../../../schema/routing/group.ts";
import { escalate, flush, nextInterval, settleChains, sinceOf } from "./flush.ts";
import { type Group, type GroupState, later, nextDue } from "./state.ts";

/** Whoever was to make it proceed may have died on the way: it is asked again after this long. */
const AWAIT_MS = 15_000;

/**
 * Alerts that are told together: a route, and the values of its `groupBy` labels. Its first notification waits for
 * `groupWait`, unless its alert has done so already; the next ones come every `groupInterval`, where there is something to
 * tell. What is muted it is told by whoever makes it proceed: it cannot know of other actors.
 */
export const alertGroup: ActorDefinition<GroupState, GroupCommand, GroupEvent> = {
  kind: "alertgroup",
  initial: { phase: "unknown" },
  limits: { mailboxMax: 4_096, idleMs: 600_000 },
  agencyOf: (s) => (s.phase === "unknown" ? undefined : s.agencyId),

  decide: {
    put: (s, command, { at }) => {
      const { agencyId, route, alert, mutes } = command;
      const known = s.phase === "known" ? s.alerts[alert.id] : undefined;
      // Over before anybody here heard of it: nobody need hear of it now.
      if (known === undefined && alert.resolvedAt !== null) return [];
      if (known === undefined && s.phase === "known" && s.overflowed) return overflow(command);
      const events: GroupEvent[] = [];
      if (s.phase === "unknown" || JSON.stringify(s.route) !== JSON.stringify(route)) {
        events.push({ type: "alertgroup.routed", agencyId, route });
      }
      const merged = mergedAlert(known, alert);
      if (JSON.stringify(known) !== JSON.stringify(merged))
        events.push({ type: "alertgroup.alert_put", alert: merged });
      if (events.length === 0) return [];
      // It is full with this one: until it is empty again, every other one of these labels is the next group's.
      const count = s.phase === "known" ? Object.keys(s.alerts).length : 0;
      if (known === undefined && count + 1 >= GROUP_ALERTS_MAX) events.push({ type: "alertgroup.overflowed" });
      const group = fold(s, events, at);
      if (known !== undefined && merged.resolvedAt !== null && known.resolvedAt === null) {
        events.push(...settleChains(group, openIn(group), "resolved", [alert.id]));
      }
      if (merged.acknowledgedAt !== null && known !== undefined && known.acknowledgedAt === null) {
        events.push(...settleChains(group, openIn(group), "acknowledged", [alert.id]));
      }
      if (group.flushedAt !== null && group.flushAt !== null) {
        const next = nextInterval(group.flushedAt, route.groupIntervalMs, at);
        if (Date.parse(next) < Date.parse(group.flushAt)) events.push({ type: "alertgroup.flush_set", flushAt: next });
        return events;
      }
      const waitedUntil = later(merged.startsAt, route.groupWaitMs);
      if (Date.parse(waitedUntil) <= Date.parse(at)) return [...events, ...flush(group, at, mutes)];
      if (group.flushAt === null) {
        events.push({ type: "alertgroup.flush_set", flushAt: later(at, route.groupWaitMs) });
      }
      return events;
    },

    acknowledge: (s, { alertIds }, { at }) => {
      if (s.phase === "unknown") return [];
      const fresh = alertIds.filter((id) => s.alerts[id]?.resolvedAt === null && s.alerts[id].acknowledgedAt === null);
      if (fresh.length === 0) return [];
      const acknowledged: GroupEvent = { type: "alertgroup.acknowledged", alertIds: fresh };
      const group = fold(s, [acknowledged], at);
      return [acknowledged, ...settleChains(group, openIn(group), "acknowledged", fresh)];
    },

    withdraw: (s, { alertIds }, { at }) => {
      if (s.phase === "unknown") return [];
      const present = alertIds.filter((id) => s.alerts[id] !== undefined);
      if (present.length === 0) return [];
      const withdrawn: GroupEvent = { type: "alertgroup.withdrawn", alertIds: present };
      const group = fold(s, [withdrawn], at);
      return [withdrawn, ...settleChains(group, openIn(group), "withdrawn", present)];
    },

    // A ring that comes late means nothing any more: the state says whether it is still due.
    wake: (s, { due }) =>
      s.phase === "known" && wakeAt(s) === due ? [{ type: "alertgroup.due", due: nextDue(s)! }] : [],

    proceed: (s, { mutes }, { at }) => {
      if (s.phase === "unknown") return [];
      // By the clock of a host that runs behind, it would not be time yet for what the server rang for.
      const now = s.awaiting !== null && Date.parse(s.awaiting.due) > Date.parse(at) ? s.awaiting.due : at;
      const events = s.flushAt !== null && Date.parse(s.flushAt) <= Date.parse(now) ? flush(s, now, mutes) : [];
      return [...events, ...escalate(fold(s, events, at), now, mutes)];
    },
  },

  evolve: {
    "alertgroup.routed": (s, { agencyId, route }) =>
      s.phase === "known"
        ? { ...s, route }
        : {
            phase: "known",
            agencyId,
            route,
            alerts: {},
            flushAt: null,
            flushedAt: null,
            log: {},
            chains: {},
            page: 0,
            overflowed: false,
            awaiting: null,
          },
    "alertgroup.alert_put": (s, { alert }) => ({ ...known(s), alerts: { ...known(s).alerts, [alert.id]: alert } }),
    "alertgroup.overflowed": (s) => ({ ...known(s), overflowed: true }),
    "alertgroup.flush_set": (s, { flushAt }) => ({ ...known(s), flushAt }),
    "alertgroup.acknowledged": (s, { alertIds }, { at }) => {
      const group = known(s);
      const changed = alertIds.map((id) => [id, { ...group.alerts[id]!, acknowledgedAt: at }]);
      return { ...group, alerts: { ...group.alerts, ...Object.fromEntries(changed) } };
    },
    "alertgroup.withdrawn": (s, { alertIds }) => emptied({ ...known(s), alerts: without(known(s).alerts, alertIds) }),
    "alertgroup.due": (s, { due }, { at }) => ({ ...known(s), awaiting: { due, since: at } }),
    "alertgroup.flushed": (s, { removed, flushAt }, { at }) => {
      const group = known(s);
      const flushed = { ...group, alerts: without(group.alerts, removed), flushAt, flushedAt: at, awaiting: null };
      return emptied(flushed);
    },
    "alertgroup.notified": (s, { receiver, page, reason, firing, resolved, ...told }, { at }) => {
      const group = { ...known(s), page };
      // An escalation and an acknowledgement are about what was told before.
      if (reason === "escalation" || reason === "acknowledged") return group;
      return { ...group, log: { ...group.log, [receiver]: { at, ...sinceOf(told), firing, resolved } } };
    },
    "alertgroup.log_cleared": (s, { receiver }, { at }) => {
      const cleared = { at, firing: [], resolved: [] };
      return { ...known(s), log: { ...known(s).log, [receiver]: cleared } };
    },
    "alertgroup.chain_moved": (s, { receiver, chain }) => ({
      ...known(s),
      chains: { ...known(s).chains, [receiver]: chain },
      awaiting: null,
    }),
    "alertgroup.chain_ended": (s, { receiver }) => ({
      ...known(s),
      chains: without(known(s).chains, [receiver]),
      awaiting: null,
    }),
  },

  deadlines: (s) => {
    const due = s.phase === "known" ? wakeAt(s) : undefined;
    return due === undefined ? [] : [{ name: "wake", at: due, command: { type: "wake", due } }];
  },
};

/** For the group after this one. Behind the last one, nobody is told: they were, of thousands of the kind. */
function overflow(command: GroupCommand & { type: "put" }): Decision<GroupEvent> {
  const [next, ...rest] = command.route.overflow;
  if (next === undefined) return [];
  const route = { ...command.route, overflow: rest };
  return { forwardTo: { kind: "alertgroup", id: next }, command: { ...command, route }, trusted: true };
}

function wakeAt(group: Group): string | undefined {
  const due = nextDue(group);
  if (due === undefined || group.awaiting?.due !== due) return due;
  return later(group.awaiting.since, AWAIT_MS);
}

function known(state: GroupState): Group {
  assert(state.phase === "known", "the group is known once an alert was put into it");
  return state;
}

/** With nothing in it, it begins anew with its next alert; what was told last it still knows. */
function emptied(group: Group): Group {
  if (Object.keys(group.alerts).length > 0) return group;
  return { ...group, flushAt: null, flushedAt: null, overflowed: false };
}

function without<T>(entries: Readonly<Record<string, T>>, names: readonly string[]): Readonly<Record<string, T>> {
  const gone = new Set(names);
  return Object.fromEntries(Object.entries(entries).filter(([name]) => !gone.has(name)));
}

/** An alert that fires again is a new one to whoever acknowledged the one before. */
function mergedAlert(before: GroupAlert | undefined, now: GroupAlert): GroupAlert {
  const isAgain = before !== undefined && before.resolvedAt !== null && now.resolvedAt === null;
  const acknowledgedAt = now.acknowledgedAt ?? (isAgain ? null : (before?.acknowledgedAt ?? null));
  return { ...now, acknowledgedAt };
}

function openIn({ alerts }: Group): readonly string[] {
  const open = Object.values(alerts).filter((one) => one.resolvedAt === null && one.acknowledgedAt === null);
  return open.map(({ id }) => id);
}

/** The group as these events leave it: later parts of a decision stand on its earlier ones. */
function fold(state: GroupState, events: readonly GroupEvent[], at: string): Group {
  const context = { id: "", at, by: "" };
  return known(
    events.reduce<GroupState>((s, event) => {
      const handler = alertGroup.evolve[event.type] as (s: GroupState, e: GroupEvent, c: typeof context) => GroupState;
      return handler(s, event, context);
    }, state),
  );
}
