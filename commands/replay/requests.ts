import type { ApiRequest } from "./api-client.ts";
import type { Step } from "./plan.ts";
import type { CallRecord, UnitRun } from "./records.ts";

/** More units than this are not written into the metadata, which the API bounds. */
const UNITS_IN_METADATA_MAX = 100;

const NO_UNIT_NAMED = "the record names no unit and no outcome";
const NO_UNIT_ASSIGNED = "no unit of the record could be assigned";

const utc = (ms: number) => new Date(ms).toISOString();

/** The API keeps its own times; what the record says goes with it in words, so that the timeline shows both. */
function recordedAt(atMs: number, hospitalAtMs?: number): string {
  return `recorded at ${utc(atMs)}${hospitalAtMs === undefined ? "" : `, at hospital ${utc(hospitalAtMs)}`}`;
}

function createBody(call: CallRecord) {
  const dispatchedAt = call.runs.slice(0, UNITS_IN_METADATA_MAX).map((run) => [run.callSign, utc(run.dispatchedAtMs)]);
  return {
    type: call.type,
    category: call.category,
    title: call.title,
    ...(call.priority !== undefined && { priority: call.priority }),
    ...(call.location && { location: call.location }),
    ...(Object.keys(call.address).length > 0 && { address: call.address }),
    metadata: { ...call.metadata, ...(dispatchedAt.length > 0 && { dispatchedAt: Object.fromEntries(dispatchedAt) }) },
  };
}

/**
 * How the call ended. Units that were turned back often say "Other": the last unit to come free that says more decides.
 * @returns "unknown" where no unit says anything
 */
export function dispositionOf(runs: readonly UnitRun[]): string {
  const latestFirst = runs.toSorted((a, b) => (b.availableAtMs ?? 0) - (a.availableAtMs ?? 0));
  const said = latestFirst.map((run) => run.disposition).filter((disposition) => disposition !== undefined);
  return said.find((disposition) => disposition.toLowerCase() !== "other") ?? said[0] ?? "unknown";
}

/** The ids that the server gave, for one step. */
export interface StepIds {
  /** Undefined for the step that creates it. */
  readonly incidentId: string | undefined;
  /** Undefined for a step about no unit. */
  readonly unitId: string | undefined;
}

/** The request that carries a step out. */
export function requestOf(
  step: Step,
  call: CallRecord,
  { incidentId, unitId }: StepIds,
): Omit<ApiRequest, "idempotencyKey"> {
  const incident = `/api/v1/incidents/${incidentId}`;
  const unitStatus = `/api/v1/resources/vehicles/${unitId}/status`;
  const reason = recordedAt(step.atMs);
  switch (step.kind) {
    case "create":
      return { method: "POST", path: "/api/v1/incidents", body: createBody(call) };
    case "assign":
      return { method: "POST", path: `${incident}/assign`, body: { unitId } };
    case "en_route":
    case "on_scene":
      return { method: "PATCH", path: incident, body: { status: step.kind, unitId, reason } };
    case "transporting":
      return {
        method: "PATCH",
        path: unitStatus,
        body: { status: "transporting", reason: recordedAt(step.atMs, step.run?.atHospitalAtMs) },
      };
    case "clear":
      return { method: "PATCH", path: unitStatus, body: { status: "available", reason } };
    case "resolve":
      return { method: "PATCH", path: incident, body: { status: "resolved", reason } };
    case "cancel":
      return {
        method: "PATCH",
        path: incident,
        body: { status: "cancelled", reason: call.runs.length === 0 ? NO_UNIT_NAMED : NO_UNIT_ASSIGNED },
      };
    case "close":
      return {
        method: "POST",
        path: `${incident}/close`,
        body: { disposition: dispositionOf(call.runs), note: reason },
      };
  }
}
