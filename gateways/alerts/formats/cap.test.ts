import { existsSync, readdirSync, readFileSync } from "node:fs";
import { XMLParser } from "fast-xml-parser";
import { describe, expect, it } from "vitest";
import { sharedData } from "../../../test/support/shared-data.ts";
import { type CapAlert, type CapInfo, capAlertsOf } from "./cap.ts";
import { capReports } from "./cap-reports.ts";

const DATA = `${sharedData}/cap`;
const filesOf = (...folders: string[]) =>
  folders.flatMap((folder) =>
    existsSync(`${DATA}/${folder}`) ? readdirSync(`${DATA}/${folder}`).map((name) => `${folder}/${name}`) : [],
  );
const valid = [...filesOf("oasis-examples", "real", "naad-samples"), "feeds/us-nws-2012.atom"];

type Node = Readonly<Record<string, unknown>>;
const listOf = (value: unknown): Node[] =>
  value === undefined ? [] : ((Array.isArray(value) ? value : [value]) as Node[]);

/** What another library reads: neither its parser nor its tree is ours. */
function asOthersRead(file: string): Node[] {
  const bytes = readFileSync(`${DATA}/${file}`);
  const text = bytes.toString(/encoding=["']iso-8859-1/i.test(bytes.toString("latin1", 0, 200)) ? "latin1" : "utf8");
  const parser = new XMLParser({
    ...{ ignoreAttributes: true, removeNSPrefix: true, parseTagValue: false, trimValues: true },
    isArray: () => false,
  });
  const { "?xml": _xml, ...document } = parser.parse(text) as Node;
  const found: Node[] = [];
  const look = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [name, child] of Object.entries(node)) {
      for (const one of Array.isArray(child) ? child : [child]) {
        if (name === "alert" && typeof one === "object") found.push(one as Node);
        else look(one);
      }
    }
  };
  look(document);
  return found;
}

const textIn = (value: unknown) =>
  value === undefined || value === "" ? undefined : String(value).trim() || undefined;
const textsIn = (value: unknown) => listOf(value).flatMap((one) => textIn(one) ?? []);
const numbersIn = (text: string) =>
  text
    .trim()
    .split(/[\s,]+/)
    .map(Number);

describe.skipIf(!existsSync(DATA))(
  "CAP alerts as they were issued (skipped where the examples are not at hand)",
  () => {
    it.each(valid)("%s is read to the values in it", (file) => {
      const ours = capAlertsOf(readFileSync(`${DATA}/${file}`));
      const others = asOthersRead(file);
      expect(ours.length).toBe(others.length);
      expect(ours.length).toBeGreaterThan(0);
      for (const [index, alert] of ours.entries()) compare(alert, others[index]!);
    });

    function compare(alert: CapAlert, other: Node) {
      for (const field of ["identifier", "sender", "sent", "status", "msgType", "scope", "note"] as const)
        expect(alert[field], field).toBe(textIn(other[field]));
      const references = textIn(other["references"])?.split(/\s+/) ?? [];
      expect(alert.references.map(({ sender, identifier, sent }) => `${sender},${identifier},${sent}`)).toEqual(
        references,
      );
      const infos = listOf(other["info"]);
      expect(alert.infos.length).toBe(infos.length);
      for (const [index, info] of alert.infos.entries()) compareInfo(info, infos[index]!);
    }

    function compareInfo(info: CapInfo, other: Node) {
      for (const field of ["event", "urgency", "severity", "certainty", "effective", "onset", "expires"] as const)
        expect(info[field], field).toBe(textIn(other[field]));
      for (const field of ["senderName", "headline", "description", "instruction", "web", "contact"] as const)
        expect(info[field], field).toBe(textIn(other[field]));
      expect(info.language).toBe(textIn(other["language"]) ?? "en-US");
      expect(info.categories).toEqual(textsIn(other["category"]));
      expect(info.responseTypes).toEqual(textsIn(other["responseType"]));
      expect(info.parameters.length).toBe(listOf(other["parameter"]).length);
      const areas = listOf(other["area"]);
      expect(info.areas.length).toBe(areas.length);
      for (const [index, area] of info.areas.entries()) {
        const { areaDesc, polygon, circle, geocode } = areas[index]!;
        expect(area.description).toBe(textIn(areaDesc));
        expect(area.polygons.map((ring) => ring.flat())).toEqual(textsIn(polygon).map(numbersIn));
        expect(area.circles.map(({ lat, lon, radiusKm }) => [lat, lon, radiusKm])).toEqual(
          textsIn(circle).map(numbersIn),
        );
        const codes = listOf(geocode).map((one) =>
          typeof one === "string"
            ? (one as string).trim().split("=")
            : [textIn(one["valueName"]), textIn(one["value"])],
        );
        expect(area.geocodes.map(({ name, value }) => [name, value])).toEqual(codes);
      }
    }

    it("in several languages make one report, with the worst of their severities and an area once", () => {
      const [report, ...more] = capReports(readFileSync(`${DATA}/real/canada-naad-2019-en-fr.xml`));
      expect(more).toEqual([]);
      expect(report?.content?.labels["language"]).toBe("en-CA");
      expect(report?.content?.details["otherLanguages"]).toMatchObject([{ language: "fr-CA" }]);
    });

    it("with a ring of 41,009 places keep its box, and say so", () => {
      const [report] = capReports(readFileSync(`${DATA}/real/burkina-faso-2024-signed-882kB.xml`));
      const [area] = report!.content!.areas;
      expect(area).toMatchObject({ simplified: true });
      expect(area!.rings[0]).toHaveLength(5);
      expect(JSON.stringify(report).length).toBeLessThan(20_000);
    });

    // Signatures are not looked at: who sends is known by the source's credential.
    const refused = filesOf("invalid").filter(
      (file) => !/sc_(?:invalid_(?:signature|digest|certificate)|no_signature)/.test(file),
    );
    it.each([...refused, "feeds/ny-index.rss", "feeds/us-nws-empty-index.atom", "feeds/us-nws-index-2010.atom"])(
      "%s is refused, with the reason",
      (file) => {
        expect(() => capAlertsOf(readFileSync(`${DATA}/${file}`))).toThrow(
          /DOCTYPE|no CAP alert|missing or empty|needed by|bytes that are not|well-formed/,
        );
      },
    );
  },
);

