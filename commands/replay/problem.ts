import { z } from "zod";
import type { ApiAnswer } from "./api-client.ts";

const problemShape = z.object({
  title: z.string().optional(),
  detail: z.string().optional(),
  code: z.string().optional(),
});

/** Why a request was not done. */
export interface Problem {
  /** The server's own code, or `http_<status>` where the answer was no problem document. */
  readonly code: string;
  readonly detail: string;
}

export function isDone(answer: ApiAnswer): boolean {
  return answer.status >= 200 && answer.status < 300;
}

/** The server's fault, not the request's: what makes a replay fail. */
export function isServerError(answer: ApiAnswer): boolean {
  return answer.status >= 500 || answer.status === 429;
}

/** Reads RFC 9457 problem details, as far as there are any. */
export function problemOf(answer: ApiAnswer): Problem {
  const { code, title, detail } = problemShape.safeParse(answer.body).data ?? {};
  return { code: code ?? `http_${answer.status}`, detail: detail ?? title ?? "" };
}
