import type { Reply } from "../../../runtime/messages.ts";
import { isRetryable } from "../../../schema/errors.ts";
import type {
  LocationReceipt,
  LocationReport,
  Position,
  PositionLimits,
  ReportLocations,
  ResourceType,
} from "../../../schema/resource.ts";
import type { Answer } from "../exchange.ts";
import { ProblemError } from "../problem.ts";
import type { Call, Services } from "./call.ts";
import { positionLimits } from "./position-limits.ts";

/** Handed over at a time; between two such parts whoever else waits has a turn: a part takes a fraction of a millisecond. */
const PART = 20;

/** What a request has of one unit. */
interface Reported {
  readonly id: string;
  readonly type: ResourceType;
  readonly fixes: Position[];
  /** Where each fix stands in the request. */
  readonly indexes: number[];
}

/** Fixes of many units. Each unit judges its own, as if they had come in a request of their own: one refused holds up no other. */
export async function reportLocations(services: Services, call: Call): Promise<Answer> {
  const { fixes }: ReportLocations = call.body;
  const units = byUnit(fixes, new Date(services.ports.clock.now()).toISOString());
  const limitsOf = positionLimits(services, call.principal.agencies);
  const replies: Promise<Reply>[] = [];
  for (const [index, unit] of units.entries()) {
    if (index > 0 && index % PART === 0) await new Promise<void>((resolve) => services.ports.clock.soon(resolve));
    replies.push(report(services, call, unit, limitsOf(unit.id)));
  }
  const receipt = receiptOf(units, await Promise.all(replies));
  receipt.refused.sort((a, b) => a.index - b.index);
  return { status: 202, body: JSON.stringify(receipt) };
}

function byUnit(fixes: ReportLocations["fixes"], now: string): readonly Reported[] {
  const units = new Map<string, Reported>();
  for (const [index, { type, id, at = now, ...rest }] of fixes.entries()) {
    // A unit has one type: under another one it is not there.
    const key = `${type}.${id}`;
    let unit = units.get(key);
    if (unit === undefined) {
      unit = { id, type, fixes: [], indexes: [] };
      units.set(key, unit);
    }
    unit.fixes.push({ ...rest, at });
    unit.indexes.push(index);
  }
  return [...units.values()];
}

function report(
  { client }: Services,
  { principal, requestId }: Call,
  { id, type, fixes }: Reported,
  limits: PositionLimits | undefined,
): Promise<Reply> {
  const report: LocationReport = { fixes, resourceType: type, limits };
  return client.report({ kind: "resource", id }, report, principal, requestId);
}

/** @throws when nothing could be taken just now: then it is the request that is to come again */
function receiptOf(units: readonly Reported[], replies: readonly Reply[]): LocationReceipt {
  let accepted = 0;
  const refused: { index: number; reason: string }[] = [];
  for (const [which, { indexes }] of units.entries()) {
    const reply = replies[which]!;
    if (!reply.ok) {
      for (const index of indexes) refused.push({ index, reason: reply.code });
      continue;
    }
    const receipt = reply.state as LocationReceipt;
    accepted += receipt.accepted;
    for (const { index, reason } of receipt.refused) refused.push({ index: indexes[index]!, reason });
  }
  const failed = replies.find((reply) => !reply.ok && isRetryable(reply.code));
  const isLost = failed !== undefined && replies.every((reply) => !reply.ok && isRetryable(reply.code));
  if (isLost && !failed.ok) throw new ProblemError(failed.code, failed.detail, failed.data);
  return { accepted, refused };
}
