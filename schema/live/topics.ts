import { z } from "zod";
import { uuid } from "../common.ts";
import { agencyId } from "../principal.ts";

/** What can be followed. `{agency}` and `{id}` stand for one of each; `{box}` for west,south,east,north in degrees. */
export const topicForms = {
  "incidents/{agency}": "every incident that the agency has, or that another one shares with it",
  "incident/{id}": "one incident",
  "resources/{agency}": "every person, vehicle and piece of equipment of the agency, with their positions",
  "resource/{id}": "one of them",
  "alerts/{agency}": "every alert of the agency",
  "alert/{id}": "one alert",
  "alertgroups/{agency}": "who is told of the agency's alerts: pages, repetitions, escalations, acknowledgements",
  "alertgroup/{id}": "one group of alerts",
  "channel/{id}": "one channel that you are a member of, with what is written in it",
  channels: "all channels that you are a member of, by name, by your unit, or by your agency",
  "pages/{agency}": "whom the agency has called, and what came of it",
  "page/{id}": "one call",
  "presence/{agency}": "who of the agency comes and goes",
  "area/{agency}/{box}":
    "what the agency may see in a box: incidents and resources entering, moving, leaving. A box whose west is above its east goes across the antimeridian",
} as const satisfies Record<string, string>;

export interface Box {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

/** A topic of events that are told alike to all who may follow it. `kind` is that of the actors whose events it has. */
export type EventTopic =
  | { readonly name: string; readonly form: "agency"; readonly kind: string; readonly agency: string }
  | { readonly name: string; readonly form: "one"; readonly kind: string; readonly id: string }
  | { readonly name: string; readonly form: "area"; readonly agency: string; readonly box: Box };

/** A topic of what members alone may read. */
export type ChannelTopic =
  | { readonly name: string; readonly form: "channel"; readonly id: string }
  | { readonly name: string; readonly form: "channels" };

/** Who is there, which is in no journal. */
export interface PresenceTopic {
  readonly name: string;
  readonly form: "presence";
  readonly agency: string;
}

/** A topic, taken apart. */
export type Topic = EventTopic | ChannelTopic | PresenceTopic;

const kindOf: Readonly<Record<string, { readonly form: "agency" | "one"; readonly kind: string }>> = {
  incidents: { form: "agency", kind: "incident" },
  incident: { form: "one", kind: "incident" },
  resources: { form: "agency", kind: "resource" },
  resource: { form: "one", kind: "resource" },
  alerts: { form: "agency", kind: "alert" },
  alert: { form: "one", kind: "alert" },
  alertgroups: { form: "agency", kind: "alertgroup" },
  alertgroup: { form: "one", kind: "alertgroup" },
  pages: { form: "agency", kind: "page" },
  page: { form: "one", kind: "page" },
};

/** Such as a client's own words are: at most this long, whatever they say. */
export const TOPIC_MAX_CHARACTERS = 200;
export const topicName = z
  .string()
  .max(TOPIC_MAX_CHARACTERS)
  .meta({ description: `one of ${Object.keys(topicForms).join(", ")}`, examples: ["incidents/default"] });

const DEGREES = /^-?\d{1,3}(?:\.\d{1,8})?$/;

/** @returns undefined for what is no topic */
export function parseTopic(text: string): Topic | undefined {
  const [first = "", second = "", third, more] = text.split("/");
  if (text === "channels") return { name: text, form: "channels" };
  if (first === "channel" && third === undefined) {
    const channelId = uuid.safeParse(second);
    return channelId.success ? { name: `channel/${channelId.data}`, form: "channel", id: channelId.data } : undefined;
  }
  if (first === "presence" && third === undefined) {
    return agencyId.safeParse(second).success ? { name: text, form: "presence", agency: second } : undefined;
  }
  if (first === "area" && third !== undefined && more === undefined) {
    const box = parseBox(third);
    if (box === undefined || !agencyId.safeParse(second).success) return;
    return { name: text, form: "area", agency: second, box };
  }
  const known = Object.hasOwn(kindOf, first) ? kindOf[first] : undefined;
  if (known === undefined || third !== undefined) return;
  const { form, kind } = known;
  if (form === "agency")
    return agencyId.safeParse(second).success ? { name: text, form, kind, agency: second } : undefined;
  const id = uuid.safeParse(second);
  return id.success ? { name: `${first}/${id.data}`, form, kind, id: id.data } : undefined;
}

function parseBox(text: string): Box | undefined {
  const parts = text.split(",");
  if (parts.length !== 4 || !parts.every((part) => DEGREES.test(part))) return;
  const [west = 0, south = 0, east = 0, north = 0] = parts.map(Number);
  const fits = [west, east].every((lon) => Math.abs(lon) <= 180) && south >= -90 && north <= 90 && south <= north;
  return fits ? { west, south, east, north } : undefined;
}
