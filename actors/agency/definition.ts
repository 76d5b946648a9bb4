import { type ActorDefinition, type Refusal, refuse } from "../../runtime/actor.ts";
import {
  type AgencyCommand,
  type AgencyEvent,
  CONFIGURATION_BYTES_MAX,
  emptySections,
  type Section,
  type Sections,
} from "../../schema/configuration.ts";
import { type BrokenReference, brokenReferences } from "./references.ts";
import { type AgencyState, unconfigured } from "./state.ts";

const ISSUES_MAX = 50;

/** An agency and what it has settled for itself; its id is the agency's. Whatever is configured fits together. */
export const agency: ActorDefinition<AgencyState, AgencyCommand, AgencyEvent> = {
  kind: "agency",
  initial: unconfigured,
  limits: { mailboxMax: 64, idleMs: 600_000 },
  agencyOf: (s) => s.agencyId ?? undefined,

  decide: {
    configure: (s, c) => {
      // Kept before a section came, a state says nothing of it.
      const before: Sections = { ...emptySections, ...s.sections };
      const from = before[c.section];
      const sections = { ...before, [c.section]: c.items };
      const broken = brokenReferences(sections);
      if (broken.length > 0) return misfit(c.section, broken);
      if (new TextEncoder().encode(JSON.stringify(sections)).length > CONFIGURATION_BYTES_MAX) {
        return refuse("limit_reached", `all sections together are at most ${CONFIGURATION_BYTES_MAX} bytes of JSON`);
      }
      if (JSON.stringify(from) === JSON.stringify(c.items)) return [];
      return [{ type: "agency.configured", section: c.section, from, to: c.items } as AgencyEvent];
    },
  },

  evolve: {
    "agency.configured": (s, { section, to }, { id, at }) => ({
      agencyId: id,
      sections: { ...s.sections, [section]: to },
      updatedAt: at,
    }),
  },

  deadlines: () => [],
};

/** As the gateway tells of a body: the issues name places in what was sent, which is the section's items. */
function misfit(sent: Section, broken: readonly BrokenReference[]): Refusal {
  const issues = broken
    .slice(0, ISSUES_MAX)
    .map(({ section, path, missingIn, code }) =>
      section === sent
        ? { path: `items${path}`, message: `${code} is not among the agency's ${missingIn}` }
        : { path: "items", message: `${code} is missing: ${section}${path} names it` },
    );
  return refuse("invalid_body", "see issues", { issues });
}
