import { isOver, type Known } from "../../actors/alert/state.ts";
import { mutesFor } from "../../actors/routing/decide.ts";
import type { Group, GroupState } from "../../actors/routing/group/state.ts";
import type { Labels } from "../../actors/routing/matching.ts";
import { routingOf, silencesOf } from "../../gateways/routing/active.ts";
import { inhibitionOf, routingLabels } from "../../gateways/routing/alert-rows.ts";
import { GroupFinder } from "../../gateways/routing/group-finder.ts";
import type { Cause, Reaction, Told } from "../../runtime/actor.ts";
import type { Board } from "../../runtime/board.ts";
import type { Clock } from "../../runtime/ports/index.ts";
import type { AlertEvent } from "../../schema/alert.ts";
import { type GroupAlert, type GroupEvent, type Mutes, unmuted } from "../../schema/routing/group.ts";
import type { RoutingEvent } from "../../schema/routing/routing.ts";
import type { Address } from "../../schema/subjects.ts";

/** Thrown where the board does not show yet what happened: ask again. */
export class NotShownYet extends Error {
  override name = "NotShownYet";
}

/** Inhibition is a look at all alerts that fire; how old it may be. */
const INHIBITION_AGE_MS = 250;

/**
 * From alerts to groups: what happens to an alert is told to the groups that it belongs to, a group whose time has come is
 * told what is muted, and a new document sends every alert that fires where it belongs now. All of it may be told twice, and
 * late: a group knows what it knows, and the newest state is told, whatever happened in between.
 */
export class AlertRouting {
  readonly #board: Board;
  readonly #clock: Clock;
  readonly #finder: GroupFinder;
  readonly #inhibitions = new Map<string, { readonly of: ReturnType<typeof inhibitionOf>; readonly untilMs: number }>();

  constructor(board: Board, clock: Clock) {
    this.#board = board;
    this.#clock = clock;
    this.#finder = new GroupFinder(board);
  }

  /** @throws NotShownYet */
  alertChanged({ id, agency, version, events }: Cause): readonly Told[] {
    const alert = this.#shown({ kind: "alert", id }, version) as Known;
    if (alert.status === "received") return [];
    const follows = this.#put(agency, id, alert);
    const isRelabelled = events.some((event) => event.type === "alert.classified" || "changes" in event);
    return version > 1 && isRelabelled ? [...this.#leave(agency, id, alert), ...follows] : follows;
  }

  /** @throws NotShownYet */
  groupDue({ id, agency, version }: Cause): readonly Told[] {
    const group = this.#shown({ kind: "alertgroup", id }, version) as Group;
    const mutes = this.#mutes(agency, group.route.key, Object.values(group.alerts));
    return [{ to: { kind: "alertgroup", id }, command: { type: "proceed", mutes } }];
  }

  /**
   * A host that has lost an alert and does not know it yet may put it where it belonged before, or take it from where it belongs
   * again, after those who moved it have looked. Whoever hears of that sees all that was before it, and mends it; of what
   * comes after it others hear.
   */
  groupChanged({ id, agency, events }: Cause): readonly Told[] {
    return (events as readonly GroupEvent[]).flatMap((event) => {
      if (event.type === "alertgroup.alert_put") return this.#settle(agency, id, event.alert.id, event.alert);
      if (event.type === "alertgroup.withdrawn") return event.alertIds.flatMap((one) => this.#settle(agency, id, one));
      return [];
    });
  }

  /** @param put as the group has it now; undefined: not at all */
  #settle(agency: string, groupId: string, alertId: string, put?: GroupAlert): readonly Told[] {
    const alert = this.#board.get({ kind: "alert", id: alertId })?.state as Known | undefined;
    if (alert === undefined) return [];
    const belongs = this.#groupIds(agency, routingLabels(alert)).includes(groupId);
    if (put === undefined) return belongs && !isOver(alert) ? this.#put(agency, alertId, alert) : [];
    if (belongs) return put.resolvedAt === alert.resolvedAt ? [] : this.#put(agency, alertId, alert);
    return [{ to: { kind: "alertgroup", id: groupId }, command: { type: "withdraw", alertIds: [alertId] } }];
  }

  /** Every alert that fires goes where it belongs by the new document, and leaves where it does not. @throws NotShownYet */
  routingChanged({ id, agency, version }: Cause): readonly Told[] {
    this.#shown({ kind: "routing", id }, version);
    const follows: Told[] = [];
    for (const { id: groupId, state } of this.#board.rowsOf("alertgroup", [agency])) {
      const group = state as GroupState;
      if (group.phase === "unknown") continue;
      const gone = Object.values(group.alerts).filter(
        (alert) => !this.#groupIds(agency, alert.labels).includes(groupId),
      );
      if (gone.length === 0) continue;
      const command = { type: "withdraw", alertIds: gone.map((alert) => alert.id) };
      follows.push({ to: { kind: "alertgroup", id: groupId }, command });
    }
    for (const { id: alertId, state } of this.#board.rowsOf("alert", [agency])) {
      const alert = state as Known;
      if (alert.status === "open" || alert.status === "acknowledged")
        follows.push(...this.#put(agency, alertId, alert));
    }
    return follows;
  }

  #put(agencyId: string, id: string, alert: Known): readonly Told[] {
    const routed: GroupAlert = {
      id,
      labels: routingLabels(alert),
      title: alert.content.title,
      startsAt: alert.createdAt,
      resolvedAt: alert.resolvedAt,
      acknowledgedAt: alert.acknowledgedAt,
    };
    const follows: Told[] = [];
    for (const { groupId: first, route, group } of this.#finder.groupsFor(agencyId, routed.labels)) {
      const groupId = this.#placeFor(id, [first, ...group.overflow]);
      // It fires among thousands of the kind, of which somebody was told.
      if (groupId === undefined) continue;
      const overflow = [first, ...group.overflow].slice([first, ...group.overflow].indexOf(groupId) + 1);
      const known = this.#group(groupId);
      // A group that has been told of waits for its next interval, whatever is put into it.
      const waits = known !== undefined && known.flushedAt !== null && known.flushAt !== null;
      const mutes = waits ? unmuted : this.#mutes(agencyId, route.key, [routed, ...Object.values(known?.alerts ?? {})]);
      const command = { type: "put", agencyId, route: { ...group, overflow }, alert: routed, mutes };
      follows.push({ to: { kind: "alertgroup", id: groupId }, command });
    }
    return follows;
  }

  /** The groups that had it by labels that it has no more. */
  *#leave(agencyId: string, id: string, alert: Known): Generator<Told> {
    const groupIds = new Set(this.#groupIds(agencyId, routingLabels(alert)));
    for (const row of this.#board.rowsOf("alertgroup", [agencyId])) {
      const group = row.state as GroupState;
      if (group.phase === "unknown" || groupIds.has(row.id) || !Object.hasOwn(group.alerts, id)) continue;
      yield { to: { kind: "alertgroup", id: row.id }, command: { type: "withdraw", alertIds: [id] } };
    }
  }

  #groupIds(agencyId: string, labels: Labels): readonly string[] {
    return this.#finder.groupsFor(agencyId, labels).flatMap(({ groupId, group }) => [groupId, ...group.overflow]);
  }

