import { z } from "zod";
import { code } from "../common.ts";
import { matcher } from "./matcher.ts";
import { timeInterval } from "./time-interval.ts";

/**
 * How an agency's alerts find the people they are for. Meaning as in Prometheus Alertmanager, whose words are kept:
 * https://prometheus.io/docs/alerting/latest/configuration/
 */

/** The document as JSON: it is in a snapshot, and in the event of its activation. */
export const ROUTING_BYTES_MAX = 131_072;
export const ROUTES_MAX = 500;
export const ROUTE_DEPTH_MAX = 10;

const DAY_SECONDS = 86_400;
const seconds = (least: number) =>
  z
    .number()
    .int()
    .min(least)
    .max(30 * DAY_SECONDS);

export const label = z
  .string()
  .max(100)
  .regex(/^[A-Za-z_:][A-Za-z0-9_:.-]*$/, "a label's name");

const matchers = z.array(matcher).max(20);

export const targetKinds = ["role", "user", "channel", "webhook", "mqtt"] as const;
export const target = z
  .strictObject({
    kind: z.enum(targetKinds),
    to: z
      .string()
      .min(1)
      .max(200)
      .regex(/^[^\p{Cc}]*$/u, "no control characters")
      .describe("a role, a user's subject, a channel's id, a webhook's or an MQTT topic's name"),
  })
  .meta({ id: "NotificationTarget" });
export type Target = Readonly<z.infer<typeof target>>;
const targets = z.array(target).min(1).max(50);

const receiver = z
  .strictObject({
    name: code,
    targets: targets.describe("who is told at once, and of everything that comes later"),
    sendResolved: z.boolean().optional().describe("whether they hear that an alert is resolved; default: true"),
    escalation: code.optional().describe("the chain that runs until somebody acknowledges"),
  })
  .meta({ id: "Receiver" });
export type Receiver = Readonly<z.infer<typeof receiver>>;

const step = z
  .discriminatedUnion("step", [
    z.strictObject({ step: z.literal("wait"), seconds: seconds(1) }),
    z.strictObject({ step: z.literal("notify"), targets }),
    z.strictObject({ step: z.literal("notifyNext"), targets: targets.describe("one of them each time, in turn") }),
    z.strictObject({ step: z.literal("notifyAll").describe("everybody whom the chain names") }),
  ])
  .meta({ id: "EscalationStep" });
export type EscalationStep = Readonly<z.infer<typeof step>>;

const escalation = z.strictObject({
  name: code,
  steps: z.array(step).min(1).max(50),
  repeat: z.number().int().min(0).max(20).optional().describe("how often it starts again at its end; default: 0"),
});
export type EscalationChain = Readonly<z.infer<typeof escalation>>;

const inhibitRule = z
  .strictObject({
    sourceMatchers: matchers.min(1).describe("while an alert like this fires …"),
    targetMatchers: matchers.min(1).describe("… alerts like this are not told"),
    equal: z.array(label).max(20).optional().describe("where these labels are equal; a missing one is empty"),
  })
  .meta({ id: "InhibitRule" });
export type InhibitRule = Readonly<z.infer<typeof inhibitRule>>;

/** What may stand in `groupBy` beside labels: by all of them, so that every alert is a group of its own. */
export const ALL_LABELS = "...";

export const incidentRules = ["auto", "always", "never"] as const;
export type IncidentRule = (typeof incidentRules)[number];

const routeFields = {
  name: code.optional().describe("shown in explanations"),
  matchers: matchers.optional().describe("all must match; none: everything matches"),
  receivers: z.array(code).min(1).max(20).optional(),
  groupBy: z
    .array(z.union([z.literal(ALL_LABELS), label]))
    .max(20)
    .optional()
    .describe("alerts with equal values for these are told together; ... is all labels"),
  groupWaitSeconds: seconds(0).optional().describe("how long the first notification of a group waits; default: 30"),
  groupIntervalSeconds: seconds(1).optional().describe("how long the next one waits; default: 300"),
  repeatIntervalSeconds: seconds(1).optional().describe("after how long the same is told again; default: 14400"),
  lifeSafety: z
    .boolean()
    .optional()
    .describe("told at once, and never muted by the clock; goes for the routes below, too"),
  continue: z.boolean().optional().describe("whether the routes after it are looked at, too; default: false"),
  muteTimeIntervals: z.array(code).max(20).optional(),
  activeTimeIntervals: z.array(code).max(20).optional(),
  incident: z
    .enum(incidentRules)
    .optional()
    .describe("whether such alerts open incidents; auto: those of high and critical severity. Default: auto"),
};

export interface Route {
  readonly name?: string | undefined;
  readonly matchers?: readonly string[] | undefined;
  readonly receivers?: readonly string[] | undefined;
  readonly groupBy?: readonly string[] | undefined;
  readonly groupWaitSeconds?: number | undefined;
  readonly groupIntervalSeconds?: number | undefined;
  readonly repeatIntervalSeconds?: number | undefined;
  readonly lifeSafety?: boolean | undefined;
  readonly continue?: boolean | undefined;
  readonly muteTimeIntervals?: readonly string[] | undefined;
  readonly activeTimeIntervals?: readonly string[] | undefined;
  readonly incident?: IncidentRule | undefined;
  readonly routes?: readonly Route[] | undefined;
}

const route: z.ZodType<Route> = z
  .strictObject({
    ...routeFields,
    get routes() {
      return z.array(route).max(200).optional();
    },
  })
  // Not by meta(), which answers with a copy: the routes below would be of another schema than this.
  .register(z.globalRegistry, { id: "Route", description: "a route; the root matches everything" });

export const routingDocument = z
  .strictObject({
    // The root; described in its own words, as a description makes a copy, too.
    route,
    receivers: z.array(receiver).min(1).max(200),
    inhibitRules: z.array(inhibitRule).max(200).optional(),
    timeIntervals: z.array(timeInterval).max(100).optional(),
    escalations: z.array(escalation).max(100).optional(),
  })
  .meta({ id: "RoutingDocument" });
export type RoutingDocument = Readonly<{
  route: Route;
  receivers: readonly Receiver[];
  inhibitRules?: readonly InhibitRule[] | undefined;
  timeIntervals?: z.infer<typeof timeInterval>[] | undefined;
  escalations?: readonly EscalationChain[] | undefined;
}>;

/** What holds until an agency has activated routing of its own: dispatchers are told, of what is critical at once. */
export const builtInRouting: RoutingDocument = {
  route: {
    receivers: ["dispatchers"],
    groupBy: ["type"],
    routes: [
      { name: "exercises and tests", matchers: ['nature!="actual"'] },
      { name: "flapping", matchers: ['flapping="true"'] },
      { name: "life safety", matchers: ['severity="critical"'], groupBy: [ALL_LABELS], lifeSafety: true },
    ],
  },
  receivers: [{ name: "dispatchers", targets: [{ kind: "role", to: "dispatcher" }] }],
};
