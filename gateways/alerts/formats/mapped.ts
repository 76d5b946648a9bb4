import {
  ALERT_LIMITS,
  type AlertReport,
  alertActions,
  type Mapping,
  raiseAlerts,
  severities,
} from "../../../schema/alert.ts";
import { saysSomething } from "../../../schema/common.ts";
import { Unreadable } from "./xml.ts";

/** Values that a text may name in braces. */
export type Named = Readonly<Record<string, string>>;

/** What a pointer (RFC 6901) leads to; what begins with "=" is taken as it is, with what it names in braces put in. */
export function valueAt(document: unknown, expression: string, named: Named = {}): unknown {
  if (expression.startsWith("="))
    return expression
      .slice(1)
      .replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(named, name) ? named[name]! : whole));
  if (expression === "") return document;
  let at: unknown = document;
  for (const step of expression.slice(1).split("/")) {
    if (typeof at !== "object" || at === null) return;
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    at = Object.hasOwn(at, name) ? (at as Record<string, unknown>)[name] : undefined;
  }
  return at;
}

/**
 * Brings a source's own JSON into the form of the API, by the mapping that it has declared.
 * @throws Unreadable, naming what the mapping did not find or what does not fit
 */
export function mappedReports(document: unknown, mapping: Mapping, named: Named = {}): readonly AlertReport[] {
  const items = mapping.items === undefined ? [document] : valueAt(document, mapping.items, named);
  if (!Array.isArray(items)) throw new Unreadable(`${mapping.items}: there is no list`);
  if (items.length === 0 || items.length > ALERT_LIMITS.batch)
    throw new Unreadable(`${items.length} reports: there must be 1 to ${ALERT_LIMITS.batch}`);
  return items.map((item, index) => reportOf(item, index, mapping, named));
}

function reportOf(
  item: unknown,
  index: number,
  { fields, severities: said = {}, actions = {} }: Mapping,
  named: Named,
): AlertReport {
  const { lat, lon, ...rest } = fields;
  const given: Record<string, unknown> = {};
  for (const [field, expression] of Object.entries(rest)) {
    const value = expression === undefined ? undefined : valueAt(item, expression, named);
    if (value === undefined || value === null) continue;
    if (typeof value === "object") given[field] = value;
    // Blanks are nothing: many senders leave them in.
    else if (saysSomething(String(value))) given[field] = String(value);
  }
  if (given["type"] !== undefined) given["title"] ??= given["type"];
  if (given["severity"] !== undefined) given["severity"] = translated(given["severity"] as string, said, severities);
  if (given["action"] !== undefined) given["action"] = translated(given["action"] as string, actions, alertActions);
  if (lat !== undefined && lon !== undefined) {
    const place = { lat: Number(valueAt(item, lat, named)), lon: Number(valueAt(item, lon, named)) };
    if (!Number.isNaN(place.lat) && !Number.isNaN(place.lon)) given["location"] = place;
  }
  const parsed = raiseAlerts.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Unreadable(`report ${index}, by the source's mapping: ${issue?.path.join(".")}: ${issue?.message}`);
}

/** The agency's own words first, then ours in whatever case. */
function translated(word: string, own: Readonly<Record<string, string>>, known: readonly string[]): string {
  if (Object.hasOwn(own, word)) return own[word]!;
  return known.find((one) => one === word.toLowerCase()) ?? word;
}
