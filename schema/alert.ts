import { z } from "zod";
import { code, entityVersion, freeForm, json, oneOrMore, page, place, said, text, timestamp, uuid } from "./common.ts";
import { type IncidentFields, type Policy, priority } from "./incident.ts";
import { agencyId } from "./principal.ts";

/** From the worst down. */
export const severities = ["critical", "high", "medium", "low", "info"] as const;
export type Severity = (typeof severities)[number];

/** `received` stays what only is to be known of: a sender's test of its own system, a draft. */
export const alertStatuses = ["received", "open", "acknowledged", "resolved", "dismissed"] as const;
export type AlertStatus = (typeof alertStatuses)[number];

/** What an alert is meant as, in the words of CAP. Only `actual` may make an incident. */
export const natures = ["actual", "exercise", "test", "system", "draft"] as const;
export type Nature = (typeof natures)[number];

/** As in PagerDuty's Events API v2. */
export const alertActions = ["trigger", "acknowledge", "resolve"] as const;

export const ALERT_LIMITS = {
  /** As PagerDuty has it. */
  dedupKey: 255,
  labels: 64,
  /** A batch is one write to the intake. */
  batch: 500,
  /** Rings of an area, and places of a ring; a larger ring is told by its box alone. */
  rings: 32,
  ringPlaces: 500,
} as const;

/** A source's name: it becomes part of a subject. */
export const sourceName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,48}$/, "1 to 48 letters, digits, - or _")
  .meta({ description: "who reports", examples: ["api"] });

const labelName = /^[\p{L}_][\p{L}\p{N}_.:/-]{0,99}$/u;
const labels = z.record(z.string(), text(1_024)).superRefine((given, context) => {
  const names = Object.keys(given);
  if (names.length > ALERT_LIMITS.labels)
    context.addIssue({ code: "custom", message: `at most ${ALERT_LIMITS.labels} labels` });
  const bad = names.find((name) => !labelName.test(name));
  if (bad !== undefined)
    context.addIssue({ code: "custom", message: `not a label's name: ${JSON.stringify(bad.slice(0, 100))}` });
});

const dedupKey = text(ALERT_LIMITS.dedupKey).min(1);

/** An area as CAP tells it: rings of places (the last one as the first), and circles. */
export const area = z.strictObject({
  description: text(2_000),
  rings: z.array(z.array(place)),
  circles: z.array(z.strictObject({ ...place.shape, radiusMetres: z.number().min(0) })),
  simplified: z.boolean().describe("true where a ring was too long to keep: its bounding box stands in its place"),
});
export type Area = z.infer<typeof area>;

/** What one report may say. Which of it must be there depends on the action. */
const report = {
  action: z.enum(alertActions).optional().describe("default: trigger"),
  type: code.optional().describe("needed by a trigger"),
  severity: z.enum(severities).optional().describe("needed by a trigger"),
  title: said(255).optional().describe("needed by a trigger"),
  description: text(16_384).nullable().optional(),
  source: sourceName.optional().describe("default: api; a dedupKey means something within its source alone"),
  deviceId: text(128).min(1).nullable().optional().describe("what has noticed it"),
  dedupKey: dedupKey
    .optional()
    .describe("while an alert of this key is open, another one adds to it; else one is made"),
  location: place.nullable().optional(),
  labels: labels.optional(),
  details: freeForm.optional(),
  nature: z.enum(natures).optional().describe("default: actual"),
  occurredAt: timestamp.nullable().optional(),
  expiresAt: timestamp.nullable().optional().describe("it resolves by itself then"),
};

interface Reported {
  readonly action?: (typeof alertActions)[number] | undefined;
  readonly type?: string | undefined;
  readonly severity?: Severity | undefined;
  readonly title?: string | undefined;
  readonly dedupKey?: string | undefined;
}

const NEEDED_TO_TRIGGER = ["type", "severity", "title"] as const;
const NEEDED_AFTERWARDS = ["dedupKey"] as const;

function missingIn(given: Reported): readonly string[] {
  const needed = (given.action ?? "trigger") === "trigger" ? NEEDED_TO_TRIGGER : NEEDED_AFTERWARDS;
  return needed.filter((field) => given[field] === undefined);
}

