import { isUtf8 } from "node:buffer";
import { mappedReports, type Named, valueAt } from "../../gateways/alerts/formats/mapped.ts";
import { Unreadable } from "../../gateways/alerts/formats/xml.ts";
import { ALERT_LIMITS, type AlertReport, raiseAlerts } from "../../schema/alert.ts";
import { limits } from "../../schema/common.ts";
import { problemInJson } from "../../schema/json.ts";
import type { MqttTopic } from "../../schema/mqtt.ts";
import { agencyId } from "../../schema/principal.ts";
import { levelsOf } from "./levels.ts";

/** Larger ones are no alarm of a device; they are refused. */
const PAYLOAD_BYTES_MAX = 65_536;

export interface Said {
  readonly agency: string;
  /** The sender's own id of the message, where it has one. */
  readonly messageId: string | undefined;
  readonly content: AlertsSaid | UnitSaid;
}

export interface AlertsSaid {
  readonly of: "alerts";
  readonly topic: MqttTopic & { readonly as: "alert" };
  readonly reports: readonly AlertReport[];
}

export interface UnitSaid {
  readonly of: "location" | "status";
  /** An id or a call sign. */
  readonly unit: string;
  /** For the operation of the API of the same meaning, which validates it. */
  readonly body: unknown;
}

export type Reader = (topic: string, payload: Uint8Array) => Said | undefined;

/** @returns what reads messages by these topics, the first that fits; undefined where none does. It throws Unreadable */
export function readerOf(topics: readonly MqttTopic[]): Reader {
  const known = topics.map((meaning) => ({ meaning, levels: levelsOf(meaning.filter) }));
  return (topic, payload) => {
    for (const { meaning, levels } of known) {
      const named = levels.read(topic);
      if (named !== undefined) return saidBy(meaning, named, payload);
    }
    return;
  };
}

function saidBy(meaning: MqttTopic, named: Named, payload: Uint8Array): Said {
  const agency = meaning.agency ?? named["agency"]!;
  if (!agencyId.safeParse(agency).success) throw new Unreadable("the agency: 1 to 32 letters, digits, - or _");
  const document = documentOf(meaning, payload);
  const messageId = meaning.messageId === undefined ? undefined : valueAt(document, meaning.messageId, named);
  return {
    agency,
    messageId: typeof messageId === "string" || typeof messageId === "number" ? String(messageId) : undefined,
    content: meaning.as === "alert" ? alertsIn(meaning, named, document) : unitIn(meaning, named, document),
  };
}

function documentOf(meaning: MqttTopic, payload: Uint8Array): unknown {
  if (payload.length > PAYLOAD_BYTES_MAX) throw new Unreadable(`at most ${PAYLOAD_BYTES_MAX} bytes`);
  if (!isUtf8(payload)) throw new Unreadable("not UTF-8");
  const text = new TextDecoder().decode(payload);
  if (meaning.as === "alert" && meaning.payload === "text") return text;
  if (meaning.as === "status" && meaning.fields === undefined && /^[^{["]/.test(text)) return text.trim();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Unreadable("not JSON");
  }
  const problem = problemInJson(json, limits.body);
  if (problem !== undefined) throw new Unreadable(problem.message);
  return json;
}

function alertsIn(topic: AlertsSaid["topic"], named: Named, document: unknown): AlertsSaid {
  const reports = topic.mapping === undefined ? asSaid(topic, document) : mappedReports(document, topic.mapping, named);
  return { of: "alerts", topic, reports: reports.map((report) => placed(report, named)) };
}

/** The form of the API. A sender's own id of the message is none of its fields. */
function asSaid({ messageId }: MqttTopic, document: unknown): readonly AlertReport[] {
  const name = /^\/([^/]+)$/.exec(messageId ?? "")?.[1];
  const isObject = typeof document === "object" && document !== null && !Array.isArray(document);
  const { [name ?? ""]: _id, ...rest } = isObject ? (document as Record<string, unknown>) : {};
  const parsed = raiseAlerts.safeParse(isObject ? rest : document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Unreadable(`${issue?.path.join(".")}: ${issue?.message}`);
  }
  const { alerts, agencyId: _agency, ...one } = parsed.data;
  return alerts ?? [one];
}

/** The topic says which device, and where it is; what the message itself says comes first. */
function placed(report: AlertReport, named: Named): AlertReport {
  const { agency: _agency, device, ...levels } = named;
  const labels = { ...levels, ...report.labels };
  if (Object.keys(labels).length > ALERT_LIMITS.labels) throw new Unreadable(`at most ${ALERT_LIMITS.labels} labels`);
  return { ...report, deviceId: report.deviceId ?? device?.slice(0, 128) ?? null, labels };
}

function unitIn(
  meaning: MqttTopic & { readonly as: "location" | "status" },
  named: Named,
  document: unknown,
): UnitSaid {
  const unit = valueAt(document, meaning.unit, named);
  if (typeof unit !== "string" || unit === "" || unit.length > 200)
    throw new Unreadable("the unit: an id or a call sign");
  if (meaning.as === "location") return { of: "location", unit, body: positionIn(meaning.fields, named, document) };
  const { fields, statuses = {} } = meaning;
  const body = fields === undefined ? bodyOf(document) : fieldsIn(fields, named, document);
  const { status } = body;
  if (typeof status !== "string" || !Object.hasOwn(statuses, status)) return { of: "status", unit, body };
  return { of: "status", unit, body: { ...body, status: statuses[status] } };
}

function bodyOf(document: unknown): Readonly<Record<string, unknown>> {
  if (typeof document === "string") return { status: document };
  if (typeof document === "object" && document !== null && !Array.isArray(document)) return { ...document };
  throw new Unreadable("a status, or an object with one");
}

function positionIn(fields: Readonly<Record<string, string | undefined>> | undefined, named: Named, document: unknown) {
  if (fields === undefined) return document;
  const { at, ...numbers } = fieldsIn(fields, named, document);
  const read = Object.entries(numbers).map(([name, value]) => [name, value === "" ? undefined : Number(value)]);
  return { ...Object.fromEntries(read), ...(at === undefined ? {} : { at }) };
}

function fieldsIn(fields: Readonly<Record<string, string | undefined>>, named: Named, document: unknown) {
  const found: Record<string, unknown> = {};
  for (const [name, expression] of Object.entries(fields)) {
    const value = expression === undefined ? undefined : valueAt(document, expression, named);
    if (value !== undefined && value !== null) found[name] = value;
  }
  return found;
}
