import type { Principal, Role } from "../schema/principal.ts";
import { ProblemError } from "./http/problem.ts";

/** @throws ProblemError `forbidden`, naming the roles that may */
export function mustBeOneOf(allowed: readonly Role[], { roles }: Principal): void {
  if (allowed.some((role) => roles.includes(role))) return;
  throw new ProblemError("forbidden", `this takes one of the roles ${allowed.join(", ")}`);
}
