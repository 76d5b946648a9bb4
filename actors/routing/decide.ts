import { hash } from "node:crypto";
import type { IncidentRule } from "../../schema/routing/document.ts";
import {
  GROUP_OVERFLOWS,
  type GroupReceiver,
  type GroupRoute,
  type Mute,
  type Mutes,
} from "../../schema/routing/group.ts";
import type { CompiledRouting } from "./compile.ts";
import type { Inhibition } from "./inhibition.ts";
import type { Labels } from "./matching.ts";
import { type CompiledSilence, silencedBy } from "./silencing.ts";
import { contains } from "./time-intervals.ts";
import { type CompiledRoute, groupLabelsOf, type RouteOptions, routesFor } from "./tree.ts";

export interface Taken {
  readonly groupId: string;
  readonly route: CompiledRoute;
  readonly group: GroupRoute;
}

/** The groups that an alert belongs to. The same route and labels are the same group, whoever asks. */
export function groupsFor(
  agencyId: string,
  routing: CompiledRouting,
  revision: number,
  labels: Labels,
): readonly Taken[] {
  return routesFor(routing.root, labels).map((route) => {
    const groupLabels = groupLabelsOf(route.options, labels);
    const [groupId = "", ...overflow] = Array.from({ length: 1 + GROUP_OVERFLOWS }, (_, index) =>
      groupIdOf(agencyId, index === 0 ? route.key : `${route.key} +${index}`, groupLabels),
    );
    return { groupId, route, group: groupRoute(routing, revision, route, groupLabels, overflow) };
  });
}

/** What an alert's severity says by itself, where its routes leave it open. */
const SEVERE: ReadonlySet<string> = new Set(["critical", "high"]);

/** What an alert's routes say of incidents: one that says always is enough, and never holds where none says otherwise. */
export function incidentRuleOf(routes: readonly CompiledRoute[]): IncidentRule {
  const rules = new Set(routes.map(({ options }) => options.incident));
  if (rules.has("always")) return "always";
  return rules.has("auto") ? "auto" : "never";
}

/** Whether an alert opens an incident, where its source says nothing of its own. */
export function opensIncident(routes: readonly CompiledRoute[], severity: string): boolean {
  const rule = incidentRuleOf(routes);
  return rule === "always" || (rule === "auto" && SEVERE.has(severity));
}

export interface MuteContext {
  readonly routing: CompiledRouting;
  readonly silences: readonly CompiledSilence[];
  /** Of what fires in the agency. */
  readonly inhibition: Inhibition;
  readonly at: string;
}

/** What keeps these alerts from being told on a route at a moment. A life-safety route is never muted by the clock. */
export function mutesFor(
  { routing, silences, inhibition, at }: MuteContext,
  routeKey: string,
  alerts: Iterable<{ readonly id: string; readonly labels: Labels }>,
): Mutes {
  const muted: Record<string, Mute> = {};
  for (const { id, labels } of alerts) {
    const silence = silencedBy(silences, labels, at);
    const mute: Mute | undefined =
      silence === undefined ? inhibition.mutes(labels) : { by: "silence", silenceId: silence.id };
    if (mute !== undefined) muted[id] = mute;
  }
  const route = findRoute(routing.root, routeKey);
  return { alerts: muted, clock: route === undefined ? null : clockOf(routing, route.options, at) };
}

/** Source: Alertmanager's `TimeActiveStage` and `TimeMuteStage`. */
export function clockOf(
  { timeIntervals }: CompiledRouting,
  { muteTimeIntervals, activeTimeIntervals, lifeSafety }: RouteOptions,
  at: string,
): Mutes["clock"] {
  if (lifeSafety) return null;
  const isIn = (name: string) => contains(timeIntervals.get(name) ?? [], at);
  if (activeTimeIntervals.length > 0 && !activeTimeIntervals.some(isIn)) {
    return { interval: activeTimeIntervals.join(", "), as: "inactive" };
  }
  const muting = muteTimeIntervals.find(isIn);
  return muting === undefined ? null : { interval: muting, as: "mute" };
}

function findRoute(route: CompiledRoute, key: string): CompiledRoute | undefined {
  if (route.key === key) return route;
  for (const child of route.children) {
    const found = key.startsWith(child.key) ? findRoute(child, key) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function groupRoute(
  { receivers, escalations }: CompiledRouting,
  revision: number,
  { key, name, options }: CompiledRoute,
  labels: Labels,
  overflow: readonly string[],
): GroupRoute {
  return {
    key,
    name: name ?? null,
    revision,
    labels,
    receivers: options.receivers.map((receiverName): GroupReceiver => {
      const { targets, sendResolved = true, escalation } = receivers.get(receiverName)!;
      const chain = escalation === undefined ? undefined : escalations.get(escalation)!;
      return {
        name: receiverName,
        targets,
        sendResolved,
        chain: chain === undefined ? null : { steps: chain.steps, repeat: chain.repeat ?? 0 },
      };
    }),
    groupWaitMs: options.groupWaitSeconds * 1_000,
    groupIntervalMs: options.groupIntervalSeconds * 1_000,
    repeatIntervalMs: options.repeatIntervalSeconds * 1_000,
    lifeSafety: options.lifeSafety,
    overflow,
  };
}

/** A UUID (version 8, as RFC 9562 has it for ids made from a hash): the group's id wherever it is computed. */
export function groupIdOf(agencyId: string, routeKey: string, labels: Labels): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  const hex = hash("sha256", JSON.stringify([agencyId, routeKey, sorted]), "hex");
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
