import { type ActorDefinition, assert, type DecideContext, type Decision, refuse } from "../../runtime/actor.ts";
import {
  type ChannelCommand,
  type ChannelEvent,
  channelLimits,
  type FoundMessage,
  type UnitJoin,
} from "../../schema/channel.ts";
import { isSystem } from "../../schema/principal.ts";
import { changeMembers } from "./changing-members.ts";
import { isMember, mayJoin, supervises } from "./membership.ts";
import { noPages, noted } from "./pages.ts";
import { advanced, caughtUp } from "./receipts.ts";
import type { ChannelState, Known } from "./state.ts";

type Result = Decision<ChannelEvent>;

/**
 * People who talk: about an incident, in a team, in an agency, or directly. What is said is sealed before it comes here, and
 * is kept by the journal alone.
 */
export const channel: ActorDefinition<ChannelState, ChannelCommand, ChannelEvent> = {
  kind: "channel",
  initial: { phase: "unknown" },
  limits: { mailboxMax: 1_024, idleMs: 600_000 },
  agencyOf: (s) => (s.phase === "unknown" ? undefined : s.agencyId),
  sharedWith: (s) => (s.phase === "unknown" ? NOBODY : s.sharedWith),
  repeats: "as_it_is",

  decide: {
    create: (s, c, { by }) => {
      const { type: _type, ...created } = c;
      const members = [...new Set([by.subject, ...c.members])];
      if (s.phase === "known") {
        // A direct channel's id is made from its members: who asks again means the same one.
        return c.kind === "direct" && s.kind === "direct"
          ? []
          : refuse("already_exists", "this channel exists already");
      }
      if (members.length > channelLimits.members) return full();
      return [{ type: "channel.created", ...created, incidentId: null, members }];
    },

    follow: (s, c, { id, by }) => {
      if (!isSystem(by)) return refuse("forbidden", "a channel follows its incident by itself");
      if (s.phase === "known" && c.version <= s.followed) return [];
      const events = followed(s, c, id);
      return events.length === 0 ? [] : [...events, { type: "channel.followed", version: c.version }];
    },

    changeMembers: (s, c, context) =>
      s.phase === "unknown" ? unknown() : (closed(s) ?? changeMembers(s, c, context.by)),

    close: (s, _c, context) =>
      member(s, {}, context, (it) => {
        if (it.kind === "incident") return refuse("membership_fixed", "an incident's channel closes with the incident");
        const owns = it.members.some(({ subject, role }) => subject === context.by.subject && role === "owner");
        if (it.kind !== "direct" && !owns && !supervises(it, context.by))
          return refuse("forbidden", "its owner closes it");
        return it.closedAt === null ? [{ type: "channel.closed" }] : [];
      }),

    archive: (s, { before }, { by }) => {
      if (!isSystem(by)) return refuse("forbidden", "a channel is archived by itself");
      const since = restsSince(s);
      return since === undefined || since >= before ? [] : [{ type: "channel.archived" }];
    },

    post: (s, c, context) =>
      member(s, c, context, (it) => {
        const { messageId, sealed, priority, replyTo } = c;
        const number = it.messageCount + 1;
        return closed(it) ?? [{ type: "message.sent", messageId, number, sealed, priority, replyTo }];
      }),

    edit: (s, c, context) =>
      aboutMessage(s, c, context, (it, { number, author, deleted }) => {
        if (author !== context.by.subject) return refuse("forbidden", "a message is changed by its author alone");
        if (deleted === true) return refuse("message_deleted", "the message was deleted");
        const { messageId, sealed } = c;
        return closed(it) ?? [{ type: "message.edited", messageId, number, sealed }];
      }),

    remove: (s, c, context) =>
      aboutMessage(s, c, context, (it, { number, author, deleted }) => {
        if (author !== context.by.subject && !supervises(it, context.by))
          return refuse("forbidden", "a message is deleted by its author, or by a supervisor");
        if (deleted === true) return [];
        return closed(it) ?? [{ type: "message.deleted", messageId: c.messageId, number }];
      }),

    acknowledge: (s, { messageId, ...c }, context) =>
      aboutMessage(s, { messageId, ...c }, context, (it, { number, priority }) => {
        if (priority !== "urgent") return refuse("not_urgent", "only an urgent message is acknowledged");
        const known = it.urgent.find(({ id }) => id === messageId);
        if (known?.acknowledgedBy.includes(context.by.subject)) return [];
        return [{ type: "message.acknowledged", messageId, number }];
      }),

    read: (s, c, context) =>
      member(s, c, context, (it) => {
        const upTo = Math.min(c.upTo ?? it.messageCount, it.messageCount);
        const known = it.receipts.find(({ subject }) => subject === context.by.subject)?.[c.state] ?? 0;
        return upTo <= known ? [] : [{ type: `message.${c.state}`, upTo }];
      }),
  },

  evolve: {
    "channel.created": (s, { type: _type, members, ...e }, { at, by }) => {
      assert(s.phase === "unknown", "a channel is created once");
      return {
        phase: "known",
        ...e,
        followed: 0,
        members: members.map((subject) => ({ subject, role: subject === by ? "owner" : "member", since: at })),
        units: [],
        sharedWith: NOBODY,
        messageCount: 0,
        lastMessageAt: null,
        receipts: [],
        recent: [],
        urgent: [],
        pages: noPages,
        createdBy: by,
        createdAt: at,
        updatedAt: at,
        closedAt: null,
      };
    },
    "channel.followed": (s, { version }) => ({ ...existing(s), followed: version }),
    "channel.member_joined": (s, { subject }, { at }) => {
      const it = existing(s);
      return { ...it, updatedAt: at, members: [...it.members, { subject, role: "member", since: at }] };
    },
    "channel.member_left": (s, { subject }, { at }) => {
      const it = existing(s);
      return { ...it, updatedAt: at, members: it.members.filter((one) => one.subject !== subject) };
    },
    "channel.unit_joined": (s, { unitId, unitType }, { at }) => {
      const it = existing(s);
      return { ...it, updatedAt: at, units: [...it.units, { unitId, unitType, since: at }] };
    },
    "channel.unit_left": (s, { unitId }, { at }) => {
      const it = existing(s);
      return { ...it, updatedAt: at, units: it.units.filter((unit) => unit.unitId !== unitId) };
    },
    "channel.shared": (s, { agencyId }, { at }) => {
      const it = existing(s);
      return { ...it, updatedAt: at, sharedWith: [...it.sharedWith, agencyId] };
    },
    "channel.unshared": (s, { agencyId }, { at }) => {
      const it = existing(s);
      return { ...it, updatedAt: at, sharedWith: it.sharedWith.filter((agency) => agency !== agencyId) };
    },
    "channel.closed": (s, _e, { at }) => ({ ...existing(s), updatedAt: at, closedAt: at }),
    "channel.reopened": (s, _e, { at }) => ({ ...existing(s), updatedAt: at, closedAt: null }),
    "channel.archived": (s, _e, { at }) => ({ ...existing(s), archivedAt: at, hasLeft: true }),

    "message.sent": (s, { messageId: id, number, priority }, { at, by, previous }) => {
      const it = existing(s);
      assert(number === it.messageCount + 1, `message ${number} cannot follow ${it.messageCount}`);
      const message = { id, number, author: by };
      const urgent =
        priority === "urgent" ? newest(channelLimits.urgent, it.urgent, { ...message, acknowledgedBy: [] }) : it.urgent;
      return {
        ...it,
        messageCount: number,
        lastMessageAt: at,
        receipts: caughtUp(it.receipts, by, number, at),
        recent: newest(channelLimits.recent, it.recent, { ...message, priority, deleted: false }),
        urgent,
        pages: noted(it.pages, previous, number),
      };
    },
    "message.edited": (s, { number }, { previous }) => touched(existing(s), number, previous),
    "message.deleted": (s, { messageId, number }, { previous }) => {
      const it = touched(existing(s), number, previous);
      return {
        ...it,
        recent: it.recent.map((one) => (one.id === messageId ? { ...one, deleted: true } : one)),
        urgent: it.urgent.filter(({ id }) => id !== messageId),
      };
    },
    "message.acknowledged": (s, { messageId, number }, { by, previous }) => {
      const it = touched(existing(s), number, previous);
      const urgent = it.urgent.map((one) =>
        one.id === messageId ? { ...one, acknowledgedBy: [...one.acknowledgedBy, by] } : one,
      );
      return { ...it, urgent };
    },
    "message.read": (s, { upTo }, { at, by, previous }) => {
      const it = existing(s);
      const receipts = advanced(it.receipts, { subject: by, delivered: upTo, read: upTo, at });
      return { ...it, receipts, pages: noted(it.pages, previous, it.messageCount + 1) };
    },
    "message.delivered": (s, { upTo }, { at, by, previous }) => {
      const it = existing(s);
      const receipts = advanced(it.receipts, { subject: by, delivered: upTo, read: 0, at });
      return { ...it, receipts, pages: noted(it.pages, previous, it.messageCount + 1) };
    },
  },

  departure: {
    restsSince,
    command: (before) => ({ type: "archive", before }),
    event: "channel.archived",
    hasDeparted: (s) => s.phase === "known" && s.archivedAt !== undefined,
  },

  deadlines: () => [],
};

