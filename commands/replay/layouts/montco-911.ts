import { badRow } from "../records.ts";
import type { Layout } from "./layout.ts";
import { localTimeReader } from "./local-time.ts";
import { readPlace } from "./place.ts";
import { compact, slug, titleOf, utc } from "./text.ts";
import { Timeline, UnparsableTime } from "./timeline.ts";

/** The county's wall clock; the file has no offsets. */
const readLocalTime = localTimeReader("America/New_York");

const CATEGORY_BY_SERVICE: Readonly<Record<string, string>> = { ems: "medical", fire: "fire", traffic: "traffic" };

/** What a fire company does that is not putting out fires. */
const CATEGORY_OF_FIRE_REASON: readonly (readonly [RegExp, string])[] = [
  [/^RESCUE/, "rescue"],
  [/GAS-ODOR|HAZARDOUS MATERIALS|CARBON MONOXIDE|LEAKING FUEL|FLUIDS/, "hazmat"],
];

/** "; Station 308A;" of an ambulance, "-Station:STA27;" of a fire company; but not "STATION AVE". */
const STATION = /[;-] *Station[ :]+(?:STA ?)?([A-Z0-9]{1,12});/;
const ENTERED = /(\d{4}-\d{2}-\d{2}) @ (\d{2}:\d{2}:\d{2})/;

function categoryOf(service: string, reason: string): string {
  const category = CATEGORY_BY_SERVICE[service.toLowerCase()] ?? "service";
  if (category !== "fire") return category;
  return CATEGORY_OF_FIRE_REASON.find(([pattern]) => pattern.test(reason))?.[1] ?? category;
}

/** One row for each call, with the station sent where the record names one; the record says nothing of what came after. */
export const montco911: Layout = {
  name: "montco-911",
  title: "Montgomery County, Pennsylvania, Emergency 911 Calls",
  columns: {
    lat: { names: ["lat"], required: true },
    lng: { names: ["lng", "lon"], required: true },
    desc: { names: ["desc"], required: true },
    zip: { names: ["zip"], required: false },
    title: { names: ["title"], required: true },
    timeStamp: { names: ["timeStamp"], required: true },
    twp: { names: ["twp"], required: false },
    addr: { names: ["addr"], required: false },
  },
  read(cell, lineNumber) {
    const [service = "", ...rest] = cell("title").split(":");
    const reason = rest.join(":").replace(/ -$/, "").trim();
    if (slug(reason) === "") return badRow("missing_type", `title: "${cell("title").slice(0, 60)}"`);
    const place = readPlace(cell("lat"), cell("lng"));
    if (place && "wrong" in place) return badRow(place.wrong, `${cell("lat")}, ${cell("lng")}`.slice(0, 80));

    const timeline = new Timeline(readLocalTime);
    try {
      const receivedAtMs = timeline.next("timeStamp", cell("timeStamp"));
      if (receivedAtMs === undefined) return badRow("missing_time", "timeStamp is empty");
      const [, date, time] = ENTERED.exec(cell("desc")) ?? [];
      const enteredAtMs = date && time ? timeline.aside("desc", `${date} ${time}`) : undefined;
      const station = STATION.exec(cell("desc"))?.[1];
      return {
        ok: true,
        call: {
          // The file has no ids; a row is a call.
          key: `line-${String(lineNumber).padStart(9, "0")}`,
          receivedAtMs,
          type: slug(reason),
          category: categoryOf(service, reason),
          priority: undefined,
          title: titleOf(reason, cell("addr")),
          location: place,
          address: compact({ street: cell("addr"), city: cell("twp"), postalCode: cell("zip") }),
          metadata: compact({
            source: "montco-911",
            receivedAt: utc(receivedAtMs),
            enteredAt: enteredAtMs === undefined ? undefined : utc(enteredAtMs),
            callType: cell("title"),
            description: cell("desc"),
          }),
        },
        run: station === undefined ? undefined : stationRun(station, receivedAtMs),
        repairs: [...timeline.repairs],
      };
    } catch (error) {
      if (error instanceof UnparsableTime) return badRow("unparsable_time", error.message);
      throw error;
    }
  },
};

function stationRun(station: string, dispatchedAtMs: number) {
  return {
    callSign: `STA ${station}`,
    capabilities: [],
    sequence: 1,
    dispatchedAtMs,
    enRouteAtMs: undefined,
    onSceneAtMs: undefined,
    transportingAtMs: undefined,
    atHospitalAtMs: undefined,
    availableAtMs: undefined,
    disposition: undefined,
  };
}
