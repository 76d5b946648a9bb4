import type { Known } from "../../../actors/incident/state.ts";
import { ProblemError } from "../problem.ts";
import type { Call, Services } from "./call.ts";

/** No real incident is part of one that is part of one … so often: more is a mistake. */
const GENERATIONS_MAX = 32;

/** @throws 422 when the parent is not there for this caller, or is the incident itself or one of its own children */
export async function checkParent(
  { client }: Services,
  call: Call,
  parentId: string | null | undefined,
  childId?: string,
): Promise<void> {
  let ancestor = parentId ?? null;
  for (let generation = 0; ancestor !== null; generation++) {
    if (ancestor === childId) throw invalid("an incident is no part of itself, nor of its parts");
    if (generation === GENERATIONS_MAX) throw invalid(`at most ${GENERATIONS_MAX} generations`);
    const reply = await client.read({ kind: "incident", id: ancestor }, call.principal, call.requestId);
    // Of a parent's own parents, those that the caller may not see are none of its business.
    if (!reply.ok && generation > 0) return;
    if (!reply.ok) throw invalid("no such incident");
    ancestor = (reply.state as Known).fields.parentId;
  }
}

function invalid(message: string): ProblemError {
  return new ProblemError("invalid_body", "see issues", { issues: [{ path: "parentId", message }] });
}