const oneReport = z.strictObject(report).superRefine((given, context) => {
  for (const field of missingIn(given))
    context.addIssue({ code: "custom", path: [field], message: `needed to ${given.action ?? "trigger"}` });
});
export type AlertReport = z.infer<typeof oneReport>;

/** One report, or several in `alerts`: all are kept or none is. */
export const raiseAlerts = z
  .strictObject({
    ...report,
    alerts: z
      .array(oneReport)
      .min(1)
      .max(ALERT_LIMITS.batch)
      .optional()
      .describe("several, and nothing else beside it"),
    agencyId: agencyId.optional().describe("only for a caller that acts for several agencies"),
  })
  .superRefine(({ alerts, agencyId: _agency, ...one }, context) => {
    if (alerts === undefined) {
      for (const field of missingIn(one))
        context.addIssue({ code: "custom", path: [field], message: `needed to ${one.action ?? "trigger"}` });
    } else if (Object.values(one).some((value) => value !== undefined)) {
      context.addIssue({ code: "custom", path: ["alerts"], message: "one report, or `alerts`, not both" });
    }
  })
  .meta({ id: "RaiseAlerts" });

const receipt = {
  id: uuid.describe("of the open alert that it adds to, as far as is known then; else of the one that it opens"),
  dedupKey: z.string(),
};
export const alertReceipt = z
  .strictObject({
    ...z.strictObject(receipt).partial().shape,
    alerts: z.array(z.strictObject(receipt)).optional(),
  })
  .meta({ id: "AlertReceipt" });

const classification = z.strictObject({
  category: code,
  severity: z.enum(severities),
  priority,
  incidentType: code,
  reasons: z.array(z.string()).describe("why, in the order in which it was decided"),
  versions: z.record(z.string(), z.string()).describe("of the rules and models that decided"),
});
type Shown = z.infer<typeof classification>;
/** What is made of an alert, and why. Many alerts share one. */
export type Classification = {
  readonly [Name in keyof Shown]: Readonly<Shown[Name]>;
};

/** An alert as the API shows it. */
export const alert = z
  .strictObject({
    id: uuid,
    agencyId,
    status: z.enum(alertStatuses),
    nature: z.enum(natures),
    type: code,
    category: code,
    severity: z.enum(severities),
    priority,
    title: z.string(),
    description: z.string().nullable(),
    source: sourceName,
    sources: z.array(z.string()).describe("who has reported it: principals and credentials, the first ones"),
    deviceId: z.string().nullable(),
    dedupKey: z.string(),
    location: place.nullable(),
    areas: z.array(area),
    labels: z.record(z.string(), z.string()),
    details: freeForm,
    classification,
    incidentId: uuid.nullable(),
    count: z.number().int().positive().describe("how often it was reported"),
    firstSeenAt: timestamp,
    lastSeenAt: timestamp,
    occurredAt: timestamp.nullable(),
    expiresAt: timestamp.nullable(),
    acknowledgedAt: timestamp.nullable(),
    acknowledgedBy: z.string().nullable(),
    resolvedAt: timestamp.nullable(),
    reason: z.string().nullable().describe("why it was dismissed or resolved"),
    version: entityVersion,
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: "Alert" });
export type Alert = z.infer<typeof alert>;

export const alertFilters = z.strictObject({
  ...page,
  q: text(200)
    .optional()
    .describe(
      "words, all of which are in title, description, device, key, labels, source or areas; without case and accents",
    ),
  status: oneOrMore(z.enum(alertStatuses)).optional(),
  severity: oneOrMore(z.enum(severities)).optional(),
  nature: oneOrMore(z.enum(natures)).optional(),
  type: oneOrMore(code).optional(),
  category: oneOrMore(code).optional(),
  source: sourceName.optional(),
  deviceId: z.string().max(128).optional(),
  dedupKey: z.string().max(ALERT_LIMITS.dedupKey).optional(),
  incidentId: uuid.optional().describe("attached to this incident"),
  agencyId: agencyId.optional(),
  createdAfter: timestamp.optional(),
  createdBefore: timestamp.optional(),
});
export type AlertFilters = z.infer<typeof alertFilters>;

