import { z } from "zod";
import type { ApiClient } from "./api-client.ts";
import type { Plan, Step } from "./plan.ts";
import { isDone, isServerError, problemOf } from "./problem.ts";
import { requestOf } from "./requests.ts";
import type { SkipReason, Tally } from "./tally.ts";

const created = z.object({ id: z.string() });

export interface PlayerOptions {
  readonly api: ApiClient;
  readonly plan: Plan;
  /** Ids by call sign. */
  readonly unitIds: ReadonlyMap<string, string>;
  /** Unique to this replay: a step's Idempotency-Key is this and its number. */
  readonly runKey: string;
  readonly tally: Tally;
}

/**
 * Carries out the steps of a plan, one at a time, in whatever order the caller has made sure of.
 *
 * A refusal is counted, and the steps that build on it are passed over: asking the server to move a unit that it would not
 * assign could move that unit on the call that holds it.
 */
export function createPlayer({ api, plan, unitIds, runKey, tally }: PlayerOptions): (index: number) => Promise<void> {
  const incidentIds = new Map<number, string>();
  const assigned = new Set<string>();
  const worked = new Set<number>();
  const resolved = new Set<number>();
  const runOf = (step: Step) => `${step.call}/${step.run?.callSign}`;

  const obstacle = (step: Step): SkipReason | undefined => {
    if (step.kind === "create") return undefined;
    if (!incidentIds.has(step.call)) return "call_not_created";
    if (step.run && !unitIds.has(step.run.callSign)) return "unit_not_created";
    if (step.run && step.kind !== "assign" && !assigned.has(runOf(step))) return "unit_not_assigned";
    return step.kind === "close" && !resolved.has(step.call) ? "call_not_resolved" : undefined;
  };

  const accept = (step: Step, body: unknown) => {
    tally.accept(step.kind);
    if (step.kind === "create") incidentIds.set(step.call, created.parse(body).id);
    if (step.kind === "assign") {
      assigned.add(runOf(step));
      worked.add(step.call);
    }
    if (step.kind === "resolve") resolved.add(step.call);
  };

  /** What nobody could be sent to was not resolved by anybody. */
  const asItTurnedOut = (step: Step): Step =>
    step.kind === "resolve" && !worked.has(step.call) ? { ...step, kind: "cancel" } : step;

  return async (index) => {
    const planned = plan.steps[index];
    const step = planned && asItTurnedOut(planned);
    const call = step && plan.calls[step.call];
    if (!step || !call) throw new Error(`the plan has no step ${index}`);
    const reason = obstacle(step);
    if (reason) {
      tally.skip(reason);
      return;
    }
    const ids = { incidentId: incidentIds.get(step.call), unitId: step.run && unitIds.get(step.run.callSign) };
    const answer = await api.send({ ...requestOf(step, call, ids), idempotencyKey: `${runKey}-${index}` });
    tally.answered(step.kind, answer);
    if (isDone(answer)) {
      accept(step, answer.body);
      return;
    }
    const what = [step.kind, step.run?.callSign, `call ${call.key}`].filter((part) => part !== undefined).join(" ");
    if (isServerError(answer)) tally.fail(problemOf(answer), what);
    else tally.refuse(problemOf(answer), what);
  };
}
