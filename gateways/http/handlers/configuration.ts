import { type Configuration, emptyConfiguration, type Section, sections } from "../../../schema/configuration.ts";
import {
  capitalized,
  type configurationRoutes,
  type OfAgency,
  type SectionOperation,
} from "../../../schema/routes/configuration.ts";
import type { Address } from "../../../schema/subjects.ts";
import { agencyFor, ask, type Call, type Handler, headersOf, orThrow, type Services, timeline } from "./call.ts";

function agency({ principal, query }: Call): Address {
  return { kind: "agency", id: agencyFor(principal, (query as OfAgency).agencyId) };
}

/** As its actor knows it; undefined when nothing was ever configured. */
async function current(services: Services, call: Call) {
  const reply = await services.client.read(agency(call), call.principal, call.requestId);
  return !reply.ok && reply.code === "not_found" ? undefined : orThrow(reply);
}

async function shown(services: Services, call: Call, part: (configuration: Configuration) => object) {
  const { id } = agency(call);
  const reply = await current(services, call);
  const configuration =
    reply === undefined
      ? emptyConfiguration(id)
      : (services.views.get("agency")!.present(id, reply.state, reply.version) as Configuration);
  const headers = headersOf(reply ?? { ok: true, state: undefined, version: 0, sequence: 0 });
  return { status: 200, headers, body: JSON.stringify(part(configuration)) };
}

const sectionHandlers = Object.fromEntries(
  sections.flatMap((section: Section): [SectionOperation, Handler][] => {
    const Section = capitalized(section);
    return [
      [`get${Section}`, (services, call) => shown(services, call, (all) => ({ items: all[section] }))],
      [
        `put${Section}`,
        (services, call) => ask(services, call, agency(call), { type: "configure", section, items: call.body.items }),
      ],
    ];
  }),
) as { readonly [O in SectionOperation]: Handler };

export const configurationHandlers: Readonly<Record<keyof typeof configurationRoutes, Handler>> = {
  getConfiguration: (services, call) => shown(services, call, (all) => all),

  async getConfigurationTimeline(services, call) {
    if ((await current(services, call)) !== undefined) return timeline(services, call, agency(call));
    return { status: 200, body: JSON.stringify({ items: [], next: null }) };
  },

  ...sectionHandlers,
};
