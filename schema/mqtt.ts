import { z } from "zod";
import { expression, mapping, severities, silentAfterSeconds, sourceName } from "./alert.ts";
import { text } from "./common.ts";
import { agencyId } from "./principal.ts";

/** What MQTT topics mean: which are listened to, and how their messages are read. An operator's file, or what is built in. */

export const MQTT_TOPICS_MAX = 100;

/** A topic with named levels: each stands for any one level, and its name for what stood there. */
const filter = z
  .string()
  .min(1)
  .max(500)
  .refine(
    (topic) =>
      topic.split("/").every((level) => level === "+" || /^(?:\{[a-z][A-Za-z0-9]{0,31}\}|[^+#{}\0]*)$/.test(level)),
    "levels of a topic: words, + or a {name}",
  );

const common = {
  filter,
  agency: agencyId.optional().describe("default: what stands in the level {agency}"),
  messageId: expression
    .optional()
    .describe("the sender's own id of a message: sent again within 15 minutes, it is kept once"),
};

const alertTopic = z.strictObject({
  ...common,
  as: z.literal("alert"),
  payload: z.enum(["json", "text"]).default("json").describe("text: the pointer of nothing is the text"),
  source: sourceName.default("mqtt"),
  mapping: mapping.optional().describe("default: the form of POST /api/v1/alerts. Texts may name levels in braces"),
  incidentFrom: z.enum(severities).nullable().default("high"),
  autoResolveSeconds: z
    .number()
    .int()
    .min(10)
    .max(30 * 86_400)
    .nullable()
    .default(null),
  silentAfterSeconds: silentAfterSeconds.default(null),
});

const unit = text(200).default("={unit}").describe("the unit's id or call sign; default: the level {unit}");

const locationTopic = z.strictObject({
  ...common,
  as: z.literal("location"),
  unit,
  fields: z
    .strictObject({
      lat: expression,
      lon: expression,
      at: expression.optional(),
      speedMps: expression.optional(),
      headingDegrees: expression.optional(),
      accuracyMetres: expression.optional(),
    })
    .optional()
    .describe("default: the form of POST …/location"),
});

const statusTopic = z.strictObject({
  ...common,
  as: z.literal("status"),
  unit,
  fields: z
    .strictObject({ status: expression, reason: expression.optional() })
    .optional()
    .describe("default: a status alone, or the form of PATCH …/status"),
  statuses: z.record(z.string().max(100), z.string().max(50)).optional().describe("their words for ours"),
});

export const mqttTopic = z
  .discriminatedUnion("as", [alertTopic, locationTopic, statusTopic])
  .refine(
    ({ agency, filter: topic }) => agency !== undefined || topic.split("/").includes("{agency}"),
    "whose agency's? Name a level {agency}, or an agency",
  );
export type MqttTopic = z.infer<typeof mqttTopic>;

export const mqttTopics = z.array(mqttTopic).min(1).max(MQTT_TOPICS_MAX);

/** Words of the plain topics below, in the place of a severity, that say what became of it. */
const follow = { acknowledge: "acknowledge", resolve: "resolve" } as const;

/** What is listened to where an operator says nothing. */
export const builtInMqttTopics: readonly MqttTopic[] = mqttTopics.parse([
  // As the devices of Fundamentum report.
  { filter: "fundamentum/{agency}/{site}/{device}/alarm", as: "alert", source: "fundamentum", messageId: "/messageId" },
  {
    filter: "tocsin/{agency}/alarm/{device}/{type}/{severity}",
    as: "alert",
    payload: "text",
    mapping: {
      fields: {
        type: "={type}",
        severity: "={severity}",
        action: "={severity}",
        title: "",
        deviceId: "={device}",
        dedupKey: "={device} {type}",
      },
      severities: { acknowledge: "info", resolve: "info" },
      actions: { ...follow, ...Object.fromEntries(severities.map((severity) => [severity, "trigger"])) },
    },
  },
  { filter: "tocsin/{agency}/units/{unit}/location", as: "location" },
  { filter: "tocsin/{agency}/units/{unit}/status", as: "status" },
]);

/** Where a unit learns what it is sent to: kept by the broker for whoever comes later, and empty again once it is free. */
export const dispatchTopic = (agency: string, unitId: string) => `tocsin/${agency}/units/${unitId}/dispatch`;
export const DISPATCH_TOPICS = "tocsin/+/units/+/dispatch";
