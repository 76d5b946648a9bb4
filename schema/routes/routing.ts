import { z } from "zod";
import { code, json, page, said, text, timestamp, uuid } from "../common.ts";
import { agencyId } from "../principal.ts";
import { incidentRules, label, routingDocument, target } from "../routing/document.ts";
import { newSilence, silence, silenceStates } from "../routing/silence.ts";
import { ofAgency } from "./configuration.ts";
import { anyone, dispatch, listOf, type Route, timeline, timelineQuery } from "./route.ts";

const path = "/api/v1/routing";
const tag = "routing";

const comment = said(1_000).nullable().optional().describe("why, for whoever looks at the history");

const activeDocument = z
  .strictObject({
    agencyId,
    revision: z.number().int().min(0).describe("0: what is built in, as nothing was ever activated"),
    activatedAt: timestamp.nullable(),
    activatedBy: z.string().nullable(),
    comment: z.string().nullable(),
    document: routingDocument,
  })
  .meta({ id: "Routing" });

const activation = z.strictObject({ document: routingDocument, comment }).meta({ id: "ActivateRouting" });
const candidate = z.strictObject({ document: routingDocument }).meta({ id: "RoutingCandidate" });

const issue = z.strictObject({ path: z.string(), message: z.string() });

const revisionSummary = z.strictObject({
  revision: z.number().int(),
  activatedAt: timestamp,
  activatedBy: z.string(),
  comment: z.string().nullable(),
  restores: z.number().int().nullable().describe("the older revision that it has brought back"),
});

/** What of an alert decides where it goes. */
const testedAlert = z
  .strictObject({
    type: code,
    severity: z.enum(["critical", "high", "medium", "low", "info"]),
    category: code.nullable().optional(),
    source: z.string().max(48).nullable().optional(),
    deviceId: text(128).nullable().optional(),
    labels: z
      .record(label, text(1_024))
      .refine((labels) => Object.keys(labels).length <= 64, "at most 64 labels")
      .optional(),
  })
  .meta({ id: "RoutedAlert" });

const routingTest = z
  .strictObject({
    alert: testedAlert,
    document: routingDocument.optional().describe("a candidate; default: what is active"),
    at: timestamp.optional().describe("when it would come; default: now"),
  })
  .meta({ id: "RoutingTest" });

const mute = z.strictObject({
  by: z.enum(["silence", "inhibition", "mute_time_interval", "outside_active_time_intervals"]),
  detail: z.string(),
});

const routingAnswer = z
  .strictObject({
    revision: z.number().int().nullable().describe("of the document that was asked; null for a candidate"),
    at: timestamp,
    labels: z.record(z.string(), z.string()).describe("what the matchers see"),
    looked: z
      .array(
        z.strictObject({
          path: z.string(),
          name: z.string().nullable(),
          matched: z.boolean(),
          because: z.string(),
        }),
      )
      .describe("every route that was looked at, in order"),
    groups: z.array(
      z.strictObject({
        id: uuid,
        path: z.string(),
        name: z.string().nullable(),
        labels: z.record(z.string(), z.string()),
        receivers: z.array(
          z.strictObject({
            name: z.string(),
            targets: z.array(target),
            sendResolved: z.boolean(),
            escalation: z.boolean().describe("whether a chain would run until somebody acknowledges"),
          }),
        ),
        groupWaitSeconds: z.number().int(),
        groupIntervalSeconds: z.number().int(),
        repeatIntervalSeconds: z.number().int(),
        lifeSafety: z.boolean(),
        incident: z.enum(incidentRules),
        mutedBy: mute.nullable(),
        notifiesAt: timestamp.nullable().describe("of the first alert of the group; null while it is muted"),
      }),
    ),
    opensIncident: z.boolean(),
  })
  .meta({ id: "RoutingExplanation" });

/** Alerts of a backtest; more are not run at once. */
export const BACKTEST_ALERTS_MAX = 20_000;
export const BACKTEST_HOURS_MAX = 168;

