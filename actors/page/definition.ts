import { type ActorDefinition, assert, type Decision, refuse } from "../../runtime/actor.ts";
import { isSystem } from "../../schema/principal.ts";
import type { Attempt, PageCommand, PageEvent, Recipient } from "../../schema/push.ts";
import { type Called, type Delivery, deliveriesOf, deliveryIn, type KnownPage, type PageState } from "./state.ts";

type Result = Decision<PageEvent>;

/** A service that is down is asked again after 1, 2, 4 … seconds, at most a minute apart, until the page expires. */
const BACKOFF_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;
const DETAIL_MAX = 300;

/**
 * Somebody is called: the ledger of who, by which device, and what came of it; and the list of what is still to be sent, so
 * that no crash forgets it. An answer ends it for everybody, except where each has to answer.
 */
export const page: ActorDefinition<PageState, PageCommand, PageEvent> = {
  kind: "page",
  initial: { phase: "unknown" },
  limits: { mailboxMax: 1_024, idleMs: 600_000 },
  agencyOf: (s) => (s.phase === "unknown" ? undefined : s.agencyId),
  repeats: "as_it_is",

  decide: {
    open: (s, { type: _type, ...opening }, { by }) => {
      if (!isSystem(by)) return refuse("forbidden", "pages follow from what happens");
      return s.phase === "known" && opening.cause <= s.cause ? [] : [{ type: "page.opened", ...opening }];
    },

    report: (s, { round, attempts }, { at, by }) => {
      if (!isSystem(by)) return refuse("forbidden", "this is told by whoever sends");
      if (s.phase === "unknown" || s.round !== round) return [];
      return attempts.flatMap((attempt) => outcome(s, attempt, at));
    },

    receipt: (s, { deviceId, state }) => {
      if (s.phase === "unknown") return refuse("not_found", "no such page");
      const delivery = deliveryIn(s, deviceId);
      if (delivery === undefined) return refuse("not_found", "no such device was called by this page");
      const known = state === "seen" ? delivery.seenAt : (delivery.deliveredAt ?? delivery.seenAt);
      return known === null ? [{ type: `page.${state}`, deviceId }] : [];
    },

    acknowledge: (s, { cause, by: onBehalf }, { by }): Result => {
      if (s.phase === "unknown") return isSystem(by) ? [] : refuse("not_found", "no such page");
      if (cause !== undefined && cause < s.cause) return [];
      const who = onBehalf ?? by.subject;
      const own = s.recipients.filter(({ subject }) => subject === who);
      const answered = s.each ? own.every(({ acknowledgedAt }) => acknowledgedAt !== null) : false;
      if (s.closedAt !== null || answered) return [];
      const rest = s.recipients.filter(({ subject, acknowledgedAt }) => subject !== who && acknowledgedAt === null);
      return [{ type: "page.acknowledged", by: who, ends: !s.each || rest.length === 0 }];
    },

    withdraw: (s, { cause }, { by }) => {
      if (!isSystem(by)) return refuse("forbidden", "a page is taken back by what it was about");
      if (s.phase === "unknown" || cause < s.cause || s.closedAt !== null) return [];
      return [{ type: "page.withdrawn", cause }];
    },

    expire: (s, { due }) =>
      s.phase === "known" && s.closedAt === null && s.expiresAt === due ? [{ type: "page.expired" }] : [],

    retry: (s, { deviceId }) => {
      if (s.phase === "unknown" || s.closedAt !== null) return [];
      return deliveryIn(s, deviceId)?.state === "failed" ? [{ type: "page.retried", deviceId }] : [];
    },

    archive: (s, { before }, { by }) => {
      if (!isSystem(by)) return refuse("forbidden", "pages leave the journal by themselves");
      const since = restsSince(s);
      const stays = since === undefined || since >= before || hasDeparted(s);
      return stays ? [] : [{ type: "page.archived" }];
    },
  },

  evolve: {
    "page.opened": (s, { type: _type, recipients, ...opening }, { at }) => ({
      phase: "known",
      ...opening,
      recipients: merged(s.phase === "known" && s.closedAt === null ? s.recipients : [], recipients, at),
      round: s.phase === "known" ? s.round + 1 : 1,
      openedAt: at,
      closedAt: null,
      end: null,
      acknowledgedBy: null,
    }),
    "page.sent": (s, { deviceId }, { at }) =>
      changed(s, deviceId, (it) => ({ ...done(it), state: "sent", attempts: it.attempts + 1, sentAt: at })),
    "page.postponed": (s, { deviceId, nextAt, detail }) =>
      changed(s, deviceId, (it) => ({ ...it, attempts: it.attempts + 1, nextAt, detail })),
    "page.failed": (s, { deviceId, detail }) =>
      changed(s, deviceId, (it) => ({ ...done(it), state: "failed", attempts: it.attempts + 1, detail })),
    "page.retried": (s, { deviceId }, { at }) =>
      changed(s, deviceId, (it) => ({ ...it, state: "queued", task: "tell", nextAt: at, attempts: 0 })),
    "page.cleared": (s, { deviceId }) => changed(s, deviceId, done),
    "page.delivered": (s, { deviceId }, { at }) =>
      changed(s, deviceId, (it) => ({ ...done(it), state: "delivered", deliveredAt: at })),
    "page.seen": (s, { deviceId }, { at }) =>
      changed(s, deviceId, (it) => ({ ...done(it), state: "seen", deliveredAt: it.deliveredAt ?? at, seenAt: at })),
    "page.acknowledged": (s, { by, ends }, { at }) => {
      const it = existing(s);
      const recipients = it.recipients.map((one) => {
        if (one.subject === by) return stopped({ ...one, acknowledgedAt: one.acknowledgedAt ?? at }, at);
        return ends ? stopped(one, at) : one;
      });
      return ends
        ? { ...it, recipients, closedAt: at, end: "acknowledged", acknowledgedBy: by }
        : { ...it, recipients };
    },
    "page.withdrawn": (s, { cause }, { at }) => ({ ...ended(s, "withdrawn", at), cause }),
    "page.expired": (s, _e, { at }) => ended(s, "expired", at),
    "page.archived": (s, _e, { at }) => ({ ...existing(s), archivedAt: at }),
  },

  departure: { restsSince, command: (before) => ({ type: "archive", before }), event: "page.archived", hasDeparted },

  deadlines: (s) =>
    s.phase === "known" && s.closedAt === null
      ? [{ name: "expire", at: s.expiresAt, command: { type: "expire", due: s.expiresAt } }]
      : [],
};