/** When the last thing happened in a closed channel, its being read included; undefined while it is open, or archived. */
function restsSince(s: ChannelState): string | undefined {
  if (s.phase === "unknown" || s.closedAt === null || s.archivedAt !== undefined) return;
  const { closedAt, updatedAt, lastMessageAt, receipts } = s;
  const times = [closedAt, updatedAt, lastMessageAt ?? closedAt, ...receipts.map(({ at }) => at)];
  return times.reduce((latest, time) => (time > latest ? time : latest));
}

const NOBODY: readonly string[] = [];

/** What can still be changed or acknowledged: so far back a page of the history has to look for changes. */
const CHANGEABLE_MESSAGES = 5_000;

/** Whoever is no member does not learn that there is a channel; a dispatcher knows it by its incident. */
function member(
  s: ChannelState,
  { units = [] }: { readonly units?: readonly string[] },
  { by }: DecideContext,
  decide: (it: Known) => Result,
): Result {
  if (s.phase === "unknown") return unknown();
  if (isSystem(by) || isMember(s, { principal: by, units })) return decide(s);
  return mayJoin(s, by) ? refuse("forbidden", "join this incident's channel first") : unknown();
}

/** As the channel remembers the message, else as its history told whoever asks. */
function aboutMessage(
  s: ChannelState,
  c: { readonly messageId: string; readonly found?: FoundMessage; readonly units?: readonly string[] },
  context: DecideContext,
  decide: (it: Known, message: FoundMessage & { readonly deleted?: boolean }) => Result,
): Result {
  return member(s, c, context, (it) => {
    const message = it.recent.find(({ id }) => id === c.messageId) ?? c.found;
    if (message === undefined) return refuse("not_found", "no such message in this channel");
    if (message.number <= it.messageCount - CHANGEABLE_MESSAGES) {
      return refuse("limit_reached", `only the last ${CHANGEABLE_MESSAGES} messages of a channel can be changed`);
    }
    return decide(it, message);
  });
}