const backtest = z
  .strictObject({
    document: routingDocument,
    hours: z.number().int().min(1).max(BACKTEST_HOURS_MAX).optional().describe("default: 24"),
  })
  .meta({ id: "RoutingBacktest" });

const toldPage = z.strictObject({
  alertId: uuid,
  title: z.string(),
  receiver: z.string(),
  at: timestamp,
});

const backtestAnswer = z
  .strictObject({
    from: timestamp,
    to: timestamp,
    alerts: z.number().int(),
    complete: z.boolean().describe("false when there were more alerts than are looked at: the newest were"),
    notifications: z.strictObject({ active: z.number().int(), candidate: z.number().int() }),
    pagesGained: z.array(toldPage).describe("who would have been told of which alert, and was not to be"),
    pagesLost: z.array(toldPage),
    pagesMoved: z.array(
      z.strictObject({ ...toldPage.shape, candidateAt: timestamp.describe("when the candidate would have told it") }),
    ),
    incidentsGained: z.array(z.strictObject({ alertId: uuid, title: z.string() })),
    incidentsLost: z.array(z.strictObject({ alertId: uuid, title: z.string() })),
  })
  .meta({ id: "RoutingBacktestAnswer" });

const moment = z.strictObject({ at: timestamp, firing: z.array(uuid), resolved: z.array(uuid) });

export const alertGroup = z
  .strictObject({
    id: uuid,
    version: z.number().int().positive(),
    agencyId,
    route: z.strictObject({ key: z.string(), name: z.string().nullable(), revision: z.number().int() }),
    labels: z.record(z.string(), z.string()),
    receivers: z.array(z.string()),
    alerts: z.array(
      z.strictObject({
        id: uuid,
        title: z.string(),
        startsAt: timestamp,
        resolvedAt: timestamp.nullable(),
        acknowledgedAt: timestamp.nullable(),
      }),
    ),
    nextAt: timestamp.nullable().describe("when it is looked at again whether there is something to tell"),
    notified: z.record(z.string(), moment).describe("by receiver: what it was told last"),
    escalating: z.array(z.string()).describe("receivers whose chains run"),
  })
  .meta({ id: "AlertGroup" });
export type AlertGroup = z.infer<typeof alertGroup>;

const groupFilters = z.strictObject({
  ...page,
  active: z.enum(["true", "false"]).optional().describe("true: those with alerts; false: those without"),
  agencyId: agencyId.optional(),
});
export type AlertGroupFilters = z.infer<typeof groupFilters>;

const silences = z.strictObject({ items: z.array(silence) });

