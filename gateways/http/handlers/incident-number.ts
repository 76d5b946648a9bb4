import { incidentNumberOf } from "../../../schema/incident-number.ts";
import { subjects } from "../../../schema/subjects.ts";
import type { Services } from "./call.ts";

/** The next number of an agency's incidents: unique, and rising within a year. */
export async function nextIncidentNumber(services: Services, agencyId: string): Promise<string> {
  const year = new Date(services.ports.clock.now()).getUTCFullYear();
  return incidentNumberOf(agencyId, year, await services.numbers.next(subjects.number(agencyId, year)));
}
