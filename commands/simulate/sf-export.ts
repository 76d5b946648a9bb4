/** DataSF's export layout, as published: these columns, in this order, spelt so. */
export const SF_EXPORT_HEADERS = [
  "Call Number",
  "Unit ID",
  "Incident Number",
  "Call Type",
  "Call Date",
  "Watch Date",
  "Received DtTm",
  "Entry DtTm",
  "Dispatch DtTm",
  "Response DtTm",
  "On Scene DtTm",
  "Transport DtTm",
  "Hospital DtTm",
  "Call Final Disposition",
  "Available DtTm",
  "Address",
  "City",
  "Zipcode of Incident",
  "Battalion",
  "Station Area",
  "Box",
  "Original Priority",
  "Priority",
  "Final Priority",
  "ALS Unit",
  "Call Type Group",
  "Number of Alarms",
  "Unit Type",
  "Unit sequence in call dispatch",
  "Fire Prevention District",
  "Supervisor District",
  "Neighborhooods - Analysis Boundaries",
  "Location",
  "RowID",
] as const;

export type SfExportRow = Readonly<Record<(typeof SF_EXPORT_HEADERS)[number], string>>;

/** Quoted where it must be, as RFC 4180 has it. */
function cell(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function sfExportLine(row: SfExportRow): string {
  return SF_EXPORT_HEADERS.map((header) => cell(row[header])).join(",");
}

export function sfExportFile(rows: readonly SfExportRow[]): string {
  return `${[SF_EXPORT_HEADERS.join(","), ...rows.map(sfExportLine)].join("\n")}\n`;
}
