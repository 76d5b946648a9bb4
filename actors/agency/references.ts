import type { Section, Sections } from "../../schema/configuration.ts";

/** A rule names something that its agency does not have. */
export interface BrokenReference {
  /** The section that names it, and where in there. */
  readonly section: Section;
  readonly path: string;
  /** The section that should have it. */
  readonly missingIn: Section;
  readonly code: string;
}

/** An empty section has everything. */
export function brokenReferences(sections: Sections): readonly BrokenReference[] {
  const { incidentTypes, resourceCategories, capabilities, runCards, timeTargets, escalation } = sections;
  const broken: BrokenReference[] = [];
  if (incidentTypes.length > 0) {
    const known = new Set(incidentTypes.map(({ code }) => code)).add("*");
    for (const [section, rules] of Object.entries({ runCards, timeTargets, escalation })) {
      for (const [index, { incidentType }] of rules.entries()) {
        if (known.has(incidentType)) continue;
        const path = `[${index}].incidentType`;
        broken.push({ section: section as Section, path, missingIn: "incidentTypes", code: incidentType });
      }
    }
  }
  if (capabilities.length > 0) {
    const known = new Set(capabilities.map(({ code }) => code));
    for (const { path, code } of capabilitiesIn(runCards)) {
      if (!known.has(code)) broken.push({ section: "runCards", path, missingIn: "capabilities", code });
    }
  }
  if (resourceCategories.length > 0) {
    const known = new Set(resourceCategories.map(({ code }) => code)).add("*");
    for (const [index, { category }] of sections.positionLimits.entries()) {
      if (known.has(category)) continue;
      const path = `[${index}].category`;
      broken.push({ section: "positionLimits", path, missingIn: "resourceCategories", code: category });
    }
  }
  return broken;
}

function* capabilitiesIn(cards: Sections["runCards"]): Generator<{ readonly path: string; readonly code: string }> {
  for (const [card, { alarms }] of cards.entries()) {
    for (const [alarm, { requires }] of alarms.entries()) {
      for (const [requirement, { capabilities }] of requires.entries()) {
        for (const [index, code] of capabilities.entries()) {
          yield { path: `[${card}].alarms[${alarm}].requires[${requirement}].capabilities[${index}]`, code };
        }
      }
    }
  }
}
