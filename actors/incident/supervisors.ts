import type { Target } from "../../schema/routing/document.ts";

const SUPERVISORS: readonly Target[] = [{ kind: "role", to: "supervisor" }];

/** Who is told by a rule: those whom it names, or else the agency's supervisors. */
export function notifiedBy({ notify = SUPERVISORS }: { readonly notify?: readonly Target[] }): readonly Target[] {
  return notify;
}
