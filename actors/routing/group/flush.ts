import {
  type GroupAlert,
  type GroupEvent,
  type GroupReceiver,
  type Mutes,
  type Notification,
  type RunningChain,
  unmuted,
} from "../../../schema/routing/group.ts";
import { advanceChain, distinct } from "./chain.ts";
import { reasonToNotify } from "./decision.ts";
import { firingIn, type Group, later } from "./state.ts";

/**
 * Tells every receiver what it has to be told, and lets what is resolved go.
 *
 * Silences mute what fires, never that something is over; inhibition and the clock mute both, as in Alertmanager.
 */
export function flush(group: Group, at: string, mutes: Mutes): GroupEvent[] {
  const told = mutes.clock !== null ? [] : Object.values(group.alerts).filter((alert) => isTold(alert, mutes));
  const firing = told.filter(({ resolvedAt }) => resolvedAt === null);
  const ids = {
    firing: firing.map(({ id }) => id),
    resolved: told.filter(({ resolvedAt }) => resolvedAt !== null).map(({ id }) => id),
  };
  const events: GroupEvent[] = [];
  // Where everything is muted, nothing is looked at: what was told last stays what was told last.
  if (told.length > 0) {
    for (const receiver of group.route.receivers) events.push(...tell(group, receiver, firing, ids, at));
  }
  const removed = Object.values(group.alerts).filter(({ resolvedAt }) => resolvedAt !== null);
  const left = firingIn(group);
  events.push({
    type: "alertgroup.flushed",
    muted: mutes,
    removed: removed.map(({ id }) => id),
    flushAt: left.length > 0 ? nextFlush(group, events, left, at, mutes) : null,
  });
  return events;
}

/**
 * When there may be something to tell again. While something is muted, that is at every interval, as it may end at any. Else
 * nothing is left to tell but repetitions, until an alert changes: then the flush is set for the next interval.
 */
function nextFlush(
  { route, log }: Group,
  events: readonly GroupEvent[],
  left: readonly GroupAlert[],
  at: string,
  mutes: Mutes,
): string {
  if (mutes.clock !== null || Object.keys(mutes.alerts).length > 0) return later(at, route.groupIntervalMs);
  const told = new Set(events.flatMap((event) => (event.type === "alertgroup.notified" ? [event.receiver] : [])));
  const since = route.receivers.map(({ name }) => (told.has(name) ? at : (log[name]?.at ?? at)));
  const isOpen = left.some(({ acknowledgedAt }) => acknowledgedAt === null);
  const first = isOpen ? Math.min(...since.map((one) => Date.parse(one))) : Date.parse(at);
  const waitMs = first + route.repeatIntervalMs - Date.parse(at);
  return later(at, Math.max(1, Math.ceil(waitMs / route.groupIntervalMs)) * route.groupIntervalMs);
}

/** The next of a group's intervals, which are counted from its last flush. */
export function nextInterval(flushedAt: string, intervalMs: number, at: string): string {
  const passed = Math.floor((Date.parse(at) - Date.parse(flushedAt)) / intervalMs);
  return later(flushedAt, (Math.max(0, passed) + 1) * intervalMs);
}

function isTold({ id, resolvedAt }: GroupAlert, { alerts }: Mutes): boolean {
  const mute = Object.hasOwn(alerts, id) ? alerts[id] : undefined;
  return mute === undefined || (mute.by === "silence" && resolvedAt !== null);
}

