import type { EscalationStep, Target } from "./document.ts";

/** A group of alerts that are told together: a route, and the values of its `groupBy` labels. */

/** Alerts of a group. They are in one snapshot; what comes beyond goes to another group of the same labels. */
export const GROUP_ALERTS_MAX = 1_000;
/** Groups that take what one cannot. Whoever was told of so many alerts need not be told of more. */
export const GROUP_OVERFLOWS = 3;

export interface GroupReceiver {
  readonly name: string;
  readonly targets: readonly Target[];
  readonly sendResolved: boolean;
  readonly chain: { readonly steps: readonly EscalationStep[]; readonly repeat: number } | null;
}

/** What a group works by. It comes with every alert, so that a changed route holds from the next one on. */
export interface GroupRoute {
  readonly key: string;
  readonly name: string | null;
  /** Revision of the routing document that it was read from; 0 for what is built in. */
  readonly revision: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly receivers: readonly GroupReceiver[];
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  readonly lifeSafety: boolean;
  /** Ids of the groups that take what does not fit, the next one first. */
  readonly overflow: readonly string[];
}

export interface GroupAlert {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly title: string;
  readonly startsAt: string;
  readonly resolvedAt: string | null;
  readonly acknowledgedAt: string | null;
}

/** Why an alert is not told. */
export type Mute =
  | { readonly by: "silence"; readonly silenceId: string }
  | { readonly by: "inhibition"; readonly alertId: string; readonly rule: string };

/** What keeps a group's alerts from being told at a moment: looked up by whoever makes it go on. */
export interface Mutes {
  readonly alerts: Readonly<Record<string, Mute>>;
  /** A time interval that mutes the whole route; null for none. */
  readonly clock: { readonly interval: string; readonly as: "mute" | "inactive" } | null;
}

export const unmuted: Mutes = { alerts: {}, clock: null };

export const notificationReasons = [
  "firing",
  "repeat",
  "resolved",
  "all_resolved",
  "escalation",
  "acknowledged",
] as const;
export type NotificationReason = (typeof notificationReasons)[number];

/** What a receiver is told. */
export interface Notification {
  readonly receiver: string;
  /** From the first alert that fires until none does: devices show it as one. */
  readonly page: number;
  /** When that page began; left out of those that began before this was kept. */
  readonly since?: string;
  readonly reason: NotificationReason;
  readonly targets: readonly Target[];
  readonly firing: readonly string[];
  readonly resolved: readonly string[];
}

/** The last that a receiver was told of a group. */
export interface LogEntry {
  readonly at: string;
  /** When the page began that it was told on. */
  readonly since?: string;
  readonly firing: readonly string[];
  readonly resolved: readonly string[];
}

/** An escalation chain under way. */
export interface RunningChain {
  readonly page: number;
  /** When that page began. */
  readonly since?: string;
  readonly step: number;
  readonly round: number;
  /** When its next step is due. */
  readonly nextAt: string;
  readonly told: readonly Target[];
}

export type GroupCommand =
  | {
      readonly type: "put";
      readonly agencyId: string;
      readonly route: GroupRoute;
      readonly alert: GroupAlert;
      readonly mutes: Mutes;
    }
  | { readonly type: "acknowledge"; readonly alertIds: readonly string[] }
  /** They belong to another group now, or are told to nobody any more. */
  | { readonly type: "withdraw"; readonly alertIds: readonly string[] }
  | { readonly type: "wake"; readonly due: string }
  | { readonly type: "proceed"; readonly mutes: Mutes };

export type GroupEvent =
  | { readonly type: "alertgroup.routed"; readonly agencyId: string; readonly route: GroupRoute }
  | { readonly type: "alertgroup.alert_put"; readonly alert: GroupAlert }
  /** It is full. */
  | { readonly type: "alertgroup.overflowed" }
  | { readonly type: "alertgroup.flush_set"; readonly flushAt: string }
  | { readonly type: "alertgroup.acknowledged"; readonly alertIds: readonly string[] }
  | { readonly type: "alertgroup.withdrawn"; readonly alertIds: readonly string[] }
  /** It is time for it to go on: somebody who knows what is muted makes it proceed. */
  | { readonly type: "alertgroup.due"; readonly due: string }
  | {
      readonly type: "alertgroup.flushed";
      readonly muted: Mutes;
      /** Left the group: they are resolved, and that was told as far as it was to be told. */
      readonly removed: readonly string[];
      /** null when nothing is left. */
      readonly flushAt: string | null;
    }
  | ({ readonly type: "alertgroup.notified" } & Notification)
  /** Kept as told though nobody was: the receiver does not want to hear of resolved alerts. */
  | { readonly type: "alertgroup.log_cleared"; readonly receiver: string }
  | { readonly type: "alertgroup.chain_moved"; readonly receiver: string; readonly chain: RunningChain }
  | {
      readonly type: "alertgroup.chain_ended";
      readonly receiver: string;
      readonly page: number;
      readonly cause: "acknowledged" | "resolved" | "muted" | "exhausted" | "withdrawn";
    };
