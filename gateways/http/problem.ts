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
  return error.issues
    .flatMap(said)
    .slice(0, ISSUES_MAX)
    .map(({ path, message }) => ({ path: pathOf(path), message }));
}

const ISSUES_MAX = 50;

type Issue = Pick<z.core.$ZodIssue, "path" | "message">;

/** Of what fits none of several forms it is told what keeps it from the one that is meant. */
function said(issue: z.core.$ZodIssue): readonly Issue[] {
  if (issue.code !== "invalid_union" || issue.message !== NOTHING_SAID || issue.errors.length === 0) return [issue];
  const meant = issue.errors.filter((flaws) => !flaws.some(isOfAnotherForm));
  const forms = (meant.length > 0 ? meant : issue.errors).map((flaws) => flaws.flatMap(said));
  const [only, ...others] = forms;
  const within = ({ path, message }: Issue): Issue => ({ path: [...issue.path, ...path], message });
  if (others.length === 0) return only!.map(within);
  // Any of them would do: what each lacks first.
  const lacks = forms.map(
    ([first]) => `${first!.path.length === 0 ? "" : `${pathOf(first!.path)}: `}${first!.message}`,
  );
  return [within({ path: [], message: [...new Set(lacks)].join(", or: ") })];
}

/** What zod says where a schema says nothing. */
const NOTHING_SAID = "Invalid input";

/** Whoever sends something else than an object, or names members that a form does not have, means another form. */
function isOfAnotherForm({ code, path }: z.core.$ZodIssue): boolean {
  return path.length === 0 && (code === "unrecognized_keys" || code === "invalid_type");
}

/** As `a.b[0]`. */
export function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`))
    .join("")
    .slice(0, 200);
}
