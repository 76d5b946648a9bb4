import { stringify } from "csv-stringify/sync";
import type { z } from "zod";
import { type Archive, ArchiveUnavailable } from "../../../runtime/archive.ts";
import type { alertReportsQuery } from "../../../schema/alert.ts";
import type { callVolumeQuery, ReportName, responseTimesQuery, unitHoursQuery } from "../../../schema/reports.ts";
import type { trackQuery } from "../../../schema/resource.ts";
import type { reportRoutes } from "../../../schema/routes/reports.ts";
import { spanOf } from "../../../schema/span.ts";
import type { Address } from "../../../schema/subjects.ts";
import type { Answer } from "../exchange.ts";
import { ProblemError } from "../problem.ts";
import type { Call, Handler, Services } from "./call.ts";

/** @throws ArchiveUnavailable where there is none */
export function archiveOf({ archive }: Services): Archive {
  if (archive === undefined) throw new ArchiveUnavailable("this server runs without an archive");
  return archive;
}

/** Where a resource that the caller may see has been. */
export async function track(services: Services, { query }: Call, { id }: Address): Promise<Answer> {
  const { limit, cursor, resolution, refused, ...given }: z.infer<typeof trackQuery> = query;
  const points = await archiveOf(services).track({
    resourceId: id,
    ...spanOf(given, services.ports.clock.now()),
    resolutionSeconds: resolution,
    refused: refused === "true",
    after: cursor,
    limit: limit + 1,
  });
  const page = points.slice(0, limit);
  const next = points.length > limit ? page[page.length - 1]!.cursor : null;
  return { status: 200, body: JSON.stringify({ items: page.map(({ cursor: _cursor, ...point }) => point), next }) };
}

/** What was reported of an alert that the caller may see. */
export async function alertReports(services: Services, { query }: Call, { id }: Address): Promise<Answer> {
  const { limit, cursor }: z.infer<typeof alertReportsQuery> = query;
  const rows = await archiveOf(services).alertReports({ alertId: id, after: Number(cursor ?? 0), limit: limit + 1 });
  const items = rows.slice(0, limit).map((row) => ({
    sequence: row.sequence,
    at: row.at.toISOString(),
    urgent: row.lane === "urgent",
    action: row.action,
    source: row.source,
    by: row.sent_by,
    requestId: row.request_id,
    dedupKey: row.dedup_key,
    content: row.content === null ? null : JSON.parse(row.content),
    raw: row.raw,
  }));
  const next = rows.length > limit ? String(items[items.length - 1]!.sequence) : null;
  return { status: 200, body: JSON.stringify({ items, next }) };
}

type AnyReportQuery = z.infer<typeof responseTimesQuery | typeof unitHoursQuery | typeof callVolumeQuery>;

function report(name: ReportName): Handler {
  return async (services, { query, principal }) => {
    const { agencyId, by, format, ...given }: AnyReportQuery = query;
    if (agencyId !== undefined && !principal.agencies.includes(agencyId)) {
      throw new ProblemError("forbidden", `this principal may not ask about agency ${agencyId}`);
    }
    const span = spanOf(given, services.ports.clock.now());
    const agencies = agencyId === undefined ? principal.agencies : [agencyId];
    const items = await archiveOf(services).report(name, { agencies, ...span, by });
    if (format === "json") return { status: 200, body: JSON.stringify({ ...span, items }) };
    const body = stringify([...items], {
      header: true,
      columns: [...COLUMNS[name]],
      // A call sign such as =HYPERLINK(…) must not be run by the spreadsheet that opens it.
      escape_formulas: true,
      cast: { date: (date) => date.toISOString() },
    });
    const headers = { "content-disposition": `attachment; filename="${FILES[name]}.csv"` };
    return { status: 200, headers, body, contentType: "text/csv; charset=utf-8" };
  };
}

const COLUMNS: Readonly<Record<ReportName, readonly string[]>> = {
  responseTimes: ["group", "phase", "count", "p50Ms", "p90Ms", "p95Ms", "targetMs", "withinTarget"],
  unitHours: ["resourceId", "callSign", "type", "status", "hours"],
  callVolume: ["start", "type", "count"],
};
const FILES: Readonly<Record<ReportName, string>> = {
  responseTimes: "response-times",
  unitHours: "unit-hours",
  callVolume: "call-volume",
};

export const reportHandlers: Readonly<Record<keyof typeof reportRoutes, Handler>> = {
  reportResponseTimes: report("responseTimes"),
  reportUnitHours: report("unitHours"),
  reportCallVolume: report("callVolume"),
};