function followed(
  s: ChannelState,
  c: Extract<ChannelCommand, { type: "follow" }>,
  id: string,
): readonly ChannelEvent[] {
  const events: ChannelEvent[] = [];
  if (s.phase === "unknown") {
    const { agencyId, name = null } = c;
    events.push({ type: "channel.created", agencyId, kind: "incident", name, incidentId: id, members: NOBODY });
  }
  const it = s.phase === "unknown" ? { members: [], units: [], sharedWith: NOBODY, closedAt: null } : s;
  const { member: subject, shared, unshared, turned, joined = [], left = [] } = c;
  const isNew = subject !== undefined && !it.members.some((one) => one.subject === subject);
  if (isNew && it.members.length < channelLimits.members) events.push({ type: "channel.member_joined", subject });
  const here = (unitId: string) => it.units.some((unit) => unit.unitId === unitId);
  for (const unitId of left) if (here(unitId)) events.push({ type: "channel.unit_left", unitId });
  for (const unit of joined) if (!here(unit.unitId)) events.push(unitJoined(unit));
  if (shared !== undefined && !it.sharedWith.includes(shared))
    events.push({ type: "channel.shared", agencyId: shared });
  if (unshared !== undefined && it.sharedWith.includes(unshared))
    events.push({ type: "channel.unshared", agencyId: unshared });
  if (turned === "closed" && it.closedAt === null) events.push({ type: "channel.closed" });
  if (turned === "open" && it.closedAt !== null) events.push({ type: "channel.reopened" });
  return events;
}

function unitJoined({ unitId, unitType }: UnitJoin): ChannelEvent {
  return { type: "channel.unit_joined", unitId, unitType };
}

/** Whatever happens to a channel in the archive brings it back. */
function existing(s: ChannelState): Known {
  assert(s.phase === "known", "something happened to a channel before it was created");
  if (s.archivedAt === undefined) return s;
  const { archivedAt: _no, ...it } = s;
  return it;
}

function touched(it: Known, number: number, previous: number): Known {
  return { ...it, pages: noted(it.pages, previous, it.messageCount + 1, number) };
}

function newest<T>(count: number, items: readonly T[], item: T): readonly T[] {
  return items.length < count ? [...items, item] : [...items.slice(1 - count), item];
}

function closed(it: Known) {
  return it.closedAt === null ? undefined : refuse("channel_closed", `the channel was closed at ${it.closedAt}`);
}

function unknown() {
  return refuse("not_found", "no such channel");
}

function full() {
  return refuse("limit_reached", `a channel has at most ${channelLimits.members} members`);
}
