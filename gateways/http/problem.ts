import type { z } from "zod";
import { type ErrorCode, errorKinds } from "../../schema/errors.ts";

/** RFC 9457. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly requestId: string;
}

export interface ProblemDetails {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** What a handler throws to answer with a problem. */
export class ProblemError extends Error {
  override name = "ProblemError";
  readonly problem: ProblemDetails;

  constructor(code: ErrorCode, detail: string, data?: Readonly<Record<string, unknown>>) {
    super(detail);
    this.problem = data === undefined ? { code, detail } : { code, detail, data };
  }
}

export function problemOf({ code, detail, data }: ProblemDetails, requestId: string): Problem {
  const { title, status } = errorKinds[code];
  return { ...data, type: `urn:tocsin:problem:${code}`, title, status, detail, code, requestId };
}

/** Every issue with its path, as `a.b[0]`; at most fifty: a hostile body may have millions. */
export function issuesOf(error: z.ZodError): { path: string; message: string }[] {
  return error.issues.slice(0, 50).map(({ path, message }) => ({ path: pathOf(path), message }));
}

/** As `a.b[0]`. */
export function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`))
    .join("")
    .slice(0, 200);
}