const alert = (more = "", info = "") => `<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>i1</identifier><sender>s@x</sender>
<sent>2026-01-01T00:00:00-00:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>${more}
<info><category>Met</category><event>Wind</event><urgency>Immediate</urgency><severity>Severe</severity>
<certainty>Likely</certainty>${info}</info></alert>`;
const read = (text: string) => capAlertsOf(new TextEncoder().encode(text));
const areaOf = (shape: string) => alert("", `<area><areaDesc>a</areaDesc>${shape}</area>`);

describe("a CAP document", () => {
  it("of the plainest kind is read", () => {
    expect(read(alert())).toMatchObject([{ identifier: "i1", infos: [{ event: "Wind", severity: "Severe" }] }]);
  });

  it.each([
    ["an entity bomb", `<!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y "&x;&x;">]>${alert().slice(38)}`, /DOCTYPE/],
    ["an entity that nobody declared", alert("<note>&boom;</note>"), /undefined entity|well-formed/i],
    ["deep nesting", alert("<x>".repeat(5_000) + "</x>".repeat(5_000)), /levels deep/],
    ["too many elements", alert("<x/>".repeat(60_000)), /more than 50000 elements/],
    ["an encoding that we do not read", alert().replace("UTF-8", "UTF-7"), /encoding utf-7/],
    ["one that breaks off", alert().slice(0, -12), /well-formed/],
    ["nothing", "", /no CAP alert|well-formed/],
    ["JSON", "{}", /well-formed/],
    ["two identifiers", alert("<identifier>i2</identifier>"), /identifier: only one/],
    ["a sender with a blank", alert().replace("s@x", "s x"), /sender: no blanks/],
    ["a time without an offset", alert().replace("00-00:00", "00"), /sent: not a time/],
    ["a status that there is not", alert().replace("Actual", "Real"), /status: .* is not one of/],
    ["an Update of nothing", alert().replace(">Alert<", ">Update<"), /references: needed by Update/],
    [
      "a Cancel of itself",
      alert("<references>s@x,i1,2026-01-01T01:00:00+01:00</references>").replace(">Alert<", ">Cancel<"),
      /refers to itself/,
    ],
    ["a reference of two parts", alert("<references>s@x,i0</references>"), /references: not/],
    [
      "an end before its beginning",
      alert("", "<expires>2025-12-31T00:00:00-00:00</expires>"),
      /over .* before it begins/,
    ],
    ["a ring that does not close", areaOf("<polygon>1,1 1,2 2,2 2,1</polygon>"), /last place is not the first/],
    ["a ring of two places", areaOf("<polygon>1,1 1,1</polygon>"), /at least four/],
    ["a place beyond the pole", areaOf("<polygon>91,1 1,2 2,2 91,1</polygon>"), /not a place/],
    ["a circle without a radius", areaOf("<circle>1,1</circle>"), /not "lat,lon km"/],
  ])("with %s is refused", (_what, text, why) => {
    expect(() => read(text)).toThrow(why);
  });

  it("in bytes that are not what it says is refused", () => {
    const bytes = Buffer.from(alert("<note>\u00e9</note>"), "latin1");
    expect(() => capAlertsOf(bytes)).toThrow(/bytes that are not/);
    expect(
      capAlertsOf(Buffer.from(alert("<note>\u00e9</note>").replace("UTF-8", "ISO-8859-1"), "latin1"))[0]!.note,
    ).toBe("\u00e9");
    const wide = Buffer.from(`\ufeff${alert("<note>\u00e9</note>").replace("UTF-8", "UTF-16")}`, "utf16le");
    expect(capAlertsOf(wide)[0]!.note).toBe("\u00e9");
  });
});
