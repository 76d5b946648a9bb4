import { type Element, elementsOf, textOf, Unreadable } from "./xml.ts";

/** Common Alerting Protocol, as OASIS defines 1.0, 1.1 and 1.2; an alert by itself, several in a wrapper, or in a feed. */
const NAMESPACES: Readonly<Record<string, string>> = {
  "http://www.incident.com/cap/1.0": "1.0",
  "urn:oasis:names:tc:emergency:cap:1.1": "1.1",
  "urn:oasis:names:tc:emergency:cap:1.2": "1.2",
};

export interface CapIdentity {
  readonly sender: string;
  readonly identifier: string;
  readonly sent: string;
}

export interface CapAlert extends CapIdentity {
  readonly version: string;
  readonly status: (typeof STATUS)[number];
  readonly msgType: (typeof MSG_TYPE)[number];
  readonly scope: string;
  readonly note: string | undefined;
  readonly references: readonly CapIdentity[];
  readonly infos: readonly CapInfo[];
}

export interface CapInfo {
  readonly language: string;
  readonly categories: readonly string[];
  readonly event: string;
  readonly responseTypes: readonly string[];
  readonly urgency: string;
  readonly severity: (typeof SEVERITY)[number];
  readonly certainty: string;
  readonly effective: string | undefined;
  readonly onset: string | undefined;
  readonly expires: string | undefined;
  readonly senderName: string | undefined;
  readonly headline: string | undefined;
  readonly description: string | undefined;
  readonly instruction: string | undefined;
  readonly web: string | undefined;
  readonly contact: string | undefined;
  readonly parameters: readonly CapValue[];
  readonly areas: readonly CapArea[];
}

export interface CapValue {
  readonly name: string;
  readonly value: string;
}

export interface CapArea {
  readonly description: string;
  /** [latitude, longitude], the last as the first. */
  readonly polygons: readonly (readonly (readonly [number, number])[])[];
  readonly circles: readonly { readonly lat: number; readonly lon: number; readonly radiusKm: number }[];
  readonly geocodes: readonly CapValue[];
}

const STATUS = ["Actual", "Exercise", "System", "Test", "Draft"] as const;
const MSG_TYPE = ["Alert", "Update", "Cancel", "Ack", "Error"] as const;
const SCOPE = ["Public", "Restricted", "Private"] as const;
const SEVERITY = ["Extreme", "Severe", "Moderate", "Minor", "Unknown"] as const;
const URGENCY = ["Immediate", "Expected", "Future", "Past", "Unknown"] as const;
// "Very Likely" is of CAP 1.0, and means Likely since.
const CERTAINTY = ["Observed", "Very Likely", "Likely", "Possible", "Unlikely", "Unknown"] as const;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d:\d\d|Z)$/;
const ALERTS_MAX = 500;
const INFOS_MAX = 50;
const AREAS_MAX = 500;

/** Embedded files and signatures are not looked at. */
const SKIPPED: ReadonlySet<string> = new Set(["derefUri", "digest"]);

/**
 * Reads every alert of a document.
 * @throws Unreadable for what is no CAP, breaks its rules, or contradicts itself, naming the place
 */
export function capAlertsOf(bytes: Uint8Array): readonly CapAlert[] {
  const root = elementsOf(textOf(bytes), (uri, name) => Object.hasOwn(NAMESPACES, uri) && !SKIPPED.has(name));
  const found = alertsIn(root);
  if (found.length === 0) {
    const names = Object.keys(NAMESPACES).join(", ");
    throw new Unreadable(`there is no CAP alert in it: an <alert> in one of the namespaces ${names}`);
  }
  if (found.length > ALERTS_MAX) throw new Unreadable(`more than ${ALERTS_MAX} alerts in one document`);
  return found.map((element, index) => new Reader(element, found.length === 1 ? "alert" : `alert[${index}]`).alert());
}

function alertsIn({ children }: Element): Element[] {
  return children.flatMap((child) =>
    child.name === "alert" && Object.hasOwn(NAMESPACES, child.uri) ? [child] : alertsIn(child),
  );
}

/** Looks up children of one element, and says of which one it speaks when something is wrong. */
class Reader {
  readonly #element: Element;
  readonly #path: string;

  constructor(element: Element, path: string) {
    this.#element = element;
    this.#path = path;
  }

  alert(): CapAlert {
    const identity = { identifier: this.#token("identifier"), sender: this.#token("sender"), sent: this.#time("sent") };
    const msgType = this.#oneOf("msgType", MSG_TYPE);
    const references = this.#references();
    if (msgType !== "Alert" && references.length === 0) this.#wrong("references", `needed by ${msgType}`);
    if (references.some((one) => sameIdentity(one, identity))) this.#wrong("references", "it refers to itself");
    const infos = this.#all("info", INFOS_MAX).map((reader) => reader.#info(identity.sent));
    return {
      version: NAMESPACES[this.#element.uri]!,
      ...identity,
      status: this.#oneOf("status", STATUS),
      msgType,
      scope: this.#oneOf("scope", SCOPE),
      note: this.#text("note"),
      references,
      infos,
    };
  }

  #info(sent: string): CapInfo {
    const effective = this.#optionalTime("effective");
    const expires = this.#optionalTime("expires");
    const begins = effective ?? sent;
    if (expires !== undefined && Date.parse(expires) < Date.parse(begins))
      this.#wrong("expires", `it is over (${expires}) before it begins (${begins})`);
    return {
      language: this.#text("language") ?? "en-US",
      categories: this.#texts("category"),
      event: this.#needed("event"),
      responseTypes: this.#texts("responseType"),
      urgency: this.#oneOf("urgency", URGENCY),
      severity: this.#oneOf("severity", SEVERITY),
      certainty: this.#oneOf("certainty", CERTAINTY),
      effective,
      onset: this.#optionalTime("onset"),
      expires,
      senderName: this.#text("senderName"),
      headline: this.#text("headline"),
      description: this.#text("description"),
      instruction: this.#text("instruction"),
      web: this.#text("web"),
      contact: this.#text("contact"),
      parameters: this.#values("parameter"),
      areas: this.#all("area", AREAS_MAX).map((reader) => reader.#area()),
    };
  }

  #area(): CapArea {
    return {
      description: this.#needed("areaDesc"),
      polygons: this.#texts("polygon").map((text) => this.#polygon(text)),
      circles: this.#texts("circle").map((text) => this.#circle(text)),
      geocodes: this.#values("geocode"),
    };
  }

