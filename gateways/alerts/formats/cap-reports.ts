import {
  ALERT_LIMITS,
  type AlertContent,
  type Area,
  type Nature,
  type Severity,
  severities,
} from "../../../schema/alert.ts";
import { type CapAlert, type CapArea, type CapIdentity, type CapInfo, capAlertsOf } from "./cap.ts";
import { DESCRIPTION_MAX, type Said, textFrom, titleFrom, typeFrom, unsaid } from "./report.ts";

const SEVERITY: Readonly<Record<CapInfo["severity"], Severity>> = {
  Extreme: "critical",
  Severe: "high",
  Moderate: "medium",
  Minor: "low",
  Unknown: "info",
};

/**
 * What CAP alerts say. Each message has an identity of its own; an Update goes on with the alert of those that it refers to,
 * a Cancel or an all-clear ends it. Receipts (Ack, Error) say nothing of the world.
 * @throws Unreadable
 */
export function capReports(bytes: Uint8Array): readonly Said[] {
  return capAlertsOf(bytes).flatMap((cap) => (cap.msgType === "Ack" || cap.msgType === "Error" ? [] : [saidBy(cap)]));
}

function saidBy(cap: CapAlert): Said {
  const { infos, msgType } = cap;
  const allClear = infos.length > 0 && infos.every(({ responseTypes }) => responseTypes.includes("AllClear"));
  const ends = msgType === "Cancel" || (msgType === "Update" && allClear);
  const chain = { replaces: msgType === "Alert" ? [] : cap.references.map(keyOf), ends };
  const common = { nature: cap.status.toLowerCase() as Nature, dedupKey: keyOf(cap), chain };
  return ends ? { action: "resolve", ...common } : { action: "trigger", ...common, content: contentOf(cap) };
}

/** A moment may be written in several ways, and is one all the same. */
function keyOf({ sender, identifier, sent }: CapIdentity): string {
  return `${sender},${identifier},${new Date(sent).toISOString()}`;
}

/** Several infos tell one alert, mostly in several languages: the first is shown, and the worst of all counts. */
function contentOf(cap: CapAlert): AlertContent {
  const { infos } = cap;
  const [info] = infos;
  const said = infos.map((one) => SEVERITY[one.severity]);
  const expiries = infos.map(({ expires }) => expires);
  const type = typeFrom(info?.event ?? "cap");
  const areas = areasOf(infos.flatMap((one) => one.areas));
  return {
    ...unsaid,
    type,
    severity: severities.find((one) => said.includes(one)) ?? "info",
    title: titleFrom([info?.headline, info?.event, cap.note, cap.identifier], type),
    description: info?.description === undefined ? null : textFrom(info.description, DESCRIPTION_MAX),
    nature: cap.status.toLowerCase() as Nature,
    location: placeOf(areas),
    areas,
    labels: labelsOf(cap),
    details: detailsOf(infos),
    occurredAt: utc(info?.onset ?? info?.effective ?? cap.sent),
    expiresAt:
      expiries.length === 0 || expiries.includes(undefined) ? null : (expiries as string[]).map(utc).sort().at(-1)!,
  };
}

const utc = (time: string) => new Date(time).toISOString();

function labelsOf({ sender, identifier, infos, version }: CapAlert): Readonly<Record<string, string>> {
  const [info] = infos;
  const labels = {
    cap_version: version,
    sender,
    identifier,
    ...(info === undefined
      ? {}
      : {
          category: info.categories.join(","),
          urgency: info.urgency,
          certainty: info.certainty,
          language: info.language,
        }),
  };
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, textFrom(value, 1_024)]));
}

const LANGUAGES_MAX = 8;

function detailsOf(infos: readonly CapInfo[]): Readonly<Record<string, unknown>> {
  const [info] = infos;
  if (info === undefined) return {};
  const cut = (text: string | undefined) => (text === undefined ? null : textFrom(text, 2_000));
  const others = infos.slice(1, LANGUAGES_MAX);
  return {
    senderName: cut(info.senderName),
    instruction: cut(info.instruction),
    web: cut(info.web),
    responseTypes: info.responseTypes.slice(0, 8),
    otherLanguages: others.map(({ language, headline, event }) => ({ language, headline: cut(headline ?? event) })),
  };
}

/** The same area stands in every language's info. */
function areasOf(all: readonly CapArea[]): readonly Area[] {
  const areas = new Map<string, Area>();
  for (const { description, polygons, circles } of all) {
    const shape = JSON.stringify([polygons, circles]);
    if (areas.size >= ALERT_LIMITS.rings || (areas.has(shape) && polygons.length + circles.length > 0)) continue;
    const rings = polygons.slice(0, ALERT_LIMITS.rings).map((ring) => ring.map(([lat, lon]) => ({ lat, lon })));
    areas.set(polygons.length + circles.length > 0 ? shape : description, {
      description: textFrom(description, 2_000),
      rings: rings.map((ring) => (ring.length > ALERT_LIMITS.ringPlaces ? boxOf(ring) : ring)),
      circles: circles.slice(0, ALERT_LIMITS.rings).map(({ lat, lon, radiusKm }) => ({
        lat,
        lon,
        radiusMetres: radiusKm * 1_000,
      })),
      simplified: polygons.length > ALERT_LIMITS.rings || rings.some((ring) => ring.length > ALERT_LIMITS.ringPlaces),
    });
  }
  return [...areas.values()];
}

interface Place {
  readonly lat: number;
  readonly lon: number;
}

function boxOf(ring: readonly Place[]): Place[] {
  const lats = ring.map(({ lat }) => lat);
  const lons = ring.map(({ lon }) => lon);
  const least = (of: readonly number[]) => of.reduce((a, b) => Math.min(a, b));
  const most = (of: readonly number[]) => of.reduce((a, b) => Math.max(a, b));
  const [south, north, west, east] = [least(lats), most(lats), least(lons), most(lons)];
  const corner = (lat: number, lon: number) => ({ lat, lon });
  return [corner(south, west), corner(south, east), corner(north, east), corner(north, west), corner(south, west)];
}

/** Where its incident would be: the centre of the first circle, or of the first ring's box. */
function placeOf(areas: readonly Area[]): Place | null {
  const circle = areas.flatMap(({ circles }) => circles)[0];
  if (circle !== undefined) return { lat: circle.lat, lon: circle.lon };
  const ring = areas.flatMap(({ rings }) => rings)[0];
  if (ring === undefined) return null;
  const [southWest, , northEast] = boxOf(ring);
  return { lat: (southWest!.lat + northEast!.lat) / 2, lon: (southWest!.lon + northEast!.lon) / 2 };
}
