import { describe, expect, it } from "vitest";
import { alertmanagerReports } from "./alertmanager.ts";
import { capReports } from "./cap-reports.ts";
import { mappedReports } from "./mapped.ts";

const byAlertmanager = (summary: string, alertname = "RadioDown") =>
  alertmanagerReports({ alerts: [{ labels: { alertname }, annotations: { summary } }] })[0]?.content?.title;
const byCap = (headline: string, event = "Wind") =>
  capReports(
    Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>i1</identifier><sender>s@x</sender>
<sent>2026-01-01T00:00:00-00:00</sent><status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
<info><category>Met</category><event>${event}</event><urgency>Immediate</urgency><severity>Severe</severity>
<certainty>Likely</certainty><headline>${headline}</headline></info></alert>`),
  )[0]?.content?.title;
const byMapping = (msg: unknown, more: object = {}) =>
  mappedReports(
    { kind: "gas", level: "high", msg, ...more },
    { fields: { type: "/kind", severity: "/level", title: "/msg", action: "/state", dedupKey: "/key" } },
  )[0];

describe("an alert of which nobody can be asked again", () => {
  it.each(["", "  ", "\n", "\u200b"])("is called by what it is where its sender says %o of it", (title) => {
    expect(byAlertmanager(title)).toBe("RadioDown");
    expect(byCap(title)).toBe("Wind");
    expect(byMapping(title)?.title).toBe("gas");
  });

  it("is called by its type where there is nothing at all", () => {
    expect(byAlertmanager(" ", " ")).toBe("alert");
    expect(byCap("\u200b", "\u200b")).toBe("i1");
    expect(byMapping(undefined)?.title).toBe("gas");
  });

  it("ends though its sender leaves blanks in the rest", () => {
    const over = byMapping(" ", { state: "resolve", key: "k", kind: "", level: "" });
    expect(over).toEqual({ action: "resolve", dedupKey: "k" });
  });

  it("keeps a title as it was said", () => {
    expect(byAlertmanager(" Radio is down ")).toBe(" Radio is down ");
    expect(byMapping(" Gas ")?.title).toBe(" Gas ");
  });
});
