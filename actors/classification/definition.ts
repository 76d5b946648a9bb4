import { type ActorDefinition, refuse } from "../../runtime/actor.ts";
import type { View } from "../../runtime/board.ts";
import {
  builtInClassification,
  type ClassificationCommand,
  type ClassificationDocument,
  type ClassificationEvent,
} from "../../schema/classification.ts";
import { compileRules } from "./classify.ts";

export interface ClassificationState {
  /** null until a document is activated for the first time. */
  readonly agencyId: string | null;
  readonly revision: number;
  readonly document: ClassificationDocument;
  readonly activatedAt: string | null;
  readonly activatedBy: string | null;
  readonly comment: string | null;
}

const ISSUES_MAX = 50;

/** How an agency classifies its alerts; its id is the agency's. What is active can be compiled. */
export const classification: ActorDefinition<ClassificationState, ClassificationCommand, ClassificationEvent> = {
  kind: "classification",
  initial: {
    agencyId: null,
    revision: 0,
    document: builtInClassification,
    activatedAt: null,
    activatedBy: null,
    comment: null,
  },
  limits: { mailboxMax: 64, idleMs: 600_000 },
  agencyOf: (s) => s.agencyId ?? undefined,

  decide: {
    activate: (s, { document, comment }) => {
      const compiled = compileRules(document);
      if ("flaws" in compiled) {
        return refuse("invalid_body", "see issues", { issues: compiled.flaws.slice(0, ISSUES_MAX) });
      }
      if (s.revision > 0 && JSON.stringify(s.document) === JSON.stringify(document)) return [];
      return [{ type: "classification.activated", revision: s.revision + 1, document, comment }];
    },
  },

  evolve: {
    "classification.activated": (_s, { revision, document, comment }, { id, at, by }) => ({
      agencyId: id,
      revision,
      document,
      activatedAt: at,
      activatedBy: by,
      comment,
    }),
  },

  deadlines: () => [],
};

export const classificationView: View = {
  present: (agencyId, state) => ({ ...(state as ClassificationState), agencyId }),
  matches: () => true,
};
