import { z } from "zod";

/** What a token may allow. Order is of no meaning: a principal has exactly the roles named in its token. */
export const roles = ["dispatcher", "responder", "supervisor", "admin", "device"] as const;
export type Role = (typeof roles)[number];

export const agencyId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,32}$/, "1 to 32 letters, digits, - or _")
  .meta({ description: "An agency: 1 to 32 letters, digits, - or _", examples: ["default"] });

/** Who asks. */
export interface Principal {
  readonly subject: string;
  /** The agencies it may act for; the first is the default one. */
  readonly agencies: readonly string[];
  readonly roles: readonly Role[];
  /** The resource that it is or speaks for: a person of a crew, a vehicle's terminal. */
  readonly resourceId?: string;
  /** The embedded default's own admin token is not rate-limited. */
  readonly unlimited?: boolean;
}

/** The claims of a token. `agency` names one agency or several. */
export const claims = z.object({
  sub: z.string().min(1).max(128),
  agency: z.union([agencyId, z.array(agencyId).min(1).max(64)]),
  roles: z.array(z.enum(roles)).min(1),
  resource: z.uuid().toLowerCase().optional(),
  unlimited: z.boolean().optional(),
});

/** The system itself, acting unasked (deadlines, reactions). It may act for whatever agency an actor belongs to. */
export const systemPrincipal = (part: string): Principal => ({ subject: `system:${part}`, agencies: [], roles: [] });

export function isSystem(principal: Principal): boolean {
  return isSystemSubject(principal.subject);
}

export function isSystemSubject(subject: string): boolean {
  return subject.startsWith("system:");
}
