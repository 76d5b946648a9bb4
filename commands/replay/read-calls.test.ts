import { describe, expect, it } from "vitest";
import { SF_EXPORT_HEADERS } from "../simulate/sf-export.ts";
import { UnknownLayout } from "./layouts/layout.ts";
import { readCalls } from "./read-calls.ts";
import { pieces, sfFile, sfRow } from "./testing/rows.ts";

const read = (text: string, limit?: number) => readCalls(pieces(text), limit);
const at = (iso: string) => Date.parse(iso);

describe("San Francisco's layout", () => {
  it("reads a call, its places and times, in UTC", async () => {
    const { layout, rowCount, calls } = await read(
      sfFile(sfRow({ "Transport DtTm": "06/03/2024 01:20:00 PM", "Hospital DtTm": "06/03/2024 01:25:00 PM" })),
    );
    expect(layout).toBe("sf-fire-calls");
    expect(rowCount).toBe(1);
    expect(calls).toEqual([
      {
        key: "990010001",
        receivedAtMs: at("2024-06-03T20:00:00Z"),
        type: "structure_fire",
        category: "fire",
        priority: 2,
        title: "Structure Fire at 100 Block of MADE UP ST",
        location: { lat: 37.5, lon: -122.5 },
        address: { street: "100 Block of MADE UP ST", city: "SYNTHETIC" },
        metadata: {
          source: "sf-fire-calls",
          callNumber: "990010001",
          incidentNumber: "99000001",
          receivedAt: "2024-06-03T20:00:00.000Z",
          enteredAt: "2024-06-03T20:00:30.000Z",
          callType: "Structure Fire",
          callTypeGroup: "Alarm",
          priority: "3",
        },
        runs: [
          {
            callSign: "E91",
            capabilities: ["engine", "als"],
            sequence: 1,
            dispatchedAtMs: at("2024-06-03T20:01:00Z"),
            enRouteAtMs: at("2024-06-03T20:02:00Z"),
            onSceneAtMs: at("2024-06-03T20:05:00Z"),
            transportingAtMs: at("2024-06-03T20:20:00Z"),
            atHospitalAtMs: at("2024-06-03T20:25:00Z"),
            availableAtMs: at("2024-06-03T20:30:00Z"),
            disposition: "Fire",
          },
        ],
      },
    ]);
  });

  it("gathers a call's rows from anywhere in the file, its units in the order of dispatch", async () => {
    const { calls } = await read(
      sfFile(
        sfRow({ "Unit ID": "T91", "Dispatch DtTm": "06/03/2024 01:01:30 PM" }),
        sfRow({ "Call Number": "990010002", "Unit ID": "M91", "Received DtTm": "06/03/2024 12:59:00 PM" }),
        sfRow({ "Unit ID": "E91" }),
      ),
    );
    expect(calls.map(({ key, runs }) => [key, runs.map((run) => run.callSign)])).toEqual([
      ["990010002", ["M91"]],
      ["990010001", ["E91", "T91"]],
    ]);
  });

  it("reads today's spellings: API column names, longitude first, ISO and other times, CRLF, byte-order mark", async () => {
    const renamed = SF_EXPORT_HEADERS.map((header) => header.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_"))
      .join(",")
      .replace("neighborhooods", "neighborhoods")
      .replace(",location,", ",case_location,");
    const text = `${renamed},data_as_of\r\n${sfRow({
      "Received DtTm": "2024-06-03T13:00:00.000",
      "Entry DtTm": "2024 Jun 03 01:00:30 PM",
      "Dispatch DtTm": "2024/06/03 01:01:00 PM",
      "Response DtTm": "2024-06-03T20:02:00Z",
      "Neighborhooods - Analysis Boundaries": "Madeup Hill",
      Location: "POINT (-122.5 37.5)",
    })},x\r\n`;
    // The mark goes with the decoding of bytes.
    const { calls, badRows } = await readCalls(pieces(text, 7));
    expect(badRows.total).toBe(0);
    expect(calls[0]).toMatchObject({
      receivedAtMs: at("2024-06-03T20:00:00Z"),
      location: { lat: 37.5, lon: -122.5 },
      metadata: { enteredAt: "2024-06-03T20:00:30.000Z", neighbourhood: "Madeup Hill" },
      runs: [{ dispatchedAtMs: at("2024-06-03T20:01:00Z"), enRouteAtMs: at("2024-06-03T20:02:00Z") }],
    });
  });

  it("takes empty times, places and groups as not said", async () => {
    const { calls, badRows } = await read(
      sfFile(
        sfRow({ "Response DtTm": "", "On Scene DtTm": "", "Available DtTm": "", Location: "", "Call Type Group": "" }),
      ),
    );
    expect(badRows.total).toBe(0);
    expect(calls[0]).toMatchObject({
      location: undefined,
      runs: [{ enRouteAtMs: undefined, availableAtMs: undefined }],
    });
  });

  it("puts times that go backwards in order, and counts the row", async () => {
    const { calls, repairs } = await read(
      sfFile(sfRow({ "On Scene DtTm": "06/03/2024 01:01:30 PM", "Available DtTm": "06/03/2024 01:00:00 PM" })),
    );
    const mended = at("2024-06-03T20:02:00Z");
    expect(calls[0]?.runs[0]).toMatchObject({ enRouteAtMs: mended, onSceneAtMs: mended, availableAtMs: mended });
    expect([...repairs]).toEqual([["time_out_of_order", 1]]);
  });

  it("dispatches a unit without a dispatch time when the call was entered", async () => {
    const { calls, repairs } = await read(sfFile(sfRow({ "Dispatch DtTm": "" })));
    expect(calls[0]?.runs[0]?.dispatchedAtMs).toBe(at("2024-06-03T20:00:30Z"));
    expect([...repairs]).toEqual([["dispatch_time_missing", 1]]);
  });

  it("leaves out bad rows, counted by reason and listed by line, and keeps the rest", async () => {
    const { calls, badRows, rowCount } = await read(
      sfFile(
        sfRow({ "Received DtTm": "yesterday" }),
        sfRow({ "Received DtTm": "02/30/2024 01:00:00 PM" }),
        sfRow({ "Received DtTm": "" }),
        sfRow({ "Call Number": "" }),
        sfRow({ "Unit ID": " " }),
        sfRow({ "Call Type": "" }),
        sfRow({ Location: "(137.5, -122.5)" }),
        sfRow({ Location: "somewhere" }),
        "990010001,E91,too few",
        `${sfRow()},too many`,
        sfRow().replace("MADE UP ST", 'MADE "UP ST'),
        "",
        `"${"x".repeat(70_000)}"`,
        sfRow(),
        sfRow(),
      ),
    );
    expect(calls).toHaveLength(1);
    expect(rowCount).toBe(14);
    expect(badRows.first.map(({ lineNumber, reason }) => [lineNumber, reason])).toEqual([
      [2, "unparsable_time"],
      [3, "unparsable_time"],
      [4, "missing_time"],
      [5, "missing_id"],
      [6, "missing_id"],
      [7, "missing_type"],
      [8, "place_out_of_range"],
      [9, "unparsable_place"],
      [10, "too_few_columns"],
      [11, "too_many_columns"],
      [12, "broken_quotes"],
      [14, "line_too_long"],
      [16, "duplicate_row"],
    ]);
    expect(badRows.byReason.get("unparsable_time")).toBe(2);
  });

  it("lists twenty bad rows and counts them all", async () => {
    const { badRows } = await read(sfFile(...Array.from({ length: 50 }, () => "x")));
    expect(badRows.total).toBe(50);
    expect(badRows.first).toHaveLength(20);
  });

  it("keeps the earliest calls up to the limit, with all of their rows", async () => {
    const rows = Array.from({ length: 3_000 }, (_, index) => {
      const minutes = (index * 7_919) % 1_440;
      const time = `06/03/2024 ${String(Math.floor(minutes / 60) % 12 || 12)}:${String(minutes % 60).padStart(2, "0")}:00 ${minutes < 720 ? "AM" : "PM"}`;
      return [
        sfRow({ "Call Number": String(index), "Received DtTm": time }),
        sfRow({ "Call Number": String(index), "Received DtTm": time, "Unit ID": "T91" }),
      ];
    });
    const all = await read(sfFile(...rows.flat()));
    const few = await read(sfFile(...rows.flat()), 5);
    expect(few.calls).toEqual(all.calls.slice(0, 5));
    expect(few.calls.every((call) => call.runs.length === 2)).toBe(true);
  });
});

describe("Montgomery's layout", () => {
  const file = (...rows: readonly string[]) =>
    `${["lat,lng,desc,zip,title,timeStamp,twp,addr,e", ...rows].join("\n")}\n`;
  const row =
    "40.1,-75.3,A ST & B ST; NOWHERE; Station 399A; 2016-02-15 @ 00:10:00;,00000,EMS: FALL VICTIM,2016-02-15 00:17:01,NOWHERE,A ST & B ST,1";

  it("reads a call with its station, in UTC", async () => {
    const { layout, calls } = await read(file(row));
    expect(layout).toBe("montco-911");
    expect(calls[0]).toMatchObject({
      receivedAtMs: at("2016-02-15T05:17:01Z"),
      type: "fall_victim",
      category: "medical",
      priority: undefined,
      title: "FALL VICTIM at A ST & B ST",
      location: { lat: 40.1, lon: -75.3 },
      address: { street: "A ST & B ST", city: "NOWHERE", postalCode: "00000" },
      metadata: { source: "montco-911", enteredAt: "2016-02-15T05:10:00.000Z" },
      runs: [{ callSign: "STA 399A", dispatchedAtMs: at("2016-02-15T05:17:01Z"), availableAtMs: undefined }],
    });
  });

  it.each([
    ["X ST; NOWHERE; 2016-02-15 @ 00:18:44-Station:STA99;", "Fire: FIRE ALARM", "fire_alarm", "fire", "STA 99"],
    ["X ST; NOWHERE; 2016-02-15 @ 00:18:44;", "Traffic: VEHICLE ACCIDENT -", "vehicle_accident", "traffic", undefined],
    [
      "X ST; NOWHERE; Station 3A99; 2016-02-15 @ 00:18:44;",
      "Fire: GAS-ODOR/LEAK",
      "gas_odor_leak",
      "hazmat",
      "STA 3A99",
    ],
    [
      "X ST & STATION AVE; NOWHERE; 2016-02-15 @ 00:18:44;",
      "Fire: RESCUE - WATER",
      "rescue_water",
      "rescue",
      undefined,
    ],
  ])("%s %s", async (desc, title, type, category, callSign) => {
    const { calls } = await read(file(`40.1,-75.3,${desc},,${title},2016-02-15 00:22:00,,,1`));
    expect(calls[0]).toMatchObject({ type, category });
    expect(calls[0]?.runs.map((run) => run.callSign)).toEqual(callSign === undefined ? [] : [callSign]);
  });

  it("leaves out rows without time, reason or possible place", async () => {
    const { badRows } = await read(
      file(
        "91,-75,d,,EMS: FALL VICTIM,2016-02-15 00:22:00,,,1",
        "x,-75,d,,EMS: FALL VICTIM,2016-02-15 00:22:00,,,1",
        "40,-75,d,,EMS:,2016-02-15 00:22:00,,,1",
        "40,-75,d,,EMS: FALL VICTIM,,,,1",
        "40,-75,d,,EMS: FALL VICTIM,2016-13-15 00:22:00,,,1",
      ),
    );
    expect([...badRows.byReason.keys()]).toEqual([
      "place_out_of_range",
      "unparsable_place",
      "missing_type",
      "missing_time",
      "unparsable_time",
    ]);
  });
});

describe("a file that is something else", () => {
  it("is refused by naming the layouts known and the columns missing", async () => {
    const error = await read("Call Number,Unit ID,Call Type\n1,2,3\n").catch((thrown: Error) => thrown);
    expect(error).toBeInstanceOf(UnknownLayout);
    expect((error as Error).message).toContain("sf-fire-calls");
    expect((error as Error).message).toContain(
      "missing: Received DtTm, Dispatch DtTm, Response DtTm, On Scene DtTm, Available DtTm",
    );
    expect((error as Error).message).toContain("missing: lat, lng, desc, title, timeStamp");
  });

  it.each([
    ["", "no line"],
    ["\n \n", "no line"],
    ['{"a": 1}\n', "not CSV"],
    ["hello\n", "none of the layouts"],
  ])("%j: %s", async (text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});