function tell(
  group: Group,
  receiver: GroupReceiver,
  firingAlerts: readonly GroupAlert[],
  { firing, resolved }: { readonly firing: readonly string[]; readonly resolved: readonly string[] },
  at: string,
): GroupEvent[] {
  const { name, targets, sendResolved } = receiver;
  const entry = Object.hasOwn(group.log, name) ? group.log[name] : undefined;
  const { repeatIntervalMs } = group.route;
  const reason = reasonToNotify(entry, receiver, { firing, resolved, at, repeatIntervalMs });
  if (reason === undefined) return [];
  if (reason === "clear") return [{ type: "alertgroup.log_cleared", receiver: name }];
  const open = firingAlerts.filter(({ acknowledgedAt }) => acknowledgedAt === null);
  // Somebody is on it: what is known need not be told again, though what is new must be.
  if (reason === "repeat" && open.length === 0) return [];
  // It is one page from the first alert that fires until none does.
  const begins = entry === undefined || entry.firing.length === 0;
  const page = begins ? { page: group.page + 1, since: at } : { page: group.page, ...sinceOf(entry) };
  const notified: GroupEvent = {
    type: "alertgroup.notified",
    receiver: name,
    ...page,
    reason,
    targets,
    firing,
    resolved: sendResolved ? resolved : [],
  };
  const isRunning = Object.hasOwn(group.chains, name);
  const isCalled = (reason === "firing" || reason === "repeat") && open.length > 0;
  if (!isCalled || isRunning || receiver.chain === null) return [notified];
  const start: RunningChain = { ...page, step: 0, round: 0, nextAt: at, told: [] };
  return [notified, ...step(receiver, start, { firing, resolved: [] }, at)];
}

/** Goes on with the chains whose time has come. */
export function escalate(group: Group, at: string, mutes: Mutes = unmuted): GroupEvent[] {
  const due = Object.entries(group.chains).filter(([, { nextAt }]) => Date.parse(nextAt) <= Date.parse(at));
  return due.flatMap(([name, chain]): GroupEvent[] => {
    const receiver = group.route.receivers.find((one) => one.name === name);
    const end = (cause: "muted" | "withdrawn"): GroupEvent => {
      return { type: "alertgroup.chain_ended", receiver: name, page: chain.page, cause };
    };
    if (receiver?.chain === null || receiver === undefined) return [end("withdrawn")];
    const open = firingIn(group).filter(({ acknowledgedAt }) => acknowledgedAt === null);
    const told = open.filter((alert) => isTold(alert, mutes)).map(({ id }) => id);
    if (told.length === 0) return [end("muted")];
    return step(receiver, chain, { firing: told, resolved: [] }, at);
  });
}

function step(
  { name, chain }: GroupReceiver,
  from: RunningChain,
  about: Pick<Notification, "firing" | "resolved">,
  at: string,
): GroupEvent[] {
  const { tell: told, next } = advanceChain(chain!, from, at);
  const { page } = from;
  const events: GroupEvent[] = told.map((targets) => ({
    type: "alertgroup.notified",
    receiver: name,
    page,
    ...sinceOf(from),
    reason: "escalation",
    targets,
    ...about,
  }));
  events.push(
    next === undefined
      ? { type: "alertgroup.chain_ended", receiver: name, page, cause: "exhausted" }
      : { type: "alertgroup.chain_moved", receiver: name, chain: next },
  );
  return events;
}

/** Ends the chains that nobody has to answer any more, and tells whom they had told when somebody has. */
export function settleChains(
  group: Group,
  open: readonly string[],
  cause: "acknowledged" | "resolved" | "withdrawn",
  about: readonly string[],
): GroupEvent[] {
  const events: GroupEvent[] = [];
  if (open.length > 0) return events;
  for (const receiver of group.route.receivers) {
    const chain = Object.hasOwn(group.chains, receiver.name) ? group.chains[receiver.name] : undefined;
    const page = chain?.page ?? group.page;
    if (cause === "acknowledged" && Object.hasOwn(group.log, receiver.name)) {
      const targets = distinct([...receiver.targets, ...(chain?.told ?? [])]);
      const since = sinceOf(chain ?? group.log[receiver.name]!);
      const said = { receiver: receiver.name, page, ...since, reason: "acknowledged" as const, targets };
      events.push({ type: "alertgroup.notified", ...said, firing: about, resolved: [] });
    }
    if (chain !== undefined) events.push({ type: "alertgroup.chain_ended", receiver: receiver.name, page, cause });
  }
  return events;
}

/** Journals of before this was kept do not have it. */
export function sinceOf({ since }: { readonly since?: string }): { readonly since?: string } {
  return since === undefined ? {} : { since };
}
