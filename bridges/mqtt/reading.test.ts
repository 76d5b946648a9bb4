import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Unreadable } from "../../gateways/alerts/formats/xml.ts";
import { builtInMqttTopics, mqttTopics } from "../../schema/mqtt.ts";
import { readerOf } from "./reading.ts";

const read = readerOf(builtInMqttTopics);
const bytes = (payload: unknown) => Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload));
const alarm = { type: "smoke", severity: "critical", title: "Smoke in the lift" };

describe("a message on a topic", () => {
  it("of a device in the form of the API is an alert of that device, at that site", () => {
    const said = read("fundamentum/north/hq/panel-7/alarm", bytes({ ...alarm, messageId: 17, labels: { floor: "3" } }));
    expect(said).toMatchObject({
      agency: "north",
      messageId: "17",
      content: {
        of: "alerts",
        reports: [{ ...alarm, deviceId: "panel-7", labels: { site: "hq", floor: "3" } }],
      },
    });
  });

  it("of a device that says nothing but a text takes the rest from the topic", () => {
    const said = read("tocsin/default/alarm/panel-7/smoke/high", bytes("Smoke in the lift"));
    const report = { type: "smoke", severity: "high", title: "Smoke in the lift", action: "trigger" };
    expect(said?.content).toMatchObject({ reports: [{ ...report, deviceId: "panel-7", dedupKey: "panel-7 smoke" }] });
    const over = read("tocsin/default/alarm/panel-7/smoke/resolve", bytes("All clear"));
    expect(over?.content).toMatchObject({ reports: [{ action: "resolve", dedupKey: "panel-7 smoke" }] });
  });

  it.each(["", "  ", "\n"])(
    "of a device that says nothing at all (%o) is an alert that its type has to name",
    (nothing) => {
      const said = read("tocsin/default/alarm/panel-7/smoke/high", bytes(nothing));
      expect(said?.content).toMatchObject({
        reports: [{ severity: "high", title: "smoke", dedupKey: "panel-7 smoke" }],
      });
      const over = read("tocsin/default/alarm/panel-7/smoke/resolve", bytes(nothing));
      expect(over?.content).toMatchObject({ reports: [{ action: "resolve", dedupKey: "panel-7 smoke" }] });
    },
  );

  it("of a unit is its position or its status, in JSON or as a word", () => {
    const position = { lat: 37.77, lon: -122.42 };
    expect(read("tocsin/default/units/E01/location", bytes(position))?.content).toEqual({
      of: "location",
      unit: "E01",
      body: position,
    });
    const status = { of: "status", unit: "E01", body: { status: "en_route" } };
    expect(read("tocsin/default/units/E01/status", bytes("en_route\n"))?.content).toEqual(status);
    expect(read("tocsin/default/units/E01/status", bytes({ status: "en_route" }))?.content).toEqual(status);
  });

  it("is read by what an operator says of its topic", () => {
    const mapped = readerOf(
      mqttTopics.parse([
        {
          filter: "plant/{line}/+/gas",
          as: "alert",
          agency: "north",
          payload: "text",
          mapping: { fields: { type: "=gas", severity: "=high", title: "=Line {line}" } },
        },
        {
          filter: "avl/{agency}/{unit}",
          as: "location",
          fields: { lat: "/p/0", lon: "/p/1", speedMps: "/v" },
        },
        {
          filter: "cad/{agency}",
          as: "status",
          unit: "/u",
          fields: { status: "/s" },
          statuses: { "10": "available" },
        },
      ]),
    );
    expect(mapped("plant/4/x/gas", bytes("17 ppm"))).toMatchObject({
      agency: "north",
      content: { reports: [{ type: "gas", title: "Line 4", labels: { line: "4" } }] },
    });
    expect(mapped("avl/north/E01", bytes({ p: [1, "2.5"], v: 3 }))?.content).toMatchObject({
      body: { lat: 1, lon: 2.5, speedMps: 3 },
    });
    expect(mapped("cad/north", bytes({ u: "E01", s: "10" }))?.content).toMatchObject({
      unit: "E01",
      body: { status: "available" },
    });
  });

  it("that nobody listens to is nothing", () => {
    expect(read("fundamentum/north/hq/panel-7", bytes(alarm))).toBeUndefined();
    expect(read("fundamentum/north/hq/panel-7/alarm/more", bytes(alarm))).toBeUndefined();
  });

  it.each([
    ["no JSON", "fundamentum/north/hq/p/alarm", "{"],
    ["no UTF-8", "fundamentum/north/hq/p/alarm", Buffer.from([0xff, 0xfe])],
    ["a severity that there is not", "fundamentum/north/hq/p/alarm", { ...alarm, severity: "dreadful" }],
    ["a title of blanks", "fundamentum/north/hq/p/alarm", { ...alarm, title: "  " }],
    ["an agency that cannot be one", "fundamentum/no such/hq/p/alarm", alarm],
    ["another severity in the topic", "tocsin/default/alarm/p/smoke/dreadful", "x"],
    ["too much", "tocsin/default/alarm/p/smoke/high", "x".repeat(70_000)],
    ["no unit", "tocsin/default/units//status", "available"],
  ])("with %s is refused", (_what, topic, payload) => {
    expect(() => read(topic, Buffer.isBuffer(payload) ? payload : bytes(payload))).toThrow(Unreadable);
  });

  it("is read or refused, whatever it is", () => {
    const topic = fc.oneof(
      fc.constantFrom(
        "fundamentum/a/b/c/alarm",
        "tocsin/a/alarm/d/t/high",
        "tocsin/a/units/u/location",
        "tocsin/a/units/u/status",
      ),
      fc.array(fc.string(), { maxLength: 7 }).map((levels) => levels.join("/")),
    );
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .record({
          type: fc.string(),
          severity: fc.constantFrom("high", "x"),
          title: fc.string(),
          labels: fc.jsonValue(),
        })
        .map((value) => bytes(value)),
    );
    fc.assert(
      fc.property(topic, payload, (at, what) => {
        try {
          read(at, what);
        } catch (error) {
          if (!(error instanceof Unreadable)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});
