export type PlaceRead =
  | { readonly lat: number; readonly lon: number }
  | { readonly wrong: "unparsable_place" | "place_out_of_range" };

const DECIMAL = /^[+-]?\d{1,3}(?:\.\d+)?$/;

/** @returns undefined where both are empty: the record has no place. */
export function readPlace(lat: string, lon: string): PlaceRead | undefined {
  if (lat === "" && lon === "") return undefined;
  if (!DECIMAL.test(lat) || !DECIMAL.test(lon)) return { wrong: "unparsable_place" };
  const place = { lat: Number(lat), lon: Number(lon) };
  return Math.abs(place.lat) > 90 || Math.abs(place.lon) > 180 ? { wrong: "place_out_of_range" } : place;
}

const NUMBER = String.raw`([+-]?[\d.]+)`;
/** As the API and today's CSV write it: longitude first. */
const WELL_KNOWN_TEXT = new RegExp(String.raw`^POINT ?\( ?${NUMBER} +${NUMBER} ?\)$`, "i");
/** As the CSV wrote it until about 2021: latitude first. */
const PAIR = new RegExp(String.raw`^\(${NUMBER}, ?${NUMBER}\)$`);

/** Reads "POINT (lon lat)" and "(lat, lon)", degrees WGS 84. */
export function readPoint(text: string): PlaceRead | undefined {
  if (text === "") return undefined;
  const pair = PAIR.exec(text);
  if (pair) return readPlace(pair[1] ?? "", pair[2] ?? "");
  const point = WELL_KNOWN_TEXT.exec(text);
  return point ? readPlace(point[2] ?? "", point[1] ?? "") : { wrong: "unparsable_place" };
}