function outcome(
  s: KnownPage,
  { deviceId, outcome: result, detail = "", afterMs = 0 }: Attempt,
  at: string,
): PageEvent[] {
  const delivery = deliveryIn(s, deviceId);
  if (delivery === undefined || delivery.task === null) return [];
  const said = detail.slice(0, DETAIL_MAX);
  // What a device shows too long is no reason to call anybody: it is tried a few times.
  if (delivery.task === "clear" && (result !== "retry" || delivery.attempts >= 5))
    return [{ type: "page.cleared", deviceId }];
  if (result === "sent") return [{ type: "page.sent", deviceId }];
  if (result === "failed") return [{ type: "page.failed", deviceId, detail: said }];
  const waitMs = Math.max(afterMs, Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** delivery.attempts));
  const nextAt = new Date(Date.parse(at) + waitMs).toISOString();
  // Called after it has expired nobody can answer.
  if (nextAt >= s.expiresAt) return [{ type: "page.failed", deviceId, detail: said }];
  return [{ type: "page.postponed", deviceId, nextAt, detail: said }];
}

/** Everybody who is called now, and everybody who was called and has not answered. */
function merged(before: readonly Called[], now: readonly Recipient[], at: string): readonly Called[] {
  const known = new Map(before.map((one) => [keyOf(one), one]));
  const called = now.map((one): Called => {
    const { subject, resourceId } = one;
    const was = known.get(keyOf(one));
    known.delete(keyOf(one));
    const devices = one.devices.map(({ id, kind, heldUntil }) => fresh(id, kind, heldUntil ?? at));
    return { subject, resourceId, acknowledgedAt: was?.acknowledgedAt ?? null, devices };
  });
  return [...called, ...known.values()];
}

const keyOf = ({ subject, resourceId }: Pick<Called, "subject" | "resourceId">) =>
  JSON.stringify([subject, resourceId]);

function fresh(id: string, kind: Delivery["kind"], nextAt: string): Delivery {
  const never = { sentAt: null, deliveredAt: null, seenAt: null, detail: null };
  return { id, kind, state: "queued", task: "tell", attempts: 0, nextAt, ...never };
}

/** Whoever was not called yet is not any more; what others show is taken back. */
function stopped(called: Called, at: string): Called {
  const devices = called.devices.map((it): Delivery => {
    if (it.sentAt !== null) return { ...it, task: "clear", attempts: 0, nextAt: at };
    return it.task === "tell" ? { ...done(it), state: "stopped" } : it;
  });
  return { ...called, devices };
}

function ended(s: PageState, end: "withdrawn" | "expired", at: string): KnownPage {
  const it = existing(s);
  return { ...it, recipients: it.recipients.map((one) => stopped(one, at)), closedAt: at, end };
}

const done = (it: Delivery): Delivery => ({ ...it, task: null, nextAt: null });

function changed(s: PageState, deviceId: string, change: (it: Delivery) => Delivery): KnownPage {
  const it = existing(s);
  const recipients = it.recipients.map((one) => ({
    ...one,
    devices: one.devices.map((delivery) => (delivery.id === deviceId ? change(delivery) : delivery)),
  }));
  return { ...it, recipients };
}

/** Whatever happens to a page in the archive brings it back. */
function existing(s: PageState): KnownPage {
  assert(s.phase === "known", "something happened to a page before it was opened");
  const { archivedAt: _no, ...it } = s;
  return it;
}

/** Over, and nothing is to be sent any more. */
function restsSince(s: PageState): string | undefined {
  return s.phase === "known" && s.closedAt !== null && nextTaskAt(s) === undefined ? s.closedAt : undefined;
}

function hasDeparted(s: PageState): boolean {
  return s.phase === "known" && s.archivedAt !== undefined;
}

/** When there is something to send next; undefined when there is nothing. */
export function nextTaskAt(it: KnownPage): string | undefined {
  let next: string | undefined;
  for (const { task, nextAt } of deliveriesOf(it)) {
    if (task !== null && nextAt !== null && (next === undefined || nextAt < next)) next = nextAt;
  }
  return next;
}
