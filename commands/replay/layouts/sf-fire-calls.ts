import type { CallHead, RowRead, UnitRun } from "../records.ts";
import { badRow } from "../records.ts";
import type { Column, Layout } from "./layout.ts";
import { localTimeReader } from "./local-time.ts";
import { readPoint } from "./place.ts";
import { categoryOf, priorityOf } from "./sf-codes.ts";
import { compact, slug, titleOf, utc } from "./text.ts";
import { Timeline, UnparsableTime } from "./timeline.ts";

/** The city's wall clock; the export has no offsets. */
const readLocalTime = localTimeReader("America/Los_Angeles");

/** Longest call sign that the API takes. */
const CALL_SIGN_LENGTH_MAX = 32;

const required = (...names: string[]): Column => ({ names, required: true });
const optional = (...names: string[]): Column => ({ names, required: false });

/** In the order of the export. */
const columns = {
  callNumber: required("Call Number"),
  unitId: required("Unit ID"),
  incidentNumber: optional("Incident Number"),
  callType: required("Call Type"),
  received: required("Received DtTm", "Received Timestamp"),
  entry: optional("Entry DtTm", "Entry Timestamp"),
  dispatch: required("Dispatch DtTm", "Dispatch Timestamp"),
  response: required("Response DtTm", "Response Timestamp"),
  onScene: required("On Scene DtTm", "On Scene Timestamp"),
  transport: optional("Transport DtTm", "Transport Timestamp"),
  hospital: optional("Hospital DtTm", "Hospital Timestamp"),
  disposition: optional("Call Final Disposition"),
  available: required("Available DtTm", "Available Timestamp"),
  address: optional("Address"),
  city: optional("City"),
  zip: optional("Zipcode of Incident", "Zipcode"),
  battalion: optional("Battalion"),
  stationArea: optional("Station Area"),
  box: optional("Box"),
  originalPriority: optional("Original Priority"),
  priority: optional("Priority"),
  finalPriority: optional("Final Priority"),
  als: optional("ALS Unit"),
  group: optional("Call Type Group"),
  alarms: optional("Number of Alarms"),
  unitType: optional("Unit Type"),
  sequence: optional("Unit sequence in call dispatch"),
  firePreventionDistrict: optional("Fire Prevention District"),
  supervisorDistrict: optional("Supervisor District"),
  neighbourhood: optional(
    "Neighborhooods - Analysis Boundaries",
    "Neighborhoods - Analysis Boundaries",
    "Analysis Neighborhoods",
  ),
  place: optional("Location", "case_location"),
} satisfies Record<string, Column>;

type Cell = (column: keyof typeof columns) => string;

function readHead(cell: Cell, receivedAtMs: number, enteredAtMs: number | undefined): CallHead | RowRead {
  const place = readPoint(cell("place"));
  if (place && "wrong" in place) return badRow(place.wrong, cell("place").slice(0, 80));
  const type = slug(cell("callType"));
  const group = slug(cell("group"));
  return {
    key: cell("callNumber"),
    receivedAtMs,
    type,
    category: categoryOf(type, group),
    priority: priorityOf([cell("priority"), cell("finalPriority"), cell("originalPriority")], group),
    title: titleOf(cell("callType"), cell("address")),
    location: place,
    address: compact({ street: cell("address"), city: cell("city"), postalCode: cell("zip") }),
    metadata: compact({
      source: "sf-fire-calls",
      callNumber: cell("callNumber"),
      incidentNumber: cell("incidentNumber"),
      receivedAt: utc(receivedAtMs),
      enteredAt: enteredAtMs === undefined ? undefined : utc(enteredAtMs),
      callType: cell("callType"),
      callTypeGroup: cell("group"),
      originalPriority: cell("originalPriority"),
      priority: cell("priority"),
      finalPriority: cell("finalPriority"),
      alarms: cell("alarms"),
      battalion: cell("battalion"),
      stationArea: cell("stationArea"),
      box: cell("box"),
      firePreventionDistrict: cell("firePreventionDistrict"),
      supervisorDistrict: cell("supervisorDistrict"),
      neighbourhood: cell("neighbourhood"),
    }),
  };
}

function capabilitiesOf(cell: Cell): string[] {
  const found = [slug(cell("unitType"))];
  if (cell("als").toLowerCase() === "true") found.push("als");
  return found.filter((capability) => capability !== "");
}

function readTimes(cell: Cell): RowRead {
  const timeline = new Timeline(readLocalTime);
  const receivedAtMs = timeline.next("Received", cell("received"));
  if (receivedAtMs === undefined) return badRow("missing_time", "Received DtTm is empty");
  const enteredAtMs = timeline.aside("Entry", cell("entry"));
  const head = readHead(cell, receivedAtMs, enteredAtMs);
  if ("ok" in head) return head;

  if (cell("dispatch") === "") timeline.repairs.add("dispatch_time_missing");
  const run: UnitRun = {
    callSign: cell("unitId"),
    capabilities: capabilitiesOf(cell),
    sequence: Number.parseInt(cell("sequence"), 10) || 1,
    dispatchedAtMs: timeline.next("Dispatch", cell("dispatch") || cell("entry") || cell("received")) ?? receivedAtMs,
    enRouteAtMs: timeline.next("Response", cell("response")),
    onSceneAtMs: timeline.next("On Scene", cell("onScene")),
    transportingAtMs: timeline.next("Transport", cell("transport")),
    atHospitalAtMs: timeline.next("Hospital", cell("hospital")),
    availableAtMs: timeline.next("Available", cell("available")),
    disposition: cell("disposition") || undefined,
  };
  return { ok: true, call: head, run, repairs: [...timeline.repairs] };
}

/** One row for each unit sent to a call. */
export const sfFireCalls: Layout = {
  name: "sf-fire-calls",
  title: "DataSF, San Francisco, Fire Department Calls for Service",
  columns,
  read(cell: Cell) {
    if (cell("callNumber") === "") return badRow("missing_id", "Call Number is empty");
    if (cell("unitId") === "") return badRow("missing_id", "Unit ID is empty");
    if (cell("unitId").length > CALL_SIGN_LENGTH_MAX)
      return badRow("missing_id", "Unit ID is too long for a call sign");
    if (slug(cell("callType")) === "") return badRow("missing_type", "Call Type is empty");
    try {
      return readTimes(cell);
    } catch (error) {
      if (error instanceof UnparsableTime) return badRow("unparsable_time", error.message);
      throw error;
    }
  },
};
