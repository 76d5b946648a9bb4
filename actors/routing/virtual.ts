import FlatQueue from "flatqueue";
import { assert, decide, evolve, isForward, isJoint, isRefusal } from "../../runtime/actor.ts";
import { type GroupAlert, type GroupCommand, type GroupEvent, unmuted } from "../../schema/routing/group.ts";
import type { Silence } from "../../schema/routing/silence.ts";
import type { CompiledRouting } from "./compile.ts";
import { groupsFor, mutesFor } from "./decide.ts";
import { alertGroup } from "./group/definition.ts";
import type { GroupState } from "./group/state.ts";
import { Inhibition } from "./inhibition.ts";
import { compileSilences } from "./silencing.ts";

/** Something that was told, on virtual time. */
export interface Told {
  readonly at: string;
  readonly groupId: string;
  readonly routeKey: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly event: GroupEvent & { readonly type: "alertgroup.notified" };
}

/**
 * An agency's routing on virtual time: the production groups, without anything around them. Time goes on only by what it
 * is told; what would have happened in between happens then, in order. Nothing leaves it.
 */
export class VirtualRouting {
  readonly told: Told[] = [];
  readonly #agencyId: string;
  readonly #routing: CompiledRouting;
  readonly #groups = new Map<string, GroupState>();
  readonly #due = new FlatQueue<string>();
  readonly #inhibition: Inhibition;
  #silences = compileSilences([]);

  constructor(agencyId: string, routing: CompiledRouting) {
    this.#agencyId = agencyId;
    this.#routing = routing;
    this.#inhibition = new Inhibition(routing.inhibitRules);
  }

  set silences(silences: readonly Silence[]) {
    this.#silences = compileSilences(silences);
  }

  /** @param at RFC 3339; not before what it was told last */
  put(alert: GroupAlert, at: string): void {
    this.advance(at);
    if (alert.resolvedAt === null) this.#inhibition.add(alert.id, alert.labels);
    else this.#inhibition.remove(alert.id, alert.labels);
    for (const { groupId: first, route, group } of groupsFor(this.#agencyId, this.#routing, 0, alert.labels)) {
      const groupId = this.#holderOf(alert, [first, ...group.overflow]) ?? first;
      const mutes = this.#willFlush(groupId)
        ? this.#mutes(route.key, [alert, ...this.#alertsOf(groupId)], at)
        : unmuted;
      this.#ask(groupId, { type: "put", agencyId: this.#agencyId, route: group, alert, mutes }, at);
    }
  }

  acknowledge(alert: GroupAlert, at: string): void {
    this.advance(at);
    for (const { groupId: first, group } of groupsFor(this.#agencyId, this.#routing, 0, alert.labels)) {
      const groupId = this.#holderOf(alert, [first, ...group.overflow]) ?? first;
      this.#ask(groupId, { type: "acknowledge", alertIds: [alert.id] }, at);
    }
  }

  /** Everything that was due up to then, and then itself. */
  advance(until: string): void {
    const untilMs = Date.parse(until);
    for (;;) {
      const dueMs = this.#due.peekValue();
      if (dueMs === undefined || dueMs > untilMs) return;
      const groupId = this.#due.pop()!;
      const state = this.#groups.get(groupId)!;
      const deadline = alertGroup.deadlines(state)[0];
      // It was put off since, and stands in the queue once more.
      if (deadline === undefined || Date.parse(deadline.at) !== dueMs) continue;
      this.#ask(groupId, deadline.command, deadline.at);
      const key = state.phase === "known" ? state.route.key : "";
      this.#ask(
        groupId,
        { type: "proceed", mutes: this.#mutes(key, this.#alertsOf(groupId), deadline.at) },
        deadline.at,
      );
    }
  }

  #mutes(routeKey: string, alerts: readonly GroupAlert[], at: string) {
    if (this.#inhibition.isEmpty && this.#routing.timeIntervals.size === 0 && this.#silences.length === 0)
      return unmuted;
    const context = { routing: this.#routing, silences: this.#silences, inhibition: this.#inhibition, at };
    return mutesFor(context, routeKey, alerts);
  }

  /** A group that has been told of waits for its next interval, whatever is put into it. */
  #willFlush(groupId: string): boolean {
    const state = this.#groups.get(groupId);
    return state?.phase !== "known" || state.flushedAt === null;
  }

  /** The group that has an alert, of those that may. */
  #holderOf({ id }: GroupAlert, groupIds: readonly string[]): string | undefined {
    return groupIds.find((groupId) => {
      const state = this.#groups.get(groupId);
      return state?.phase === "known" && Object.hasOwn(state.alerts, id);
    });
  }

  #alertsOf(groupId: string): readonly GroupAlert[] {
    const state = this.#groups.get(groupId);
    return state?.phase === "known" ? Object.values(state.alerts) : [];
  }

  #ask(groupId: string, command: GroupCommand, at: string): void {
    const state = this.#groups.get(groupId) ?? alertGroup.initial;
    const by = { subject: "virtual", agencies: [this.#agencyId], roles: [] };
    const decision = decide(alertGroup, state, command, { id: groupId, at, by });
    if (isForward(decision)) {
      this.#ask(decision.forwardTo.id, decision.command as GroupCommand, at);
      return;
    }
    assert(!isJoint(decision) && !isRefusal(decision), "a group refuses nothing, and decides for itself");
    const next = evolve(alertGroup, state, decision, { id: groupId, at, by: by.subject, previous: 0 }) as GroupState;
    this.#groups.set(groupId, next);
    for (const event of decision as readonly GroupEvent[]) {
      if (event.type !== "alertgroup.notified" || next.phase === "unknown") continue;
      this.told.push({ at, groupId, routeKey: next.route.key, labels: next.route.labels, event });
    }
    const deadline = alertGroup.deadlines(next)[0];
    if (deadline !== undefined) this.#due.push(groupId, Date.parse(deadline.at));
  }
}
