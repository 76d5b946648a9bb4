import { type ActorDefinition, refuse } from "../../runtime/actor.ts";
import type { View } from "../../runtime/board.ts";
import { builtInRouting, type RoutingDocument } from "../../schema/routing/document.ts";
import {
  REVISIONS_NAMED_MAX,
  type Revision,
  type RoutingCommand,
  type RoutingEvent,
} from "../../schema/routing/routing.ts";
import { compileRouting } from "./compile.ts";

export interface RoutingState {
  /** null until a document is activated for the first time. */
  readonly agencyId: string | null;
  readonly revision: number;
  readonly document: RoutingDocument;
  /** Oldest first. */
  readonly revisions: readonly Revision[];
}

const ISSUES_MAX = 50;

/** How an agency's alerts find the people they are for; its id is the agency's. What is active can be compiled. */
export const routing: ActorDefinition<RoutingState, RoutingCommand, RoutingEvent> = {
  kind: "routing",
  initial: { agencyId: null, revision: 0, document: builtInRouting, revisions: [] },
  limits: { mailboxMax: 64, idleMs: 600_000 },
  agencyOf: (s) => s.agencyId ?? undefined,

  decide: {
    activate: (s, { type: _type, ...activated }) => {
      const compiled = compileRouting(activated.document);
      if ("flaws" in compiled)
        return refuse("invalid_body", "see issues", { issues: compiled.flaws.slice(0, ISSUES_MAX) });
      if (JSON.stringify(s.document) === JSON.stringify(activated.document) && s.revision > 0) return [];
      return [{ type: "routing.activated", revision: s.revision + 1, ...activated }];
    },
  },

  evolve: {
    "routing.activated": (s, { revision, document, comment, restores }, { id, at, by }) => ({
      agencyId: id,
      revision,
      document,
      revisions: [
        ...s.revisions.slice(1 - REVISIONS_NAMED_MAX),
        { revision, activatedAt: at, activatedBy: by, comment, restores },
      ],
    }),
  },

  deadlines: () => [],
};

export const routingView: View = {
  present(agencyId, state) {
    const { revision, document, revisions } = state as RoutingState;
    const { activatedAt = null, activatedBy = null, comment = null } = revisions.at(-1) ?? {};
    return { agencyId, revision, activatedAt, activatedBy, comment, document };
  },
  matches: () => true,
};
