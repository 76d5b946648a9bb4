import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { registry } from "../../actors/registry.ts";
import { applyEntry, blankImage, type Image } from "../../runtime/image.ts";
import type { JournalEntry } from "../../runtime/ports/index.ts";
import { addressOfEvents } from "../../schema/subjects.ts";

/** Journals as they were written by each version of the envelope: what was once kept can be read for ever. */
const folder = new URL("./", import.meta.url);
const journals = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));

/** What states have gained since, as it is for whom no journal tells anything of it. Nothing may be lost or altered. */
const addedSince: Readonly<Record<string, object>> = {
  agency: { sections: { positionLimits: [] } },
  alertkey: { before: null, openedAt: [] },
  resource: {
    category: null,
    station: null,
    home: null,
    minimumCrew: 0,
    carrier: null,
    aboard: [],
    shift: null,
    statusCode: null,
    statusWarnAfterMs: null,
    statusOverdue: false,
    retiredAt: null,
  },
  incident: {
    policy: null,
    alarmLevel: 1,
    atRisk: [],
    mergedIntoId: null,
    duplicates: [],
    links: [],
    sharedWith: [],
    escalatedSince: null,
  },
};

/** What was there, and what it has gained, on any level. */
function withAll(gained: object, known: object): Record<string, unknown> {
  const all: Record<string, unknown> = { ...gained, ...known };
  for (const [name, value] of Object.entries(gained)) {
    const was = (known as Record<string, unknown>)[name];
    if (isRecord(value) && isRecord(was)) all[name] = withAll(value, was);
  }
  return all;
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What has left the states since, because it is no state: positions are telemetry now. */
const goneSince: Readonly<Record<string, readonly string[]>> = { resource: ["lastReport"], incident: [] };

describe("journals of old", () => {
  it.each(journals)("replay to the very states they led to when they were written: %s", (name) => {
    const lines = readFileSync(new URL(name, folder), "utf8").trim().split("\n");
    const images = new Map<string, Image>();
    for (const line of lines) {
      const entry = JSON.parse(line) as JournalEntry;
      const address = addressOfEvents(entry.subject)!;
      const definition = registry.get(address.kind)!;
      const key = `${address.kind}.${address.id}`;
      images.set(key, applyEntry(definition, images.get(key) ?? blankImage(definition), entry));
    }
    const then: Record<string, Pick<Image, "state" | "version" | "hash">> = JSON.parse(
      readFileSync(new URL(name.replace(".jsonl", ".states.json"), folder), "utf8"),
    );
    for (const [key, { state, version, hash }] of images) {
      const known = then[key]!;
      const kind = key.split(".")[0]!;
      const expected: Record<string, unknown> = withAll(addedSince[kind] ?? {}, known.state as object);
      for (const field of goneSince[kind] ?? []) delete expected[field];
      expect({ key, state, version, hash }).toEqual({ key, ...known, state: expected });
    }
    expect([...images.keys()].sort()).toEqual(Object.keys(then).sort());
  });
});
