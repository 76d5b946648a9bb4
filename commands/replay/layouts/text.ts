/** Longest type that the API takes. */
const TYPE_LENGTH_MAX = 50;
/** Longest title that the API takes. */
const TITLE_LENGTH_MAX = 255;

/** "Gas Leak (Natural and LP Gases)" becomes "gas_leak_natural_and_lp_gases". */
export function slug(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_")
    .slice(0, TYPE_LENGTH_MAX)
    .replaceAll(/^_+|_+$/g, "");
}

export function titleOf(type: string, address: string): string {
  return (address === "" ? type : `${type} at ${address}`).slice(0, TITLE_LENGTH_MAX);
}

/** Leaves out what is empty: an absent field says as much as an empty one, in fewer bytes. */
export function compact(fields: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined && value !== "") kept[name] = value;
  return kept;
}

export const utc = (ms: number) => new Date(ms).toISOString();
