import {
  callVolume,
  callVolumeQuery,
  responseTimes,
  responseTimesQuery,
  unitHours,
  unitHoursQuery,
} from "../reports.ts";
import { type Route, supervision } from "./route.ts";

const tag = "reports";

export const reportRoutes = {
  reportResponseTimes: {
    method: "get",
    path: "/api/v1/reports/response-times",
    summary: "How long each phase of the response took, against the time targets",
    tag,
    roles: supervision,
    query: responseTimesQuery,
    status: 200,
    csv: true,
    answer: responseTimes,
    refusals: ["archive_unavailable"],
  },
  reportUnitHours: {
    method: "get",
    path: "/api/v1/reports/unit-hours",
    summary: "Hours that units spent in each status",
    tag,
    roles: supervision,
    query: unitHoursQuery,
    status: 200,
    csv: true,
    answer: unitHours,
    refusals: ["archive_unavailable"],
  },
  reportCallVolume: {
    method: "get",
    path: "/api/v1/reports/call-volume",
    summary: "Incidents reported, by time and type",
    tag,
    roles: supervision,
    query: callVolumeQuery,
    status: 200,
    csv: true,
    answer: callVolume,
    refusals: ["archive_unavailable"],
  },
} as const satisfies Record<string, Route>;