export const routingRoutes = {
  getRouting: {
    method: "get",
    path,
    summary: "How alerts find the people they are for: the document that is active",
    tag,
    roles: anyone,
    query: ofAgency,
    status: 200,
    answer: activeDocument,
    refusals: [],
  },
  activateRouting: {
    method: "put",
    path,
    summary: "Activate a document; it holds within a second, for every alert that comes or is open",
    tag,
    roles: ["admin"],
    query: ofAgency,
    body: activation,
    status: 200,
    answer: activeDocument,
    refusals: [],
  },
  rollBackRouting: {
    method: "post",
    path: `${path}/rollback`,
    summary: "Activate the document of an older revision again",
    tag,
    roles: ["admin"],
    query: ofAgency,
    body: z.strictObject({ revision: z.number().int().min(0).max(1_000_000), comment }),
    status: 200,
    answer: activeDocument,
    refusals: [],
  },
  listRoutingRevisions: {
    method: "get",
    path: `${path}/revisions`,
    summary: "Who activated what and when, newest first: the last hundred",
    tag,
    roles: anyone,
    query: ofAgency,
    status: 200,
    answer: z.strictObject({ items: z.array(revisionSummary) }),
    refusals: [],
  },
  getRoutingRevision: {
    method: "get",
    path: `${path}/revisions/{revision}`,
    summary: "The document of a revision",
    tag,
    roles: anyone,
    query: ofAgency,
    status: 200,
    answer: activeDocument,
    refusals: ["not_found"],
  },
  getRoutingTimeline: {
    method: "get",
    path: `${path}/timeline`,
    summary: "Every activation as the journal has it, oldest first, with its document",
    tag,
    roles: anyone,
    query: z.strictObject({
      ...ofAgency.shape,
      ...timelineQuery.shape,
      limit: z.coerce.number().int().min(1).max(20).default(10).describe("activations a page"),
    }),
    status: 200,
    answer: timeline,
    refusals: [],
  },
  validateRouting: {
    method: "post",
    path: `${path}/validate`,
    summary: "Whether a document could be activated, and what is wrong with it",
    tag,
    roles: dispatch,
    looksOnly: true,
    query: ofAgency,
    body: candidate,
    status: 200,
    answer: z.strictObject({
      valid: z.boolean(),
      issues: z.array(issue),
      warnings: z
        .array(issue)
        .describe(
          "what it names and nothing could be told just now, such as a webhook that there is not; no reason to refuse it",
        ),
    }),
    refusals: [],
  },
  diffRouting: {
    method: "post",
    path: `${path}/diff`,
    summary: "What a candidate would change",
    tag,
    roles: dispatch,
    looksOnly: true,
    query: ofAgency,
    body: candidate,
    status: 200,
    answer: z.strictObject({
      revision: z.number().int().describe("that it was compared with"),
      changes: z.array(
        z.strictObject({ path: z.string(), change: z.enum(["added", "removed", "changed"]), from: json, to: json }),
      ),
    }),
    refusals: [],
  },
  testRouting: {
    method: "post",
    path: `${path}/test`,
    summary: "Where an alert would go, when, and why",
    tag,
    roles: dispatch,
    looksOnly: true,
    query: ofAgency,
    body: routingTest,
    status: 200,
    answer: routingAnswer,
    refusals: [],
  },
  backtestRouting: {
    method: "post",
    path: `${path}/backtest`,
    summary:
      "What a candidate would have changed for the alerts of the last hours: pages and incidents gained and lost",
    tag,
    roles: dispatch,
    looksOnly: true,
    query: ofAgency,
    body: backtest,
    status: 200,
    answer: backtestAnswer,
    refusals: [],
  },
  listAlertGroups: {
    method: "get",
    path: `${path}/groups`,
    summary: "Alerts that are told together: what fires in them, what was told, what comes next",
    tag,
    roles: anyone,
    query: groupFilters,
    status: 200,
    answer: listOf(alertGroup),
    refusals: ["board_behind"],
  },
  getAlertGroupTimeline: {
    method: "get",
    path: `${path}/groups/{id}/timeline`,
    summary: "Everything that a group was told, and told to whom, oldest first",
    tag,
    roles: anyone,
    query: timelineQuery,
    status: 200,
    answer: timeline,
    refusals: ["not_found"],
  },
  listSilences: {
    method: "get",
    path: `${path}/silences`,
    summary: "Silences and maintenance windows, newest first; those that ended, for five days",
    tag,
    roles: anyone,
    query: z.strictObject({ ...ofAgency.shape, state: z.enum(silenceStates).optional() }),
    status: 200,
    answer: silences,
    refusals: [],
  },
  createSilence: {
    method: "post",
    path: `${path}/silences`,
    summary: "Silence alerts for a time. That they are over, or acknowledged, is told all the same",
    tag,
    roles: dispatch,
    query: ofAgency,
    body: newSilence,
    status: 201,
    answer: silence,
    refusals: ["limit_reached"],
  },
  changeSilence: {
    method: "put",
    path: `${path}/silences/{id}`,
    summary: "Change a silence: in place where its matchers stay the same, else another one takes its place",
    tag,
    roles: dispatch,
    query: ofAgency,
    body: newSilence,
    status: 200,
    answer: silence,
    refusals: ["not_found", "limit_reached"],
  },
  expireSilence: {
    method: "delete",
    path: `${path}/silences/{id}`,
    summary: "End a silence now",
    tag,
    roles: dispatch,
    query: ofAgency,
    status: 200,
    answer: silence,
    refusals: ["not_found"],
  },
} as const satisfies Record<string, Route>;