  /** The group that has it, else the first that has room; undefined where all are full. */
  #placeFor(alertId: string, groupIds: readonly string[]): string | undefined {
    const groups = groupIds.map((id) => ({ id, group: this.#group(id) }));
    const holder = groups.find(({ group }) => group !== undefined && Object.hasOwn(group.alerts, alertId));
    return (holder ?? groups.find(({ group }) => group?.overflowed !== true))?.id;
  }

  #group(id: string): Group | undefined {
    const state = this.#board.get({ kind: "alertgroup", id })?.state as GroupState | undefined;
    return state?.phase === "known" ? state : undefined;
  }

  #mutes(agencyId: string, routeKey: string, alerts: readonly GroupAlert[]): Mutes {
    const { compiled: routing } = routingOf(this.#board, agencyId);
    const silences = silencesOf(this.#board, agencyId);
    const at = new Date(this.#clock.now()).toISOString();
    return mutesFor({ routing, silences, inhibition: this.#inhibition(agencyId), at }, routeKey, alerts);
  }

  #inhibition(agencyId: string): ReturnType<typeof inhibitionOf> {
    const { compiled } = routingOf(this.#board, agencyId);
    const known = this.#inhibitions.get(agencyId);
    const nowMs = this.#clock.monotonicMs();
    if (known !== undefined && known.untilMs > nowMs && known.of.rules === compiled.inhibitRules) return known.of;
    const fresh = inhibitionOf(this.#board, agencyId, compiled);
    this.#inhibitions.set(agencyId, { of: fresh, untilMs: nowMs + INHIBITION_AGE_MS });
    return fresh;
  }

  #shown(address: Address, version: number): unknown {
    const row = this.#board.get(address);
    if (row === undefined || row.version < version) throw new NotShownYet(`${address.kind}.${address.id}`);
    return row.state;
  }
}

/** What the hosts are to do about alerts, groups that are due, and new documents. */
export function routingReactions(board: Board, clock: Clock): readonly Reaction[] {
  const routing = new AlertRouting(board, clock);
  return [
    {
      name: "routing",
      of: "alert",
      on: [
        "alert.opened",
        "alert.classified",
        // The same alert once more is another thing to nobody, but where it says something else.
        { type: "alert.repeated", having: "changes" },
        "alert.acknowledged",
        "alert.resolved",
        "alert.dismissed",
      ] satisfies (AlertEvent["type"] | { readonly type: AlertEvent["type"]; readonly having: string })[],
      urgent: true,
      react: (cause) => (isOnlyCounted(cause) ? [] : routing.alertChanged(cause)),
    },
    {
      name: "settling",
      of: "alertgroup",
      on: ["alertgroup.alert_put", "alertgroup.withdrawn"] satisfies GroupEvent["type"][],
      urgent: true,
      react: (cause) => routing.groupChanged(cause),
    },
    {
      name: "due",
      of: "alertgroup",
      on: ["alertgroup.due"] satisfies GroupEvent["type"][],
      react: (cause) => (cause.events.some(({ type }) => type === "alertgroup.due") ? routing.groupDue(cause) : []),
    },
    {
      name: "rerouting",
      of: "routing",
      on: ["routing.activated"] satisfies RoutingEvent["type"][],
      react: (cause) => routing.routingChanged(cause),
    },
  ];
}

/** The same alert once more: nothing of it is another thing to anybody. */
function isOnlyCounted({ events }: Cause): boolean {
  return events.every((event) => event.type === "alert.repeated" && !("changes" in event));
}
