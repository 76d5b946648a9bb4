/** `<AGENCY>-<YYYY>-<NNNNNN>`. */
export function incidentNumberOf(agencyId: string, year: number, number: number): string {
  return `${agencyId.toUpperCase()}-${year}-${String(number).padStart(6, "0")}`;
}

const INCIDENT_NUMBER = /-(\d{4})-(\d{6,15})$/;

/** @returns undefined for what was not made by `incidentNumberOf` */
export function partsOfIncidentNumber(
  incidentNumber: string,
): { readonly year: number; readonly number: number } | undefined {
  const [, year, number] = INCIDENT_NUMBER.exec(incidentNumber) ?? [];
  return year === undefined || number === undefined ? undefined : { year: Number(year), number: Number(number) };
}
