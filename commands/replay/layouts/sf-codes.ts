/** How the words of San Francisco's records become Tocsin's. */

const CATEGORY_BY_TYPE: Readonly<Record<string, string>> = {
  medical_incident: "medical",
  alarms: "fire",
  structure_fire: "fire",
  structure_fire_smoke_in_building: "fire",
  outside_fire: "fire",
  vehicle_fire: "fire",
  marine_fire: "fire",
  smoke_investigation_outside: "fire",
  explosion: "fire",
  traffic_collision: "traffic",
  water_rescue: "rescue",
  elevator_escalator_rescue: "rescue",
  confined_space_structure_collapse: "rescue",
  extrication_entrapped_machinery_vehicle: "rescue",
  high_angle_rescue: "rescue",
  industrial_accidents: "rescue",
  train_rail_incident: "rescue",
  train_rail_fire: "fire",
  aircraft_emergency: "rescue",
  watercraft_in_distress: "rescue",
  gas_leak_natural_and_lp_gases: "hazmat",
  hazmat: "hazmat",
  fuel_spill: "hazmat",
  oil_spill: "hazmat",
  odor_strange_unknown: "hazmat",
  electrical_hazard: "hazmat",
  suspicious_package: "hazmat",
  citizen_assist_service_call: "service",
  assist_police: "service",
  administrative: "service",
  mutual_aid_assist_outside_agency: "service",
};

const CATEGORY_BY_GROUP: Readonly<Record<string, string>> = {
  potentially_life_threatening: "medical",
  non_life_threatening: "medical",
  fire: "fire",
  alarm: "fire",
};

/** By the call's type; where the type is new or says little ("Other"), by its group; else `service`. */
export function categoryOf(typeSlug: string, groupSlug: string): string {
  return CATEGORY_BY_TYPE[typeSlug] ?? CATEGORY_BY_GROUP[groupSlug] ?? "service";
}

/**
 * Letters are the determinants of the Medical Priority Dispatch System, Alpha (mild) to Echo (life ending now); Omega is
 * milder than Alpha, and I is for information.
 */
const PRIORITY_BY_LETTER: Readonly<Record<string, number>> = { E: 1, D: 1, C: 2, B: 3, A: 4, O: 5, I: 5 };

/**
 * `Priority` is what triage made of the call; where it is empty the final priority counts, then the original one.
 * 3 is an emergency: 1 where life may be at stake, else 2. 2 is no emergency: 4. Letters as above; anything else 3.
 */
export function priorityOf(priorities: readonly string[], groupSlug: string): number {
  const code = priorities.find((text) => text !== "")?.toUpperCase() ?? "";
  if (code === "3") return groupSlug === "potentially_life_threatening" ? 1 : 2;
  if (code === "2") return 4;
  return PRIORITY_BY_LETTER[code] ?? 3;
}
