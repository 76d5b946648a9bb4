import { z } from "zod";
import { configuration, type Section, sectionSchemas, sections } from "../configuration.ts";
import { agencyId } from "../principal.ts";
import { anyone, type Route, timeline } from "./route.ts";

const path = "/api/v1/configuration";
const tag = "configuration";

export const ofAgency = z.strictObject({
  agencyId: agencyId.optional().describe("only for a caller that acts for several agencies"),
});
export type OfAgency = z.infer<typeof ofAgency>;

/** An entry tells a whole section twice: a page of them is shorter than others. */
const configurationTimelineQuery = z.strictObject({
  ...ofAgency.shape,
  limit: z.coerce.number().int().min(1).max(50).default(20).describe("changes a page"),
  cursor: z.string().max(200).optional().describe("`next` of the page before"),
});

const titles: Readonly<Record<Section, string>> = {
  incidentTypes: "the types an incident may have",
  resourceCategories: "the categories a resource may have",
  capabilities: "the capabilities a resource may have",
  statuses: "the agency's own statuses of resources, and when a status lasts too long",
  dispositions: "the dispositions an incident may be closed with",
  runCards: "what is sent to which incident, alarm by alarm",
  timeTargets: "how long dispatch, turnout and travel may take",
  escalation: "what happens when nobody is assigned in time",
  positionLimits: "how fast resources may be, and how inaccurate their positions",
};

/** `getRunCards`, `putRunCards` … */
export type SectionOperation<S extends Section = Section> = `get${Capitalize<S>}` | `put${Capitalize<S>}`;

export function capitalized<S extends Section>(section: S): Capitalize<S> {
  return (section.charAt(0).toUpperCase() + section.slice(1)) as Capitalize<S>;
}

/** Two routes a section, so that each body is documented as it is. */
const sectionRoutes = Object.fromEntries(
  sections.flatMap((section): [SectionOperation, Route][] => {
    const Section = capitalized(section);
    const document = z.strictObject({ items: sectionSchemas[section] }).meta({ id: Section });
    const common = { path: `${path}/${section}`, tag, query: ofAgency, status: 200 } as const;
    return [
      [
        `get${Section}`,
        {
          ...common,
          method: "get",
          summary: `One section: ${titles[section]}`,
          roles: anyone,
          answer: document,
          refusals: [],
        },
      ],
      [
        `put${Section}`,
        {
          ...common,
          method: "put",
          summary: `Replace a section: ${titles[section]}`,
          roles: ["admin"],
          body: document,
          answer: configuration,
          refusals: ["limit_reached"],
        },
      ],
    ];
  }),
) as { readonly [O in SectionOperation]: Route };

export const configurationRoutes = {
  getConfiguration: {
    method: "get",
    path,
    summary: "An agency's configuration; empty sections restrict nothing",
    tag,
    roles: anyone,
    query: ofAgency,
    status: 200,
    answer: configuration,
    refusals: [],
  },
  getConfigurationTimeline: {
    method: "get",
    path: `${path}/timeline`,
    summary: "Every change of an agency's configuration, oldest first: who, when, from what to what",
    tag,
    roles: anyone,
    query: configurationTimelineQuery,
    status: 200,
    answer: timeline,
    refusals: [],
  },
  ...sectionRoutes,
} as const satisfies Record<string, Route>;
