import type { z } from "zod";
import { activeRouting } from "../../../actors/routing/active.ts";
import { backtest } from "../../../actors/routing/backtest.ts";
import { type CompiledRouting, compileRouting } from "../../../actors/routing/compile.ts";
import { clockOf, groupsFor, mutesFor, opensIncident, type Taken } from "../../../actors/routing/decide.ts";
import { type RoutingState, routing, routingView } from "../../../actors/routing/definition.ts";
import { differencesOf } from "../../../actors/routing/difference.ts";
import { explain } from "../../../actors/routing/explain.ts";
import { labelsOf, type RoutableAlert } from "../../../actors/routing/labels.ts";
import { imageAsOf } from "../../../runtime/past.ts";
import type { OfAgency } from "../../../schema/routes/configuration.ts";
import { BACKTEST_ALERTS_MAX, type routingRoutes } from "../../../schema/routes/routing.ts";
import type { RoutingDocument } from "../../../schema/routing/document.ts";
import type { Mutes } from "../../../schema/routing/group.ts";
import type { Address } from "../../../schema/subjects.ts";
import { silencesOf } from "../../routing/active.ts";
import { alertsSince, inhibitionOf } from "../../routing/alert-rows.ts";
import type { Answer } from "../exchange.ts";
import { ProblemError } from "../problem.ts";
import { agencyFor, ask, type Call, type Handler, headersOf, list, orThrow, type Services, timeline } from "./call.ts";
import { unreachableTargets } from "./routing-targets.ts";
import { silenceHandlers } from "./silences.ts";

const agencyOf = ({ principal, query }: Call) => agencyFor(principal, (query as OfAgency).agencyId);
const addressOf = (call: Call): Address => ({ kind: "routing", id: agencyOf(call) });

/** As its actor knows it; what is built in where nothing was ever activated. */
async function current(services: Services, call: Call) {
  const reply = await services.client.read(addressOf(call), call.principal, call.requestId);
  if (!reply.ok && reply.code === "not_found") return { state: routing.initial, version: 0, sequence: 0 };
  const { state, version, sequence } = orThrow(reply);
  return { state: state as RoutingState, version, sequence };
}

function answer(body: object, headers?: Readonly<Record<string, string>>): Answer {
  return { status: 200, body: JSON.stringify(body), ...(headers === undefined ? {} : { headers }) };
}

/** @throws 422 with everything that is wrong with it */
function compiledCandidate(document: RoutingDocument): CompiledRouting {
  const compiled = compileRouting(document);
  if (!("flaws" in compiled)) return compiled;
  const issues = compiled.flaws.map(({ path, message }) => ({ path: `document.${path}`, message }));
  throw new ProblemError("invalid_body", "see issues", { issues });
}

/** @returns undefined for a revision that there is not */
async function stateAt(services: Services, call: Call, revision: number): Promise<RoutingState | undefined> {
  const { state } = await current(services, call);
  if (revision === 0) return routing.initial;
  if (revision > state.revision) return undefined;
  if (revision === state.revision) return state;
  // A revision is a version: nothing else happens to this actor.
  const history = await services.client.history(addressOf(call), 0, revision);
  const last = history.at(-1);
  if (last?.envelope.version !== revision) return undefined;
  const { ports, registry } = services;
  const moment = { sequence: last.sequence };
  return (await imageAsOf(registry.get("routing")!, addressOf(call), moment, ports)).state as RoutingState;
}