export const alertReportsQuery = z.strictObject({
  limit: page.limit,
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, "not one of ours")
    .optional()
    .describe("`next` of the page before"),
});

export const alertReports = z.strictObject({
  items: z.array(
    z.strictObject({
      sequence: z.number().int().describe("its place in the intake"),
      at: timestamp.describe("when it was accepted"),
      urgent: z.boolean(),
      action: z.enum(alertActions),
      source: z.string(),
      by: z.string().describe("a principal, or a source's credential"),
      requestId: z.string(),
      dedupKey: z.string(),
      content: z.record(z.string(), json).nullable().describe("what was read of it, by a trigger"),
      raw: z.string().nullable().describe("as it came, cut at a bound, where that says more"),
    }),
  ),
  next: z.string().nullable(),
});

export const acknowledgeAlert = z.strictObject({ note: said(1000).optional() }).meta({ id: "AcknowledgeAlert" });
export const dismissAlert = z.strictObject({ reason: said(1000) }).meta({ id: "DismissAlert" });
export const resolveAlert = z.strictObject({ reason: said(1000).optional() }).meta({ id: "ResolveAlert" });
export const attachAlert = z.strictObject({ incidentId: uuid }).meta({ id: "AttachAlert" });

/** What is said of an alert, whoever says it: the form that every source's own is brought into. */
export interface AlertContent {
  readonly type: string;
  readonly severity: Severity;
  readonly title: string;
  readonly description: string | null;
  readonly nature: Nature;
  readonly deviceId: string | null;
  readonly location: { readonly lat: number; readonly lon: number } | null;
  readonly areas: readonly Area[];
  readonly labels: Readonly<Record<string, string>>;
  readonly details: Readonly<Record<string, unknown>>;
  readonly occurredAt: string | null;
  readonly expiresAt: string | null;
}

/** What waits in the intake goes by two lanes, so that what is urgent never stands behind a flood of what is not. */
export const lanes = ["urgent", "normal"] as const;
export type Lane = (typeof lanes)[number];

/** Where a report stands in the intake: what tells a repeated delivery from another report. */
export interface IntakePlace {
  readonly lane: Lane;
  /** Of the report, not of the message that it came in: see intake.ts. */
  readonly sequence: number;
  /** When the intake has taken it, by its own clock: one for all hosts. RFC 3339, UTC. */
  readonly at: string;
}

/** The last sequence of each lane that was done. */
export type Seen = Readonly<Partial<Record<Lane, number>>>;

/** Who has reported. */
export interface AlertSource {
  /** Within which a key means something: two sources never share one. */
  readonly scope: string;
  readonly name: string;
}

/** What a source's settings say of its alerts, as they were when the alert came. */
export interface AlertPolicy {
  /** Alerts this bad or worse make an incident; null: none does. */
  readonly incidentFrom: Severity | null;
  /** An alert of which nothing was heard for so long resolves by itself. */
  readonly autoResolveAfterMs: number | null;
  /** Each of its devices should be heard of as often as that; left out, or null: none need be. */
  readonly silentAfterMs?: number | null;
}

export const defaultAlertPolicy: AlertPolicy = { incidentFrom: "high", autoResolveAfterMs: null };

/**
 * A message whose key is its own alone, and which may take the place of others: as CAP's, each of which has an identity, and
 * refers to those that it updates or cancels.
 */
export interface AlertChain {
  /** Keys of the messages that are not valid any more, whether they have come or not. */
  readonly replaces: readonly string[];
  /** It ends their alert; else that goes on with what this message says. */
  readonly ends: boolean;
}

