import { type Configuration, emptyConfiguration, statusFor } from "../../../schema/configuration.ts";
import {
  type ResourceStatus,
  type ResourceType,
  resourceStatuses,
  type StatusDetail,
} from "../../../schema/resource.ts";
import type { Address } from "../../../schema/subjects.ts";
import { ProblemError } from "../problem.ts";
import { type Call, orThrow, type Services } from "./call.ts";

/** What an agency's configuration makes of requests. An empty section says nothing. */

const BUILT_IN_PRIORITY = 3;
/** An answer names so many of what there is; all of it is under /api/v1/configuration. */
const NAMED_MAX = 30;

/** By the board: what this process has acknowledged is in it, and of others what has arrived. */
export function configurationOf({ board }: Services, agencyId: string): Configuration {
  const row = board.get({ kind: "agency", id: agencyId });
  return row === undefined ? emptyConfiguration(agencyId) : (board.present("agency", row) as Configuration);
}

/** The agency that an entity belongs to. Whoever may not see the entity does not learn that it is there. */
export async function ownerOf({ board, client }: Services, call: Call, address: Address): Promise<string> {
  const row = board.get(address);
  if (row !== undefined && call.principal.agencies.includes(row.agency)) return row.agency;
  const { state } = orThrow(await client.read(address, call.principal, call.requestId));
  return (state as { readonly agencyId: string }).agencyId;
}

interface Classified {
  readonly category?: string | null | undefined;
  readonly capabilities?: readonly string[] | undefined;
}

/** @throws 422 for a category or capability that the agency does not have */
export function checkResource(services: Services, agencyId: string, type: ResourceType, fields: Classified): void {
  const { resourceCategories, capabilities } = configurationOf(services, agencyId);
  const { category, capabilities: wanted = [] } = fields;
  const issues: Issue[] = [];
  if (resourceCategories.length > 0 && typeof category === "string") {
    const known = resourceCategories.filter((one) => one.type === type).map(({ code }) => code);
    if (!known.includes(category)) issues.push(unknown("category", category, known));
  }
  if (capabilities.length > 0) {
    const known = capabilities.map(({ code }) => code);
    for (const [index, one] of wanted.entries()) {
      if (!known.includes(one)) issues.push(unknown(`capabilities[${index}]`, one, known));
    }
  }
  orInvalid(issues);
}

/** What a status means, which may be a code of the agency's own. @throws 422 for one that there is not */
export function meantBy(
  services: Services,
  agencyId: string,
  type: ResourceType,
  status: string,
): { readonly status: ResourceStatus } & StatusDetail {
  const configuration = configurationOf(services, agencyId);
  const meant = statusFor(configuration, status, type);
  if (meant !== undefined) {
    const { base, ...detail } = meant;
    return { status: base, ...detail };
  }
  const own = configuration.statuses.filter(({ code }) => statusFor(configuration, code, type) !== undefined);
  const known = new Set<string>([...resourceStatuses, ...own.map(({ code }) => code)]);
  throw invalid([unknown("status", status, [...known])]);
}

/** @throws 422 for a type that the agency does not have */
export function checkIncidentType(services: Services, agencyId: string, type: string): void {
  const known = configurationOf(services, agencyId).incidentTypes.map(({ code }) => code);
  if (known.length > 0 && !known.includes(type)) throw invalid([unknown("type", type, known)]);
}

/** The priority of an incident that is reported without one. */
export function priorityFor(services: Services, agencyId: string, type: string): number {
  const { incidentTypes } = configurationOf(services, agencyId);
  return incidentTypes.find(({ code }) => code === type)?.priority ?? BUILT_IN_PRIORITY;
}

/** @throws 422 for a disposition that the agency does not have */
export function checkDisposition(services: Services, agencyId: string, disposition: string): void {
  const known = configurationOf(services, agencyId).dispositions.map(({ code }) => code);
  if (known.length > 0 && !known.includes(disposition)) throw invalid([unknown("disposition", disposition, known)]);
}

interface Issue {
  readonly path: string;
  readonly message: string;
}

function unknown(path: string, given: string, known: readonly string[]): Issue {
  const more = known.length > NAMED_MAX ? `, and ${known.length - NAMED_MAX} more` : "";
  const named = known.length === 0 ? "none" : known.slice(0, NAMED_MAX).join(", ");
  return { path, message: `${given} is not one of what the agency has: ${named}${more}` };
}

function orInvalid(issues: readonly Issue[]): void {
  if (issues.length > 0) throw invalid(issues);
}

function invalid(issues: readonly Issue[]): ProblemError {
  return new ProblemError("invalid_body", "see issues", { issues });
}
