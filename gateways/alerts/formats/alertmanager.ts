import { z } from "zod";
import { chainHash } from "../../../runtime/chain.ts";
import { ALERT_LIMITS, type Severity } from "../../../schema/alert.ts";
import { DESCRIPTION_MAX, type Said, textFrom, titleFrom, typeFrom, unsaid } from "./report.ts";

const texts = z.record(z.string(), z.string());

/** What Prometheus Alertmanager posts to a webhook. Of what its versions and those who copy it leave out, little is needed. */
export const alertmanagerPayload = z.looseObject({
  status: z.string().optional(),
  alerts: z
    .array(
      z.looseObject({
        status: z.string().optional(),
        labels: texts,
        annotations: texts.optional(),
        startsAt: z.string().optional(),
        generatorURL: z.string().optional(),
        fingerprint: z.string().max(64).optional(),
      }),
    )
    .min(1)
    .max(ALERT_LIMITS.batch),
});

const SEVERITY: Readonly<Record<string, Severity>> = {
  critical: "critical",
  page: "critical",
  emergency: "critical",
  error: "high",
  high: "high",
  major: "high",
  warning: "medium",
  medium: "medium",
  moderate: "medium",
  minor: "low",
  low: "low",
  info: "info",
  informational: "info",
  none: "info",
  debug: "info",
};

const LABEL = /^[\p{L}_][\p{L}\p{N}_.:/-]{0,99}$/u;

/** One report an alert: an alert is known by its labels, as Alertmanager knows it. */
export function alertmanagerReports({ status, alerts }: z.infer<typeof alertmanagerPayload>): readonly Said[] {
  return alerts.map((alert) => {
    const { labels, annotations = {}, startsAt = "", generatorURL = "" } = alert;
    const dedupKey = alert.fingerprint ?? chainHash(JSON.stringify(Object.entries(labels).sort()));
    if ((alert.status ?? status) === "resolved") return { action: "resolve", nature: "actual", dedupKey };
    const name = labels["alertname"] ?? "alert";
    const type = typeFrom(name);
    const description = annotations["description"] ?? annotations["message"];
    const kept = Object.entries(labels).filter(([label]) => LABEL.test(label));
    const started = Date.parse(startsAt);
    return {
      action: "trigger",
      nature: "actual",
      dedupKey,
      content: {
        type,
        severity: SEVERITY[(labels["severity"] ?? "").toLowerCase()] ?? "medium",
        title: titleFrom([annotations["summary"], annotations["title"], name], type),
        ...unsaid,
        description: description === undefined ? null : textFrom(description, DESCRIPTION_MAX),
        deviceId: labels["instance"] === undefined ? null : textFrom(labels["instance"], 128) || null,
        labels: Object.fromEntries(
          kept.slice(0, ALERT_LIMITS.labels).map(([label, value]) => [label, textFrom(value, 1_024)]),
        ),
        details: generatorURL === "" ? {} : { generatorURL: textFrom(generatorURL, 2_000) },
        // 0001-01-01 and the like mean that it is not known.
        occurredAt: started > 0 ? new Date(started).toISOString() : null,
      },
    };
  });
}