/** One report in the intake, as its gateway has written it. */
export interface IntakeRecord {
  readonly v: 1;
  /** The alert's id, if this opens one; and its incident's, if it makes one. */
  readonly id: string;
  readonly incidentId: string;
  readonly agencyId: string;
  readonly source: AlertSource;
  /** Who has sent it: a principal, or a source's credential. */
  readonly by: string;
  readonly requestId: string;
  readonly action: (typeof alertActions)[number];
  readonly dedupKey: string;
  /** Exercises are kept apart from what is real: the same key of another nature is another key. */
  readonly nature: Nature;
  /** The sender gave no key: it was made of what the alert is about, and holds for five minutes after the last. */
  readonly keyMade: boolean;
  /** Of a trigger. */
  readonly content?: AlertContent | undefined;
  readonly chain?: AlertChain | undefined;
  readonly policy: AlertPolicy;
  /** As it came, cut at a bound; where that says more than the content. */
  readonly raw?: string | undefined;
}

/** What may be asked of a key. */
export type AlertKeyCommand =
  | {
      readonly type: "claim";
      readonly agencyId: string;
      readonly alertId: string;
      /** When the report came that opens it, by the intake's clock. */
      readonly at: string;
      /** The alert that the sender has found to be over: only its place is taken. */
      readonly over?: { readonly alertId: string; readonly seen: Seen };
      /** The report that its alert begins with, in the same commit; left out: it is told of it afterwards. */
      readonly first?: ClassifiedReport;
    }
  /** Another message takes the place of this key's, which may come yet. */
  | { readonly type: "replace"; readonly agencyId: string; readonly by: string };

export type AlertKeyEvent =
  | {
      readonly type: "alertkey.claimed";
      readonly agencyId: string;
      readonly alertId: string;
      readonly seen: Seen;
      /** Left out by what was written before openings were counted. */
      readonly at?: string;
    }
  | { readonly type: "alertkey.replaced"; readonly agencyId: string; readonly by: string };

/** Where a field stands in a source's own JSON: a pointer (RFC 6901), or "=" and a text to be taken as it is. */
export const expression = text(200).regex(/^(?:$|[=/])/, "a pointer as /a/b, or = and a text");
export const mapping = z.strictObject({
  items: expression.optional().describe("the list of reports; left out: the document is one"),
  fields: z.strictObject({
    type: expression.optional(),
    severity: expression.optional(),
    title: expression.optional(),
    description: expression.optional(),
    dedupKey: expression.optional(),
    deviceId: expression.optional(),
    action: expression.optional(),
    nature: expression.optional(),
    lat: expression.optional(),
    lon: expression.optional(),
    occurredAt: expression.optional(),
    expiresAt: expression.optional(),
    details: expression.optional(),
  }),
  severities: z.record(z.string().max(100), z.enum(severities)).optional().describe("their words for ours"),
  actions: z.record(z.string().max(100), z.enum(alertActions)).optional().describe("their words for ours"),
});
export type Mapping = z.infer<typeof mapping>;

export const sourceFormats = ["json", "alertmanager", "cap"] as const;
export const sourceCredentials = ["token", "hmac"] as const;

/** Told after as long, or half as long more. */
export const silentAfterSeconds = z
  .number()
  .int()
  .min(1)
  .max(7 * 86_400)
  .nullable()
  .describe(
    "an alert of type no_data is raised when nothing is heard for so long of a device that has reported before",
  );

const sourceFields = {
  name: sourceName,
  format: z.enum(sourceFormats),
  credential: z.enum(sourceCredentials).describe("a bearer token, or HMAC-SHA256 over timestamp, dot and body"),
  mapping: mapping.nullable().describe("of the format json, which without one is the API's own"),
  ratePerSecond: z.number().int().min(1).max(10_000),
  bytesMax: z.number().int().min(1_024).max(1_048_576).describe("of one request"),
  incidentFrom: z.enum(severities).nullable().describe("alerts this bad or worse make an incident; null: none does"),
  autoResolveSeconds: z
    .number()
    .int()
    .min(10)
    .max(30 * 86_400)
    .nullable()
    .describe("an alert of which nothing is heard for so long resolves by itself"),
  silentAfterSeconds,
  enabled: z.boolean(),
};

/** A source with a credential of its own, as the API shows it. */
export const alertSource = z
  .strictObject({
    id: uuid,
    agencyId,
    ...sourceFields,
    path: z.string().describe("where it sends to"),
    version: z.number().int().positive(),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: "AlertSource" });