export const routingHandlers: Readonly<Record<keyof typeof routingRoutes, Handler>> = {
  async getRouting(services, call) {
    const { state, version, sequence } = await current(services, call);
    const headers = headersOf({ ok: true, state, version, sequence });
    return answer(routingView.present(agencyOf(call), state, version), headers);
  },

  activateRouting: (services, call) => {
    const { document, comment = null } = call.body;
    // So that issues name places in what was sent.
    compiledCandidate(document);
    return ask(services, call, addressOf(call), { type: "activate", document, comment, restores: null });
  },

  async rollBackRouting(services, call) {
    const { revision, comment = null } = call.body;
    const before = await stateAt(services, call, revision);
    if (before === undefined) {
      const issues = [{ path: "revision", message: `there is no revision ${revision}` }];
      throw new ProblemError("invalid_body", "see issues", { issues });
    }
    const { document } = before;
    return ask(services, call, addressOf(call), { type: "activate", document, comment, restores: revision });
  },

  async listRoutingRevisions(services, call) {
    const { state } = await current(services, call);
    return answer({ items: [...state.revisions].reverse() });
  },

  async getRoutingRevision(services, call) {
    const revision = Number(call.path["revision"]);
    const state = await stateAt(services, call, revision);
    if (state === undefined) throw new ProblemError("not_found", `there is no revision ${revision}`);
    return answer(routingView.present(agencyOf(call), state, revision));
  },

  async getRoutingTimeline(services, call) {
    if ((await current(services, call)).version > 0) return timeline(services, call, addressOf(call));
    return answer({ items: [], next: null });
  },

  async validateRouting(services, call) {
    const { document } = call.body;
    const compiled = compileRouting(document);
    const issues = "flaws" in compiled ? compiled.flaws.slice(0, ISSUES_MAX) : [];
    const warnings = unreachableTargets(services.board, agencyOf(call), document).slice(0, ISSUES_MAX);
    return answer({ valid: issues.length === 0, issues, warnings });
  },

  async diffRouting(services, call) {
    const { state } = await current(services, call);
    return answer({ revision: state.revision, changes: differencesOf(state.document, call.body.document) });
  },

  async testRouting(services, call) {
    const { document, alert, at } = call.body;
    const agencyId = agencyOf(call);
    const { state } = await current(services, call);
    const compiled = document === undefined ? activeRouting(state).compiled : compiledCandidate(document);
    const now = at ?? new Date(services.ports.clock.now()).toISOString();
    return answer({
      revision: document === undefined ? state.revision : null,
      ...explained(services, agencyId, compiled, alert, now),
    });
  },

  async backtestRouting(services, call) {
    const { document, hours = 24 } = call.body;
    const agencyId = agencyOf(call);
    const { state } = await current(services, call);
    const { clock } = services.ports;
    const to = clock.now();
    const from = to - hours * 3_600_000;
    const { alerts, complete } = alertsSince(services.board, agencyId, from, BACKTEST_ALERTS_MAX);
    const result = await backtest({
      agencyId,
      active: activeRouting(state).compiled,
      candidate: compiledCandidate(document),
      silences: silencesOf(services.board, agencyId).map(({ silence }) => silence),
      alerts,
      until: new Date(to).toISOString(),
      rest: () => new Promise<void>((resolve) => clock.soon(resolve)),
    });
    const period = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
    return answer({ ...period, alerts: alerts.length, complete, ...result });
  },

  listAlertGroups: (services, call) => list(services, call, "alertgroup", {}),

  getAlertGroupTimeline: (services, call) =>
    timeline(services, call, { kind: "alertgroup", id: call.path["id"] ?? "" }),

  ...silenceHandlers,
};

const ISSUES_MAX = 50;

function explained(
  services: Services,
  agencyId: string,
  compiled: CompiledRouting,
  alert: z.infer<typeof routingRoutes.testRouting.body>["alert"],
  at: string,
) {
  const labels = labelsOf(alert as RoutableAlert);
  const taken = groupsFor(agencyId, compiled, 0, labels);
  const context = {
    routing: compiled,
    silences: silencesOf(services.board, agencyId),
    inhibition: inhibitionOf(services.board, agencyId, compiled),
    at,
  };
  return {
    at,
    labels,
    looked: explain(compiled.root, labels),
    groups: taken.map((one) => shownGroup(compiled, one, mutesFor(context, one.route.key, [{ id: IT, labels }]), at)),
    opensIncident: opensIncident(
      taken.map(({ route }) => route),
      alert.severity,
    ),
  };
}

/** The alert that is asked for has no id yet. */
const IT = "it";

function shownGroup(compiled: CompiledRouting, { groupId, route, group }: Taken, mutes: Mutes, at: string) {
  const { options } = route;
  const mutedBy = muteOf(mutes, clockOf(compiled, options, at));
  const notifiesAt = new Date(Date.parse(at) + options.groupWaitSeconds * 1_000).toISOString();
  return {
    id: groupId,
    path: route.path,
    name: route.name ?? null,
    labels: group.labels,
    receivers: group.receivers.map(({ name, targets, sendResolved, chain }) => {
      return { name, targets, sendResolved, escalation: chain !== null };
    }),
    groupWaitSeconds: options.groupWaitSeconds,
    groupIntervalSeconds: options.groupIntervalSeconds,
    repeatIntervalSeconds: options.repeatIntervalSeconds,
    lifeSafety: options.lifeSafety,
    incident: options.incident,
    mutedBy,
    notifiesAt: mutedBy === null ? notifiesAt : null,
  };
}

function muteOf({ alerts }: Mutes, clock: Mutes["clock"]) {
  const mute = alerts[IT];
  if (mute?.by === "silence") return { by: "silence", detail: `silence ${mute.silenceId}` };
  if (mute !== undefined) return { by: "inhibition", detail: `${mute.rule}: alert ${mute.alertId} fires` };
  if (clock === null) return null;
  const by = clock.as === "mute" ? "mute_time_interval" : "outside_active_time_intervals";
  return { by, detail: clock.interval };
}
