import { type ActorDefinition, assert, type Decision, refuse } from "../../runtime/actor.ts";
import type { View } from "../../runtime/board.ts";
import type {
  DeliveryAbout,
  DeliveryCommand,
  DeliveryEvent,
  DeliveryFilters,
  DeliveryShown,
  DeliveryTarget,
} from "../../schema/notification.ts";
import { isSystem } from "../../schema/principal.ts";

/** Whoever was to try it may have died on the way: longer than any attempt takes, it is tried again. */
const ATTEMPT_MS = 30_000;
/** After each attempt twice as long as after the one before. */
const BACKOFF_MS = 30_000;
export const ATTEMPTS_MAX = 5;
const DETAIL_MAX = 500;

export type DeliveryState = { readonly phase: "unknown" } | KnownDelivery;

export interface KnownDelivery {
  readonly phase: "known";
  readonly agencyId: string;
  readonly target: DeliveryTarget;
  readonly about: DeliveryAbout;
  readonly status: "waiting" | "delivered" | "failed";
  /** Those that ended; one that nobody told the end of is tried again and not counted. */
  readonly attempts: number;
  /** Since when it is being tried; null while it waits. */
  readonly askedAt: string | null;
  readonly nextAt: string | null;
  readonly detail: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/**
 * One notification on its way to one target. Kept until it has arrived or was given up, so that no crash forgets it; it may
 * arrive twice, under the same id.
 */
export const delivery: ActorDefinition<DeliveryState, DeliveryCommand, DeliveryEvent> = {
  kind: "delivery",
  initial: { phase: "unknown" },
  limits: { mailboxMax: 64, idleMs: 60_000 },
  agencyOf: (s) => (s.phase === "unknown" ? undefined : s.agencyId),

  decide: {
    queue: (s, { agencyId, target, about }, { by }) => {
      if (!isSystem(by)) return refuse("forbidden", "deliveries follow from what routing tells");
      return s.phase === "known" ? [] : [{ type: "delivery.queued", agencyId, target, about }];
    },
    wake: (s, { due }) => (s.phase === "known" && wakeAt(s) === due ? [{ type: "delivery.due" }] : []),
    report: (s, { outcome, detail: said }, { at, by }): Decision<DeliveryEvent> => {
      if (!isSystem(by)) return refuse("forbidden", "this is told by whoever tries");
      if (s.phase === "unknown" || s.status !== "waiting") return [];
      const detail = said?.slice(0, DETAIL_MAX) ?? null;
      if (outcome === "delivered") return [{ type: "delivery.delivered" }];
      if (outcome === "failed" || s.attempts + 1 >= ATTEMPTS_MAX) return [{ type: "delivery.failed", detail }];
      const nextAt = new Date(Date.parse(at) + BACKOFF_MS * 2 ** s.attempts).toISOString();
      return [{ type: "delivery.postponed", nextAt, detail }];
    },
    retry: (s) => {
      if (s.phase === "unknown") return refuse("not_found", "no such delivery");
      return s.status === "failed" ? [{ type: "delivery.due" }] : [];
    },
  },

  evolve: {
    "delivery.queued": (s, { agencyId, target, about }, { at }) => {
      assert(s.phase === "unknown", "a delivery is queued once");
      return {
        ...{ phase: "known", agencyId, target, about, status: "waiting", attempts: 0, askedAt: at },
        ...{ nextAt: null, detail: null, createdAt: at, updatedAt: at },
      };
    },
    "delivery.due": (s, _e, { at }) => {
      const it = existing(s);
      const attempts = it.status === "failed" ? 0 : it.attempts;
      return { ...it, status: "waiting", attempts, askedAt: at, nextAt: null, updatedAt: at };
    },
    "delivery.postponed": (s, { nextAt, detail }, { at }) => ({ ...ended(s, at), nextAt, detail }),
    "delivery.delivered": (s, _e, { at }) => ({ ...ended(s, at), status: "delivered", detail: null }),
    "delivery.failed": (s, { detail }, { at }) => ({ ...ended(s, at), status: "failed", detail }),
  },

  deadlines: (s) => {
    const due = s.phase === "known" ? wakeAt(s) : undefined;
    return due === undefined ? [] : [{ name: "wake", at: due, command: { type: "wake", due } }];
  },
};

function wakeAt({ status, askedAt, nextAt }: KnownDelivery): string | undefined {
  if (status !== "waiting") return;
  return askedAt === null ? (nextAt ?? undefined) : new Date(Date.parse(askedAt) + ATTEMPT_MS).toISOString();
}

function existing(s: DeliveryState): KnownDelivery {
  assert(s.phase === "known", "something happened to a delivery before it was queued");
  return s;
}

function ended(s: DeliveryState, at: string): KnownDelivery {
  const it = existing(s);
  return { ...it, attempts: it.attempts + 1, askedAt: null, nextAt: null, updatedAt: at };
}

export const deliveryView: View = {
  present(id, state, version): DeliveryShown {
    const { agencyId, target, about, status, attempts, nextAt, detail, createdAt, updatedAt } = state as KnownDelivery;
    return {
      ...{ id, agencyId, ...target, about: shownAbout(about) },
      ...{ status, attempts, nextAt, detail, version, createdAt, updatedAt },
    };
  },
  matches(state, filters) {
    const { status, target, agencyId } = state as KnownDelivery;
    const wanted = filters as Partial<DeliveryFilters>;
    return (
      (wanted.status === undefined || wanted.status === status) &&
      (wanted.kind === undefined || wanted.kind === target.kind) &&
      (wanted.agencyId === undefined || wanted.agencyId === agencyId)
    );
  },
};

function shownAbout(about: DeliveryAbout): DeliveryShown["about"] {
  if ("incidentId" in about) return about;
  const { firing, resolved, ...rest } = about;
  return { ...rest, firing: [...firing], resolved: [...resolved] };
}