export type AlertSourceShown = z.infer<typeof alertSource>;

export const alertSourceWithSecret = z
  .strictObject({ ...alertSource.shape, secret: z.string().describe("shown here alone, and kept nowhere") })
  .meta({ id: "AlertSourceWithSecret" });

const { name: nameField, format: formatField, ...changeable } = sourceFields;
export const createAlertSource = z
  .strictObject({
    name: nameField,
    format: formatField,
    ...z.strictObject(changeable).partial().shape,
    agencyId: agencyId.optional().describe("only for a caller that acts for several agencies"),
  })
  .meta({ id: "CreateAlertSource" });
export const patchAlertSource = z
  .strictObject(z.strictObject({ name: nameField, ...changeable }).partial().shape)
  .refine((body) => Object.keys(body).length > 0, "nothing to change")
  .meta({ id: "PatchAlertSource" });

export const alertSourceFilters = z.strictObject({ ...page, agencyId: agencyId.optional() });

export interface SourceFields {
  readonly name: string;
  readonly format: (typeof sourceFormats)[number];
  readonly credential: (typeof sourceCredentials)[number];
  readonly mapping: Mapping | null;
  readonly ratePerSecond: number;
  readonly bytesMax: number;
  readonly incidentFrom: Severity | null;
  readonly autoResolveSeconds: number | null;
  /** Left out by what was written before there was such a thing. */
  readonly silentAfterSeconds?: number | null;
  readonly enabled: boolean;
}

/** A trigger of the intake. */
export type TriggerRecord = IntakeRecord & { readonly content: AlertContent };

/** A trigger in its place, and what was made of it. */
export interface ClassifiedReport {
  readonly record: TriggerRecord;
  readonly intake: IntakePlace;
  readonly classification: Classification;
}

export type AlertCommand =
  | ({
      readonly type: "receive";
      /** What was done of this key before this alert was. */
      readonly seenBefore: Seen;
      /** Those that follow in the same lane. The state says how many of them were done: see `seen`. */
      readonly more?: readonly ClassifiedReport[];
    } & ClassifiedReport)
  | { readonly type: "sourceAcknowledge"; readonly source: AlertSource; readonly intake: IntakePlace }
  | { readonly type: "sourceResolve"; readonly source: AlertSource; readonly intake: IntakePlace }
  | {
      readonly type: "makeIncident";
      readonly incidentNumber: string;
      readonly fields: IncidentFields;
      readonly reportedById: string | null;
      readonly policy?: Policy;
    }
  | { readonly type: "acknowledge"; readonly note?: string }
  | { readonly type: "dismiss"; readonly reason: string }
  | { readonly type: "resolve"; readonly reason?: string }
  | { readonly type: "attach"; readonly incidentId: string }
  | { readonly type: "detach" }
  /** Sent by a deadline alone; `due` is the moment it was set for. */
  | { readonly type: "autoResolve"; readonly why: "silence" | "expired"; readonly due: string };

export type AlertEvent =
  | {
      readonly type: "alert.received";
      readonly record: TriggerRecord;
      readonly intake: IntakePlace;
      readonly seenBefore: Seen;
    }
  | { readonly type: "alert.classified"; readonly classification: Classification }
  | { readonly type: "alert.opened" }
  | {
      readonly type: "alert.repeated";
      readonly intake: IntakePlace;
      readonly by: string;
      readonly changes?: Partial<AlertContent>;
      readonly was?: Partial<AlertContent>;
    }
  | {
      readonly type: "alert.acknowledged";
      readonly note?: string;
      readonly source?: string;
      readonly intake?: IntakePlace;
    }
  | {
      readonly type: "alert.resolved";
      readonly reason?: string;
      readonly source?: string;
      readonly intake?: IntakePlace;
    }
  | { readonly type: "alert.dismissed"; readonly reason: string }
  | { readonly type: "alert.attached"; readonly incidentId: string; readonly made: boolean }
  | { readonly type: "alert.detached"; readonly incidentId: string };