  #polygon(text: string): readonly (readonly [number, number])[] {
    const places = text.split(/\s+/).map((pair) => this.#place("polygon", pair));
    const [first] = places;
    const last = places[places.length - 1];
    if (places.length < 4) this.#wrong("polygon", "at least four places");
    if (first?.[0] !== last?.[0] || first?.[1] !== last?.[1]) this.#wrong("polygon", "the last place is not the first");
    return places;
  }

  #circle(text: string) {
    const [centre = "", radius = "", more] = text.split(/\s+/);
    const [lat, lon] = this.#place("circle", centre);
    const radiusKm = Number(radius);
    if (more !== undefined || radius === "" || !(radiusKm >= 0 && radiusKm <= 20_038))
      this.#wrong("circle", `not "lat,lon km": ${short(text)}`);
    return { lat, lon, radiusKm };
  }

  #place(of: string, pair: string): readonly [number, number] {
    const [, lat, lon] = /^(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)$/.exec(pair) ?? [];
    if (lat === undefined || lon === undefined || Math.abs(Number(lat)) > 90 || Math.abs(Number(lon)) > 180)
      this.#wrong(of, `not a place "lat,lon" in degrees: ${short(pair)}`);
    return [Number(lat), Number(lon)];
  }

  #references(): readonly CapIdentity[] {
    const text = this.#text("references");
    if (text === undefined) return [];
    return text.split(/\s+/).map((triple) => {
      const [sender, identifier, sent, more] = triple.split(",");
      if (sender === undefined || identifier === undefined || sent === undefined || more !== undefined || !isTime(sent))
        this.#wrong("references", `not "sender,identifier,sent": ${short(triple)}`);
      return { sender: sender!, identifier: identifier!, sent: sent! };
    });
  }

  /** Pairs: as elements since CAP 1.1, as "name=value" in 1.0. */
  #values(name: string): CapValue[] {
    return this.#all(name, AREAS_MAX).map((reader) => {
      const [key, ...value] = reader.#element.text.split("=");
      if (reader.#element.children.length === 0) return { name: key!.trim(), value: value.join("=").trim() };
      return { name: reader.#text("valueName") ?? "", value: reader.#text("value") ?? "" };
    });
  }

  #all(name: string, max: number): Reader[] {
    const found = this.#element.children.filter((child) => child.name === name && child.uri === this.#element.uri);
    if (found.length > max) this.#wrong(name, `more than ${max} of them`);
    return found.map((element, index) => new Reader(element, `${this.#path}/${name}[${index}]`));
  }

  /** Empty ones are none: many senders leave them in. */
  #texts(name: string): string[] {
    return this.#all(name, AREAS_MAX).flatMap(({ text }) => (text === "" ? [] : [text]));
  }

  get text(): string {
    return this.#element.text.trim();
  }

  #text(name: string): string | undefined {
    const found = this.#all(name, AREAS_MAX);
    if (found.length > 1) this.#wrong(name, "only one is allowed");
    const text = found[0]?.text;
    return text === "" ? undefined : text;
  }

  #needed(name: string): string {
    return this.#text(name) ?? this.#wrong(name, "it is missing or empty");
  }

  /** A part of an identity: it stands in references, between commas and blanks. */
  #token(name: string): string {
    const text = this.#needed(name);
    if (/[\s,<&]/.test(text)) this.#wrong(name, "no blanks, commas, < or &");
    return text;
  }

  #time(name: string): string {
    return this.#optionalTime(name) ?? this.#wrong(name, "it is missing or empty");
  }

  #optionalTime(name: string): string | undefined {
    const text = this.#text(name);
    if (text !== undefined && !isTime(text)) this.#wrong(name, `not a time with its offset: ${short(text)}`);
    return text;
  }

  #oneOf<T extends string>(name: string, known: readonly T[]): T {
    const text = this.#needed(name);
    if (!known.includes(text as T)) this.#wrong(name, `${short(text)} is not one of ${known.join(", ")}`);
    return text as T;
  }

  #wrong(name: string, what: string): never {
    throw new Unreadable(`${this.#path}/${name}: ${what}`);
  }
}

function isTime(text: string): boolean {
  return TIME.test(text) && !Number.isNaN(Date.parse(text));
}

/** Times are compared as moments: one may be written in several ways. */
function sameIdentity(a: CapIdentity, b: CapIdentity): boolean {
  return a.sender === b.sender && a.identifier === b.identifier && Date.parse(a.sent) === Date.parse(b.sent);
}

const short = (text: string) => JSON.stringify(text.slice(0, 60));
