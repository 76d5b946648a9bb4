import { activeRules } from "../../../actors/classification/active.ts";
import { classify, compileRules } from "../../../actors/classification/classify.ts";
import {
  type ClassificationState,
  classification,
  classificationView,
} from "../../../actors/classification/definition.ts";
import { said } from "../../../actors/classification/said.ts";
import type { ClassificationDocument } from "../../../schema/classification.ts";
import type { classificationRoutes } from "../../../schema/routes/classification.ts";
import type { OfAgency } from "../../../schema/routes/configuration.ts";
import type { Address } from "../../../schema/subjects.ts";
import { ProblemError } from "../problem.ts";
import { agencyFor, ask, type Call, type Handler, headersOf, orThrow, type Services, timeline } from "./call.ts";

const addressOf = ({ principal, query }: Call): Address => {
  return { kind: "classification", id: agencyFor(principal, (query as OfAgency).agencyId) };
};

async function current(services: Services, call: Call) {
  const reply = await services.client.read(addressOf(call), call.principal, call.requestId);
  if (!reply.ok && reply.code === "not_found") return { state: classification.initial, version: 0, sequence: 0 };
  const { state, version, sequence } = orThrow(reply);
  return { state: state as ClassificationState, version, sequence };
}

/** @throws 422 with everything that is wrong with it */
function compiledCandidate(document: ClassificationDocument) {
  const compiled = compileRules(document);
  if (!("flaws" in compiled)) return compiled;
  const issues = compiled.flaws.map(({ path, message }) => ({ path: `document.${path}`, message }));
  throw new ProblemError("invalid_body", "see issues", { issues });
}

export const classificationHandlers: Readonly<Record<keyof typeof classificationRoutes, Handler>> = {
  async getClassification(services, call) {
    const { state, version, sequence } = await current(services, call);
    const headers = headersOf({ ok: true, state, version, sequence });
    const body = JSON.stringify(classificationView.present(addressOf(call).id, state, version));
    return { status: 200, headers, body };
  },

  activateClassification(services, call) {
    const { document, comment = null } = call.body;
    // So that issues name places in what was sent.
    compiledCandidate(document);
    return ask(services, call, addressOf(call), { type: "activate", document, comment });
  },

  async getClassificationTimeline(services, call) {
    if ((await current(services, call)).version > 0) return timeline(services, call, addressOf(call));
    return { status: 200, body: JSON.stringify({ items: [], next: null }) };
  },

  async testClassification(services, call) {
    const { alert, document } = call.body;
    const { state } = await current(services, call);
    const compiled = document === undefined ? activeRules(state).compiled : compiledCandidate(document);
    const verdict = classify(alert, said(alert), compiled, { rules: state.revision }, services.textClassifier);
    return { status: 200, body: JSON.stringify(verdict) };
  },
};
